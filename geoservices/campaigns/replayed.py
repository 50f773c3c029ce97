"""What a replay is given: what happened, and what is known of people and places."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, time
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from geoservices.campaigns.conditions import Whose
from geoservices.campaigns.definitions import Definition
from geoservices.campaigns.rules import CampaignClass, Limits
from geoservices.campaigns.windows import Weekly


class Note(StrEnum):
    """What is recorded besides the triggers, and looked at and not decided on."""

    TOLD = "told"
    """Another campaign told somebody something."""
    CAME = "came"
    """Somebody came to a place, whatever that set off."""
    DID = "did"
    """Somebody did what the campaign's audience has done, or has not."""


Key = bytes
"""The sixteen bytes of an id. There are millions, and a UUID is hashed and compared in Python."""


class Recorded(NamedTuple):
    """Something that happened, when it became known.

    `kind` is a trigger's or a note's. `left_at` is when it became known that the visit was over,
    None while it is not. `subject` is the visit that somebody was on, the campaign of what was
    told, or the listing or campaign of what was done. `what` is the class of what was told, or what
    was done.
    """

    known_at: datetime
    occurred_at: datetime
    kind: str
    confidence: int
    person: Key
    place: Key | None
    left_at: datetime | None
    subject: Key | None
    what: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What is known of somebody now; `language` is theirs or the organisation's."""

    role: str
    language: str
    team_ids: frozenset[UUID]
    skills: Collection[str]
    purposes: frozenset[str]
    time_zone: str
    quiet_from: time | None
    quiet_until: time | None
    interests: Collection[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A place as it is now, and what may be asked of it at an instant.

    `is_sensitive` tells whether it is marked. `why_not` tells why nobody could make use of what the
    campaign speaks of, None if they could, and until when it is so.
    """

    name: str
    parent_id: UUID | None
    opening_hours: str | None
    time_zone: str
    is_sensitive: Callable[[datetime], bool]
    why_not: Callable[[datetime], tuple[str | None, datetime]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is replayed: a definition with what frames it, as if it had been live all the time.

    `time_zone` is by whose clocks days and hours are told.
    """

    whose: Whose
    campaign_class: CampaignClass
    purpose: str
    definition: Definition
    weekly: Weekly
    limits: Limits
    time_zone: str

    @property
    def campaign_id(self) -> UUID:
        """The campaign's."""
        return self.whose.campaign_id
