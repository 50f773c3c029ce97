"""Ticks of a checklist that reach us in another order than that in which they were set."""

from collections.abc import Collection, Iterable
from datetime import datetime


def decided_since(
    history: Iterable[tuple[datetime, Collection[str]]], moment: datetime
) -> frozenset[str]:
    """Return the items whose ticks were set or taken back after a moment.

    Args:
        history: Of each step, in the order in which we heard of them, when it was taken by the
            clock of whoever took it, and what was ticked then.
        moment: By such a clock. Of two ticks at the same moment the one heard of last counts.
    """
    decided: set[str] = set()
    before: Collection[str] = ()
    for taken_at, ticked in history:
        if taken_at > moment:
            decided.update(set(ticked) ^ set(before))
        before = ticked
    return frozenset(decided)
