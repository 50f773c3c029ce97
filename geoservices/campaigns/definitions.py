"""What a campaign is defined as: an immutable document, of which it has one for each version."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

import msgspec

from geoservices.access.rights import Role
from geoservices.campaigns.cooldowns import CooldownPer
from geoservices.campaigns.rules import Cap, Trigger
from geoservices.campaigns.windows import Window


class Visited(StrEnum):
    """Whether somebody had been at the place before."""

    NEW = "new"
    RETURNING = "returning"


class Channel(StrEnum):
    """How a campaign would have its messages reach people, within what each chose."""

    PUSH = "push"
    INBOX = "inbox"
    """In the inbox alone: nothing is pushed."""


class AfterHolding(StrEnum):
    """What becomes of a message that was held back, once nothing holds it any more."""

    DROP = "drop"
    RELEASE = "release"
    RELEASE_IF_THERE = "release-if-there"
    """Only to whoever is still at the place, or is there again."""


class GoalKind(StrEnum):
    """What somebody does for whom a campaign was a success."""

    OPENED = "opened"
    CHECKED_IN = "checked-in"
    """At one of the campaign's places."""
    REDEEMED = "redeemed"
    SIGNED_UP = "signed-up"
    ATTENDED = "attended"
    """They checked in where and while the event was on."""
    DONE = "done"
    """Somebody did the task: it is the work that counts, and not who was told."""


class Did(StrEnum):
    """What somebody did, or did not do, to be one whom a campaign is for."""

    CHECKED_IN = "checked-in"
    """At one of the campaign's places, of those of the organisation's own."""
    OPENED = "opened"
    """A message of this campaign or of another one."""
    REDEEMED = "redeemed"
    SIGNED_UP = "signed-up"
    DONE = "done"
    """A task."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """That somebody did something lately: no longer ago than `within`.

    `of` is the offer, event or task, or the campaign whose message it was; None is any of the
    organisation's, or a message of this very campaign.
    """

    did: Did
    within: timedelta
    of: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """Everywhere within some metres of a point on WGS 84, in degrees."""

    lon: float
    lat: float
    radius_m: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceSet:
    """The places that any of its parts names.

    Tags (normal ones, `access.reach.normal_tag`) name places of the organisation's own, the other
    parts those shared with it too. `area` is a GeoJSON Polygon or MultiPolygon (RFC 7946), its
    edges straight in degrees, in which a place's point lies.
    """

    ids: tuple[UUID, ...] = ()
    tags: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    area: Mapping[str, Any] | None = None
    circle: Around | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Audience:
    """Whom a campaign is for: whoever fits all that is asked.

    Members have one of the `skills`, citizens one of the `interests`: keys of the organisation's
    topics. `languages` are language ranges (RFC 4647, basic filtering). They did all of `has`, and
    nothing of `has_not`. `sample` is the share of people it is for at all, `hold_out` the share of
    them who are decided about and never told. At most `at_most` people are told at all, those who
    come first.
    """

    roles: tuple[Role, ...]
    team_ids: tuple[UUID, ...] = ()
    skills: tuple[str, ...] = ()
    interests: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    visited: Visited | None = None
    visited_within: timedelta = timedelta(days=30)
    has: tuple[Condition, ...] = ()
    has_not: tuple[Condition, ...] = ()
    sample: float = 1.0
    hold_out: float = 0.0
    at_most: int | None = None

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """All that is asked of what people did."""
        return self.has + self.has_not


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """What a notification says; placeholders in braces are those of `wording`."""

    title: str
    body: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One way of saying it, in each language by its BCP 47 tag; more weight, more people."""

    name: str
    texts: Mapping[str, Text]
    weight: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """When a campaign is on, and in which weekly windows it speaks.

    `time_zone` is the IANA name of the windows' zone; none is that of the organisation.
    """

    starts_at: datetime | None = None
    ends_at: datetime | None = None
    windows: tuple[Window, ...] = ()
    time_zone: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Timetable:
    """When the runs of the trigger `schedule` begin.

    `rule` is an RRULE as `calendars.recurrence` keeps them, read by the clocks of the IANA zone
    `time_zone`, or of the organisation's if that is None; without one there is a single run.
    """

    starts_at: datetime
    rule: str | None = None
    time_zone: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """What counts as success, and by when after somebody was told; a task, after publishing.

    `target` is the share of those told, from 0 to 1, with which the campaign met its goal.
    """

    kind: GoalKind
    within: timedelta
    target: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """All that a campaign says of whom it tells what, when and why.

    Without `places` it is about its listing's place, wherever that is moved. `timetable` is for the
    trigger `schedule`. `objective` and `measure` are for people to read, and so is `effort`, unless
    it is a number of hours.
    """

    triggers: tuple[Trigger, ...]
    audience: Audience
    content: tuple[Variant, ...]
    places: PlaceSet | None = None
    schedule: Schedule = field(default_factory=Schedule)
    timetable: Timetable | None = None
    min_confidence: int = 2
    only_when_open: bool = False
    cooldown: timedelta = timedelta(hours=12)
    cooldown_per: CooldownPer = CooldownPer.CAMPAIGN
    cap: Cap | None = None
    after_holding: AfterHolding = AfterHolding.DROP
    channel: Channel = Channel.PUSH
    goal: Goal | None = None
    objective: str = ""
    measure: str = ""
    effort: str = ""

    @property
    def only_place(self) -> UUID | None:
        """The one place that it names, if it names nothing else."""
        named = self.places
        if named is None or len(named.ids) != 1:
            return None
        others = (named.tags, named.categories, named.area, named.circle)
        return None if any(others) else named.ids[0]


def stored(definition: Definition) -> dict[str, Any]:
    """Return a definition as it is kept in the database, as JSON has it."""
    document: dict[str, Any] = msgspec.to_builtins(definition)
    return document


def stored_goal(goal: Goal | None) -> dict[str, Any] | None:
    """Return a goal as it is kept in the database, as JSON has it."""
    document: dict[str, Any] | None = msgspec.to_builtins(goal)
    return document


def read_goal(document: Mapping[str, Any] | None) -> Goal | None:
    """Return a goal from the database."""
    return msgspec.convert(document, Goal | None)


def read(document: Mapping[str, Any]) -> Definition:
    """Return a definition from the database."""
    return msgspec.convert(document, Definition)
