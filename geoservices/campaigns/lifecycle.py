"""How far a campaign has come, and which of its versions counts for what happened when."""

from datetime import datetime
from enum import StrEnum


class State(StrEnum):
    """How far a campaign has come."""

    DRAFT = "draft"
    REVIEW = "review"
    """Somebody is to look at it: it is not changed until it is taken back."""
    SCHEDULED = "scheduled"
    """Published, and its beginning lies ahead."""
    LIVE = "live"
    ENDED = "ended"


class ReplayState(StrEnum):
    """How far a replay of a campaign has come."""

    QUEUED = "queued"
    WORKING = "working"
    DONE = "done"
    FAILED = "failed"
    """It took too long, or broke off too often."""
    CANCELLED = "cancelled"


def state_of(
    *,
    submitted_at: datetime | None,
    published_at: datetime | None,
    ended_at: datetime | None,
    starts_at: datetime | None,
    ends_at: datetime | None,
    at: datetime,
) -> State:
    """Return a campaign's state at an instant.

    Args:
        submitted_at: When it was put up for review.
        published_at: When it was published.
        ended_at: When somebody ended it.
        starts_at: When its schedule begins, if it says so.
        ends_at: When its schedule ends.
        at: The instant.
    """
    if ended_at is not None and ended_at <= at:
        return State.ENDED
    if published_at is None:
        return State.DRAFT if submitted_at is None else State.REVIEW
    if ends_at is not None and ends_at <= at:
        return State.ENDED
    return State.SCHEDULED if starts_at is not None and starts_at > at else State.LIVE


def counts_for(
    *,
    in_force_from: datetime | None,
    in_force_until: datetime | None,
    published_at: datetime | None,
    occurred_at: datetime,
) -> bool:
    """Tell whether a version is the one that counts for what happened at an instant.

    The one that a campaign was published with counts for what happened shortly before, too; each
    later one only for what happened since.
    """
    if in_force_from is None:
        return False
    begun = in_force_from <= occurred_at or in_force_from == published_at
    return begun and (in_force_until is None or occurred_at < in_force_until)
