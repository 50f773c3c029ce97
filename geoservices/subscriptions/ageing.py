"""Which subscriptions nobody is behind any more; pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """What it takes to call a subscription dead.

    `unrenewed` is how long no browser has sent it, `unseen` how many were accepted in a row and
    never shown, and `unseen_over` the time from the first of those to the last.
    """

    unrenewed: timedelta
    unseen: int
    unseen_over: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """How long and how often a living subscription was silent."""

    created_at: datetime
    updated_at: datetime
    last_failure_at: datetime | None
    last_accepted_at: datetime | None
    accepted_unseen: int
    unseen_since: datetime | None


def is_lifeless(silence: Silence, patience: Patience, *, at: datetime) -> bool:
    """Say whether there has been no sign of life for so long that nobody can be behind it.

    Some push services accept for ever what reaches nobody (WebKit bug 249766). One that is not
    pushed to is never lifeless: nothing was asked of it. A burst of messages to a phone that is
    switched off proves nothing either, hence the time from the first to the last. Where nothing
    was ever accepted, what was refused counts instead.
    """
    if at - silence.updated_at < patience.unrenewed:
        return False
    if silence.last_accepted_at is None and silence.last_failure_at is not None:
        return silence.last_failure_at - silence.created_at >= patience.unseen_over
    if silence.last_accepted_at is None or silence.unseen_since is None:
        return False
    return (
        silence.accepted_unseen >= patience.unseen
        and silence.last_accepted_at - silence.unseen_since >= patience.unseen_over
    )
