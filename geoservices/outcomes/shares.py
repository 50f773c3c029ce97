"""How sure one can be of a share of people, and of the difference of two.

Intervals hold the true share 19 times in 20. That of one share is Wilson's score interval
(Newcombe, Two-sided confidence intervals for the single proportion, Statistics in Medicine 17,
1998, 857-872, method 3); that of a difference is made of two of them (Newcombe, Interval estimation
for the difference between independent proportions, ibid., 873-890, method 10).
"""

from dataclasses import dataclass
from math import sqrt
from typing import Final

Z: Final = 1.959963984540054
"""The normal distribution holds 95 % within so many standard deviations."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """How many people did something and how many did not, as far as it is told.

    `reached` and `others` are what is told; the true numbers lie from `..._least` to `..._most`,
    since numbers are rounded down and small groups are told with larger ones or not at all.
    """

    reached: int
    others: int
    reached_least: int
    reached_most: int
    others_least: int
    others_most: int

    @property
    def people(self) -> int:
        """How many there are, as far as it is told."""
        return self.reached + self.others


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """A share or a difference of two, and between which bounds the true one lies."""

    share: float
    low: float
    high: float


def exact(reached: int, others: int) -> Tally:
    """Return the tally of numbers that are known exactly."""
    return Tally(
        reached=reached,
        others=others,
        reached_least=reached,
        reached_most=reached,
        others_least=others,
        others_most=others,
    )


def share_of(tally: Tally) -> Share | None:
    """Return the share of those who did something; None of nobody.

    The bounds are those of the true numbers that are least favourable to each.
    """
    if not tally.people:
        return None
    return Share(
        share=tally.reached / tally.people,
        low=_wilson(tally.reached_least, tally.others_most)[0],
        high=_wilson(tally.reached_most, tally.others_least)[1],
    )


def difference(ours: Tally, theirs: Tally) -> Share | None:
    """Return by how much one share is larger than another; None if either is of nobody."""
    if not ours.people or not theirs.people:
        return None
    least = (ours.reached_least, ours.others_most), (theirs.reached_most, theirs.others_least)
    most = (ours.reached_most, ours.others_least), (theirs.reached_least, theirs.others_most)
    return Share(
        share=ours.reached / ours.people - theirs.reached / theirs.people,
        low=_newcombe(*least)[0],
        high=_newcombe(*most)[1],
    )


def _wilson(reached: int, others: int) -> tuple[float, float]:
    people = reached + others
    middle = 2 * reached + Z**2
    half = Z * sqrt(Z**2 + 4 * reached * others / people) if people else Z**2
    return (
        max(0.0, (middle - half) / (2 * (people + Z**2))) if reached else 0.0,
        min(1.0, (middle + half) / (2 * (people + Z**2))) if others else 1.0,
    )


def _newcombe(ours: tuple[int, int], theirs: tuple[int, int]) -> tuple[float, float]:
    (low, high), (their_low, their_high) = _wilson(*ours), _wilson(*theirs)
    share, their_share = (one[0] / max(sum(one), 1) for one in (ours, theirs))
    apart = share - their_share
    return (
        apart - sqrt((share - low) ** 2 + (their_high - their_share) ** 2),
        apart + sqrt((high - share) ** 2 + (their_share - their_low) ** 2),
    )
