"""What may be told of the people whom a campaign met. decisions/0051 argues why.

Everybody is counted once: with those who were told, with those who would have been and were held
out, or with those whom gates held. Some days make a **round**, whose people are parted into groups,
and each group is told or not (`statistics.counting.told`) and never again. No two groups have
anybody in common, so what is told of any days, variants or steps is a sum of groups, and so is the
difference of any two such answers. A group too small to be told is counted with the next one that
says less of its people, and what is left at the end is not told: few and none look alike.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final

from geoservices.campaigns.definitions import GoalKind
from geoservices.statistics.counting import STEP, told

FULL: Final = 20
"""A round is over once it tells of so many times the smallest group: of 200 people. Then what small
groups lose changes its shares by less than a twentieth."""
BY_VARIANT: Final = 5
"""A variant is told of by itself if it has so many times the smallest group; others together."""
MOST_DAYS: Final = 10
"""A round is over after so many days, however few people are in it."""
MOST_DAYS_OF: Final[Mapping[GoalKind | None, int]] = {GoalKind.SIGNED_UP: 2}
"""Sign-ups are deleted a week after the occurrence, so their rounds do not wait for more people."""
AT_LEAST: Final = timedelta(days=1)
"""What became of messages is looked at for so long after the first one, or as long as the goal."""


class Arm(StrEnum):
    """How a campaign met somebody."""

    TOLD = "told"
    HELD_OUT = "held-out"
    """They would have been told, but for the lot."""
    HELD = "held"
    """Another gate said no whenever the campaign decided about them."""


class Step(StrEnum):
    """How far a message came with a person; whoever came to one came to those before it."""

    SENT = "sent"
    ACCEPTED = "accepted"
    SHOWN = "shown"
    OPENED = "opened"


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Some people of whom the same is told, and how many messages they were sent.

    Attributes:
        arm: How the campaign met them.
        people: How many they are.
        variant: What they were told; None if that is not told of, or they were told nothing.
        ending: Of those told how far that came at least (`Step`); of those held the gate that
            their best message came to, or None for several.
        reached: Whether they reached the goal, as far as that is told.
        messages: How many messages they were sent within the time that is looked at.
    """

    arm: Arm
    people: int
    variant: str | None = None
    ending: str | None = None
    reached: bool = False
    messages: int = 0


@dataclass(frozen=True, slots=True)
class Met:
    """People whom a campaign met on a day, numbered from 0, and of whom all the same is true."""

    day: int
    group: Group


def next_round(
    met: Sequence[Met], *, days: int, most_days: int, is_over: bool, smallest: int
) -> tuple[int, list[Group]] | None:
    """Return of how many days the next round is, and what is told of it; None if it goes on.

    Args:
        met: Whom the campaign met on the days.
        days: How many days since the round before may be counted.
        most_days: How many a round has at most.
        is_over: Whether the campaign met nobody any more after them.
        smallest: So many people must be in a group for it to be told.
    """
    for number in range(1, min(days, most_days) + 1):
        groups = tell((one.group for one in met if one.day < number), smallest=smallest)
        full = sum(one.people for one in groups if one.arm is not Arm.HELD) >= FULL * smallest
        if full or number == most_days or (is_over and number == days):
            return number, groups
    return None


def tell(groups: Iterable[Group], *, smallest: int) -> list[Group]:
    """Return what may be told of people who are given in groups of any size.

    Args:
        groups: Each person in one of them; of those told each with a variant and a step.
        smallest: So many people must be in a group for it to be told.
    """
    by_arm: dict[Arm, list[Group]] = {arm: [] for arm in Arm}
    for one in groups:
        by_arm[one.arm].append(one)
    return [
        *_tell_told(by_arm[Arm.TOLD], smallest),
        *_tell_arm(by_arm[Arm.HELD_OUT], Arm.HELD_OUT, None, [None], smallest),
        *_tell_held(by_arm[Arm.HELD], smallest),
    ]


def _tell_told(groups: Sequence[Group], smallest: int) -> Iterator[Group]:
    size: Counter[str | None] = Counter()
    for one in groups:
        size[one.variant] += one.people
    by_themselves = {name for name, people in size.items() if people >= BY_VARIANT * smallest}
    steps = list(reversed(Step))
    for variant in sorted(name for name in by_themselves if name is not None):
        own = [one for one in groups if one.variant == variant]
        yield from _tell_arm(own, Arm.TOLD, variant, steps, smallest)
    others = [one for one in groups if one.variant not in by_themselves or one.variant is None]
    yield from _tell_arm(others, Arm.TOLD, None, steps, smallest)


def _tell_arm(
    groups: Sequence[Group],
    arm: Arm,
    variant: str | None,
    endings: Sequence[str | None],
    smallest: int,
) -> Iterator[Group]:
    """Tell of one arm: those who reached the goal by themselves if they are enough."""
    enough = sum(one.people for one in groups if one.reached) >= smallest
    for reached in (True, False) if enough else (None,):
        people: Counter[str | None] = Counter()
        messages: Counter[str | None] = Counter()
        for one in groups:
            if reached in {None, one.reached}:
                people[one.ending] += one.people
                messages[one.ending] += one.messages
        carried = carried_messages = 0
        for ending in endings:
            carried += people[ending]
            carried_messages += messages[ending]
            number = told(carried, smallest=smallest)
            if number is None:
                continue
            yield Group(
                arm=arm,
                people=number,
                variant=variant,
                ending=ending,
                reached=reached is True,
                messages=carried_messages - carried_messages % STEP,
            )
            carried = carried_messages = 0


def _tell_held(groups: Sequence[Group], smallest: int) -> Iterator[Group]:
    people: Counter[str | None] = Counter()
    for one in groups:
        people[one.ending] += one.people
    rest = 0
    for gate, count in people.items():
        number = told(count, smallest=smallest)
        if number is None:
            rest += count
        else:
            yield Group(arm=Arm.HELD, people=number, ending=gate)
    number = told(rest, smallest=smallest)
    if number is not None:
        yield Group(arm=Arm.HELD, people=number)
