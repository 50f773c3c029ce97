"""What may be told of a replay: numbers of many people, blurred so that none can be told by them.

Whoever asks chooses places, hours and audiences as they like, and may ask again with a little
less. So, other than in `statistics.counting`, no numbers can be fixed once and for all, and steps
alone would give in: of two sets that differ by one person, one may be just above a step. Each
number is therefore blurred by an amount drawn by lot from who is in the set (the cell keys of the
Australian Bureau of Statistics: Fraser and Wooten, 2005). The same people give the same number,
however they are asked for, so that asking again shows nothing; one person more or less draws
anew. The amount is two-sided geometric (Ghosh, Roughgarden and Sundararajan, Universally Utility-
Maximizing Privacy Mechanisms, 2009), so that no number is more than exp(`EPSILON`) times as likely
with one person more. ADR 0050 says what is left.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final
from uuid import UUID

import numpy as np
import numpy.typing as npt

from geoservices.statistics.counting import STEP, told

EPSILON: Final = 0.5
Numbers = npt.NDArray[np.integer]


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """About how many people, and about how many times in all."""

    people: int
    times: int


class Blur:
    """Tells of sets of people about how many they are."""

    def __init__(self, people: Sequence[UUID], *, secret: bytes, smallest: int) -> None:
        """Draw everybody's key.

        Args:
            people: Whoever there is, by number.
            secret: Without it nobody can tell what was drawn.
            smallest: Of fewer people nothing is told.
        """
        self._secret = secret
        self._smallest = smallest
        keys = b"".join(self._hash(person_id.bytes) for person_id in people)
        self._keys = np.frombuffer(keys, dtype=np.uint64)

    def count(self, people: Numbers) -> Count | None:
        """Return about how many different people there are, and how often; None of a few.

        Nobody counts for more times than the tenth most does, so that none stands out.

        Args:
            people: Their numbers, each as often as it happened to them.
        """
        different, times = np.unique(people, return_counts=True)
        if len(different) < self._smallest:
            return None
        blur = self._drawn(different)
        number = self._told(len(different) + blur)
        most = int(np.partition(times, -self._smallest)[-self._smallest])
        # In steps of as much as one person may count for, and blurred by as much.
        in_all = int(np.minimum(times, most).sum()) + blur * most
        return Count(people=number, times=max(number, in_all - in_all % (STEP * most)))

    def by(self, people: Numbers, groups: Numbers) -> Iterator[tuple[int, Count]]:
        """Yield the numbers of groups of which something is told, ascending, and what is."""
        order = np.argsort(groups, kind="stable")
        sorted_ = groups[order]
        bounds = np.flatnonzero(np.diff(sorted_)) + 1
        for some in np.split(order, bounds):
            if len(some) and (found := self.count(people[some])) is not None:
                yield int(groups[some[0]]), found

    def _told(self, number: int) -> int:
        return told(max(number, self._smallest), smallest=self._smallest) or self._smallest

    def _drawn(self, different: Numbers) -> int:
        key = int(self._keys[different].sum(dtype=np.uint64))
        drawn = int.from_bytes(self._hash(key.to_bytes(8, "big")), "big") / 2**64
        return geometric(drawn)

    def _hash(self, what: bytes) -> bytes:
        return blake2b(what, key=self._secret, digest_size=8).digest()


def geometric(drawn: float) -> int:
    """Return the two-sided geometric amount that a number from 0 until before 1 stands for.

    An amount n has the share (1 - a) / (1 + a) * a^|n| of them, where a is exp(-`EPSILON`).
    """
    a = math.exp(-EPSILON)
    side, rest = (1, drawn * 2 - 1) if drawn >= 1 / 2 else (-1, 1 - drawn * 2)
    if rest < (1 - a) / (1 + a):
        return 0
    left = max((1 - rest) * (1 + a) / (2 * a), 2**-53)
    return side * (1 + math.floor(math.log(left) / -EPSILON))
