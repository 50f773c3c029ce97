"""Which partitions the table of pings should have: some ahead, none beyond the retention."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from geoservices.instants import EPOCH

SHORTEST = timedelta(hours=1)
LONGEST = timedelta(days=1)
OF_RETENTION = 24
"""A partition holds this part of the retention, so positions stay at most that much longer."""
AHEAD = 6
"""So many partitions are made before they are needed."""


@dataclass(frozen=True, slots=True, order=True)
class Partition:
    """A part of the table: the pings that arrived from `start` on and before `end`."""

    start: datetime
    end: datetime

    @property
    def name(self) -> str:
        """Return its table's name."""
        return f"pings_{self.start:%Y%m%d_%H%M}_{self.end:%Y%m%d_%H%M}"


@dataclass(frozen=True, slots=True)
class Plan:
    """What to make and what to drop."""

    missing: list[Partition]
    over: list[Partition]


def plan(existing: Iterable[Partition], *, at: datetime, retention: timedelta) -> Plan:
    """Say which partitions are missing now, and which hold nothing that is still to be kept.

    A change of the retention changes the length of partitions to come; those that are there
    stay, and the next begins where the last one ends.

    Args:
        existing: The partitions there are.
        at: Now.
        retention: How long positions are kept.
    """
    length = min(max(retention / OF_RETENTION, SHORTEST), LONGEST)
    there = sorted(existing)
    start = _floor(at, length)
    until = start + (AHEAD + 1) * length
    covered_until = max((one.end for one in there), default=start)
    start = max(start, covered_until)
    missing: list[Partition] = []
    while start < until:
        end = _floor(start, length) + length
        missing.append(Partition(start, end))
        start = end
    return Plan(missing, [one for one in there if one.end <= at - retention])


def _floor(at: datetime, length: timedelta) -> datetime:
    """Return the last multiple of the length since 1970."""
    return at - (at - EPOCH) % length
