"""Ticks of a checklist that reach us in another order than that in which they were set."""

from collections.abc import Mapping
from datetime import datetime


def not_older(
    ticks: Mapping[str, bool], said_at: Mapping[str, str], moment: datetime
) -> dict[str, bool]:
    """Return those of some ticks that are no older than what was said of their items before.

    Args:
        ticks: Items, and whether each is done.
        said_at: When that was last said of items, by the clocks of those who said it (ISO 8601).
        moment: When these ticks were set, by such a clock. Of two ticks at the same moment the one
            heard of last counts.
    """
    return {
        item: done
        for item, done in ticks.items()
        if item not in said_at or datetime.fromisoformat(said_at[item]) <= moment
    }
