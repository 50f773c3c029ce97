"""The parts of a campaign's definition, as they are sent and told."""

from datetime import time, timedelta
from typing import Annotated, Any
from uuid import UUID

from pydantic import (
    AfterValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    StringConstraints,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema
from typing_extensions import override

from api.schemas.accounts import TimeZone
from api.schemas.common import DurationIn, In, Instant, Lat, Lon, Text
from api.schemas.members import Tags
from geoservices.access.rights import Role
from geoservices.campaigns.cooldowns import CooldownPer
from geoservices.campaigns.definitions import AfterHolding, Channel, Did, GoalKind, Visited
from geoservices.campaigns.rules import Trigger
from geoservices.campaigns.windows import Weekday
from geoservices.campaigns.wording import LONGEST_BODY, LONGEST_TITLE
from geoservices.interests.models import LONGEST_KEY
from geoservices.languages import LONGEST

MOST_PLACES = 500
MONTH = timedelta(days=30)
YEAR = timedelta(days=365)
LONGEST_GOAL = timedelta(days=14)
"""What people do is kept for 30 days, and has to be counted by then."""


class Part(In):
    """A part that is told as it was sent."""

    model_config = ConfigDict(
        from_attributes=True,
        populate_by_name=True,
        json_schema_serialization_defaults_required=True,
    )

    @classmethod
    @override
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Describe it; what is told has every member, so that nothing has a default."""
        schema = handler(core_schema)
        if handler.mode == "serialization":
            for member in handler.resolve_ref_schema(schema).get("properties", {}).values():
                member.pop("default", None)
        return schema


def _of_the_day(value: time) -> time:
    if value.tzinfo is not None:
        raise ValueError("must be a local time, without an offset")
    return value


def each_once(values: list[Any]) -> list[Any]:
    """Refuse a list that names anything twice."""
    if len(set(values)) < len(values):
        raise ValueError("must not name anything twice")
    return values


LocalTime = Annotated[time, AfterValidator(_of_the_day)]
Language = Annotated[
    Text,
    StringConstraints(min_length=2, max_length=LONGEST),
    Field(examples=["cy"], description="A language tag (BCP 47)"),
]
TopicWord = Annotated[
    Text,
    StringConstraints(max_length=LONGEST_KEY, pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$"),
    Field(examples=["story-time"], description="A topic's key: an organisation's own word for it"),
]
Words = Annotated[Text, StringConstraints(max_length=500)]
Share = Annotated[float, Field(strict=True)]


class Circle(Part):
    """Everywhere within a radius of a point."""

    lon: Lon
    lat: Lat
    radius_m: float = Field(
        strict=True, ge=5, le=50_000, description="Metres from the point", examples=[800]
    )


class PlaceSet(Part):
    """All the places that any member names; tags and categories as these are from time to time."""

    ids: Annotated[list[UUID], AfterValidator(each_once)] = Field(
        default_factory=list, max_length=MOST_PLACES
    )
    tags: Annotated[Tags, AfterValidator(each_once)] = Field(default_factory=list)
    categories: Annotated[
        list[Annotated[Text, StringConstraints(min_length=1, max_length=60)]],
        AfterValidator(each_once),
    ] = Field(default_factory=list, max_length=50, examples=[["library"]])
    area: dict[str, Any] | None = Field(
        default=None, description="A GeoJSON Polygon or MultiPolygon, in degrees on WGS 84"
    )
    circle: Circle | None = None


class Condition(Part):
    """That somebody did something no longer ago than some time."""

    did: Did = Field(
        description="`checked-in` is at one of the campaign's places, of those of the "
        "organisation's own; `opened` is a message of this campaign, unless `of` names another"
    )
    of: UUID | None = Field(
        default=None,
        description="The id of an offer (`redeemed`), event (`signed-up`), task (`done`) or "
        "campaign (`opened`) of the organisation's; null is any, and for `opened` this campaign",
    )
    within: DurationIn = Field(
        ge=timedelta(minutes=1),
        le=YEAR,
        description="How long ago at most, and no longer than it is kept",
        examples=["P14D"],
    )


Conditions = Annotated[list[Condition], AfterValidator(each_once), Field(max_length=10)]


class Audience(Part):
    """Whoever is all of this: they hear of the campaign, and nobody else does."""

    roles: Annotated[list[Role], AfterValidator(each_once)] = Field(min_length=1)
    team_ids: Annotated[list[UUID], AfterValidator(each_once)] = Field(
        default_factory=list, max_length=50, description="In one of these teams; empty is any"
    )
    skills: Annotated[Tags, AfterValidator(each_once)] = Field(
        default_factory=list, description="Members who have one of these; empty is any"
    )
    interests: Annotated[list[TopicWord], AfterValidator(each_once)] = Field(
        default_factory=list,
        max_length=50,
        description="Citizens who want to hear of one of these topics of the organisation's, by "
        "key; empty is any",
    )
    languages: Annotated[list[Language], AfterValidator(each_once)] = Field(
        default_factory=list,
        max_length=20,
        description="Whose language is one of these: `en` is British and American; empty is any",
    )
    visited: Visited | None = Field(
        default=None, description="Whether they had come to the place before; null is either"
    )
    visited_within: DurationIn = Field(
        default=MONTH, ge=timedelta(days=1), le=MONTH, description="How far back that looks"
    )
    has: Conditions = Field(default_factory=list, description="They did all of these")
    has_not: Conditions = Field(default_factory=list, description="And none of these")
    sample: Share = Field(
        default=1.0, gt=0, le=1, description="The share of people it is for, from 0 to 1"
    )
    hold_out: Share = Field(
        default=0.0,
        ge=0,
        le=0.9,
        description="The share of them, from 0 to 0.9, who are decided about and never told",
    )
    at_most: int | None = Field(
        default=None,
        strict=True,
        ge=1,
        le=10_000_000,
        description="How many people are told in all, those who come first; null is any number. "
        "Of a published campaign the number may change, and not whether there is one",
    )


class TextPart(Part):
    """What a notification says.

    `{place}`, `{listing}`, `{starts}`, `{ends}` and `{organisation}` are filled when it is sent.
    """

    title: Annotated[Text, StringConstraints(min_length=1, max_length=LONGEST_TITLE)]
    body: Annotated[Text, StringConstraints(min_length=1, max_length=LONGEST_BODY)]


class Variant(Part):
    """One way of saying it. Everybody is always told the same one."""

    name: Annotated[Text, StringConstraints(min_length=1, max_length=40)] = "a"
    weight: int = Field(
        default=1,
        strict=True,
        ge=1,
        le=100,
        description="How many people are told this, in proportion to the other variants",
    )
    texts: dict[Language, TextPart] = Field(
        min_length=1,
        max_length=20,
        description="By language; one of them the organisation's",
        examples=[{"en-GB": {"title": "Story time", "body": "Today at {place}, it is free."}}],
    )


class Window(Part):
    """Hours on some days of the week; one that ends before it begins runs over midnight."""

    days: Annotated[list[Weekday], AfterValidator(each_once)] = Field(min_length=1)
    from_: LocalTime = Field(alias="from", examples=["09:00"])
    until: LocalTime = Field(examples=["17:30"])


class Schedule(Part):
    """When the campaign is on, and in which weekly windows it speaks; none is the whole week."""

    starts_at: Instant | None = None
    ends_at: Instant | None = None
    windows: list[Window] = Field(default_factory=list, max_length=21)
    time_zone: TimeZone | None = Field(
        default=None, description="Of the windows; null is the organisation's"
    )


class Timetable(Part):
    """When the campaign runs by itself, for the trigger `schedule`."""

    starts_at: Instant = Field(description="When it runs first")
    rule: Annotated[Text, StringConstraints(min_length=1, max_length=500)] | None = Field(
        default=None,
        examples=["FREQ=WEEKLY;BYDAY=MO,TH;COUNT=20"],
        description="When it runs again: an RRULE of RFC 5545 with an UNTIL or a COUNT, read by "
        "the clocks of the time zone; null is once",
    )
    time_zone: TimeZone | None = Field(
        default=None, description="By whose clocks; null is the organisation's"
    )


class Cap(Part):
    """The most messages from this campaign to one person in any window."""

    messages: int = Field(strict=True, ge=1, le=1000, description="How many", examples=[3])
    within: DurationIn = Field(ge=timedelta(minutes=1), le=MONTH)


class Goal(Part):
    """What counts as success, and by when after somebody was told."""

    kind: GoalKind = Field(description="One that the campaign's listing lets people reach")
    within: DurationIn = Field(ge=timedelta(minutes=1), le=LONGEST_GOAL)
    target: Share | None = Field(
        default=None,
        gt=0,
        lt=1,
        description="The share of those told, from 0 to 1, with which it is met; not for `done`",
    )


class Definition(Part):
    """What a campaign is defined as; each change of it is a version."""

    triggers: Annotated[list[Trigger], AfterValidator(each_once)] = Field(min_length=1)
    places: PlaceSet | None = Field(
        default=None, description="Null is the listing's place, if there is a listing"
    )
    audience: Audience
    content: list[Variant] = Field(min_length=1, max_length=5)
    schedule: Schedule = Field(default_factory=Schedule)
    timetable: Timetable | None = None
    min_confidence: int = Field(
        default=2, ge=1, le=3, description="Least confidence in the person's presence, 1 to 3"
    )
    only_when_open: bool = Field(
        default=False, description="Hold while the place is closed by its opening hours"
    )
    cooldown: DurationIn = Field(default=timedelta(hours=12), ge=timedelta(0), le=YEAR)
    cooldown_per: CooldownPer = Field(
        default=CooldownPer.CAMPAIGN,
        description="Where somebody must have been told for the cooldown to hold: anywhere, at the "
        "same place, or there, at its parent and at places with the same parent",
    )
    cap: Cap | None = None
    after_holding: AfterHolding = Field(
        default=AfterHolding.DROP, description="What becomes of what a gate held back"
    )
    channel: Channel = Field(
        default=Channel.PUSH, description="`inbox`: in the inbox alone, nothing is pushed"
    )
    goal: Goal | None = None
    objective: Words = Field(default="", description="What it is to bring about, for people")
    measure: Words = Field(default="", description="By what that is seen")
    effort: Words = Field(
        default="", description="What it costs to run: a number of hours, or words"
    )
