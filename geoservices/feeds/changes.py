"""What a fetch of a feed changes: which events are new, changed, withdrawn or left as they are.

A feed that comes back with few of its events, or with none, has more often lost them by mistake
than meant it. So when more than half of what it had is missing, nothing is withdrawn until it has
been so for a day, or a manager says that it is meant.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, NamedTuple
from uuid import UUID

THIN_FOR: Final = timedelta(days=1)


class Key(NamedTuple):
    """By what an event is known again; `recurrence` is empty but for single occurrences."""

    uid: str
    recurrence: str


class Effect(StrEnum):
    """What becomes of an event's listing."""

    ADDED = "added"
    CHANGED = "changed"
    RESTORED = "restored"
    """It was withdrawn by the feed, and is in it again."""
    WITHDRAWN = "withdrawn"
    UNCHANGED = "unchanged"
    LEFT = "left"
    """A manager withdrew it, and it stays so."""
    HELD = "held"
    """It is missing, and stays until it is sure that this is meant."""
    OVER = "over"
    """It is over, or was called off before it was ever told of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """An event as this fetch tells of it; `digest` is the same as long as it says the same."""

    key: Key
    digest: bytes
    sequence: int
    modified_at: datetime | None
    cancelled: bool
    is_over: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """An event that an earlier fetch told of, and how its listing is now."""

    key: Key
    listing_id: UUID
    digest: bytes
    sequence: int
    modified_at: datetime | None
    withdrawn: bool
    withdrawn_by_feed: bool
    is_over: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """What becomes of each event. `is_thin` tells that too many are missing to be believed."""

    effects: Mapping[Key, Effect]
    is_thin: bool


def plan(
    told: Sequence[Told],
    known: Sequence[Known],
    *,
    whole: bool,
    unread: frozenset[str],
    was_thin: bool,
    believed: bool,
) -> Plan:
    """Decide what a fetch changes.

    Args:
        told: The events of this fetch, each key once.
        known: Those of the fetches before.
        whole: Whether what is not in the feed is not there.
        unread: UIDs of events that are there and cannot be read or placed.
        was_thin: Whether too many were missing the last time; what is then added to the feed does
            not make up for them.
        believed: Whether it may be missing most of its events.
    """
    before = {one.key: one for one in known}
    effects = {one.key: _effect(one, before.get(one.key)) for one in told}
    current = [one for one in known if not one.withdrawn and not one.is_over]
    missing = [one.key for one in current if one.key not in effects]
    gone = [key for key in missing if whole and key.uid not in unread]
    is_thin = bool(gone) and (was_thin or len(gone) * 2 > len(current))
    lost = Effect.WITHDRAWN if believed or not is_thin else Effect.HELD
    effects |= dict.fromkeys(missing, Effect.HELD) | dict.fromkeys(gone, lost)
    return Plan(effects, is_thin)


def is_believed(*, thin_since: datetime | None, asked: bool, at: datetime) -> bool:
    """Tell whether a feed may be missing most of its events: as asked, or after a day of it."""
    return asked or (thin_since is not None and at - thin_since >= THIN_FOR)


def _effect(told: Told, known: Known | None) -> Effect:
    if known is None:
        return Effect.OVER if told.is_over or told.cancelled else Effect.ADDED
    if known.withdrawn and not known.withdrawn_by_feed:
        return Effect.LEFT
    if _is_older(told, known):
        return Effect.UNCHANGED
    if told.cancelled:
        return Effect.UNCHANGED if known.withdrawn else Effect.WITHDRAWN
    if known.withdrawn:
        return Effect.OVER if told.is_over else Effect.RESTORED
    return Effect.UNCHANGED if told.digest == known.digest else Effect.CHANGED


def _is_older(told: Told, known: Known) -> bool:
    """Tell whether what is told is from before what is known, as some cache may have kept it."""
    if told.modified_at is None or known.modified_at is None:
        return False
    return told.sequence < known.sequence and told.modified_at <= known.modified_at
