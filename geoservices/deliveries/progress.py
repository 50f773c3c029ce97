"""How far the pushes of one notification have come, in one word for its person."""

from collections.abc import Set as AbstractSet
from enum import StrEnum

from geoservices.deliveries.states import TAKEN_IN, UNFINISHED

REACHED, UNDER_WAY = frozenset(TAKEN_IN), frozenset(UNFINISHED)


class PushProgress(StrEnum):
    """Why something popped up, or why nothing did."""

    SENT = "sent"
    """A push service has it for at least one browser."""
    WAITING = "waiting"
    """None has it yet, and it is tried."""
    NONE = "none"
    """There was no browser to push to, or the person wants no push for this."""
    FAILED = "failed"
    """No browser could be reached."""


def progress_of(states: AbstractSet[str]) -> PushProgress:
    """Return how far the pushes are, from the states of all deliveries of one notification."""
    if states & REACHED:
        return PushProgress.SENT
    if states & UNDER_WAY:
        return PushProgress.WAITING
    return PushProgress.FAILED if states else PushProgress.NONE
