"""Events on the wire."""

from datetime import datetime, timedelta
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import Field, StringConstraints

from api.schemas.common import DurationIn, DurationOut, In, Instant, Out, Text
from api.schemas.listings import ListingFields, ListingOut, ListingShown
from api.schemas.places import PlaceHead
from geoservices.events.drafts import LONGEST, EventDraft
from geoservices.events.models import Event, Occurrence, SigningUp, SignUp, SignUpState
from geoservices.events.reminder_queries import LONGEST as LONGEST_REMINDER
from geoservices.events.service import Turnout
from geoservices.listings.models import ListingKind
from geoservices.places.models import Place

Reminder = Annotated[DurationIn, Field(gt=timedelta(0), le=LONGEST_REMINDER)]


class EventIn(ListingFields):
    """What a manager says of an event."""

    kind: Literal[ListingKind.EVENT]
    time_zone: Annotated[Text, StringConstraints(min_length=1, max_length=60)] | None = Field(
        default=None,
        description="IANA name of the zone by whose clocks it recurs; without, the place's",
    )
    length: DurationIn | None = Field(
        default=None,
        description="How long it takes each time; leave out where ends_at says it, or nobody knows",
        examples=["PT1H"],
    )
    rule: Annotated[Text, StringConstraints(min_length=1, max_length=500)] | None = Field(
        default=None,
        description="An RRULE (RFC 5545) by which it takes place again; starts_at is the first",
        examples=["FREQ=WEEKLY;BYDAY=TU"],
    )
    excluded: list[Instant] = Field(
        default=[], max_length=1000, description="Starts at which it does not take place"
    )
    capacity: Annotated[int, Field(strict=True, ge=1, le=1_000_000)] | None = Field(
        default=None, description="How many may go each time; null where there is no limit"
    )
    sign_up: SigningUp = SigningUp.NONE
    sign_up_closes: DurationIn = Field(
        default=timedelta(0),
        ge=timedelta(0),
        le=LONGEST,
        description="So long before each start signing up ends",
    )
    reminders: list[Reminder] = Field(
        default=[],
        max_length=3,
        description="So long before each start those going are reminded",
        examples=[["P1D", "PT2H"]],
    )

    def to_draft(self) -> EventDraft:
        """Return what the domain takes."""
        return EventDraft(**self.model_dump(exclude={"id"}))


class EventOut(ListingOut):
    """An event as its managers see it."""

    kind: Literal[ListingKind.EVENT]
    time_zone: str
    length: DurationOut | None
    rule: str | None
    excluded: list[datetime]
    capacity: int | None = Field(description="How many may go each time; null for no limit")
    sign_up: SigningUp
    sign_up_closes: DurationOut
    reminders: list[DurationOut]


class OccurrenceOut(Out):
    """One time that an event takes place."""

    starts_at: datetime
    ends_at: datetime
    cancelled: bool
    cancelled_because: str | None
    places_left: int | None = Field(
        description="How many are free; null where there is no limit. Who waits comes first."
    )
    waiting: int = Field(description="How many wait for a place")

    @classmethod
    def of(cls, turnout: Turnout) -> Self:
        """Show an occurrence."""
        return cls(
            starts_at=turnout.starts_at,
            ends_at=turnout.ends_at,
            cancelled=turnout.cancelled_because is not None,
            cancelled_because=turnout.cancelled_because,
            places_left=turnout.places_left,
            waiting=turnout.waiting,
        )


class EventSignUpOut(Out):
    """How a person stands at one occurrence of an event."""

    id: UUID
    state: SignUpState
    position: int | None = Field(
        description="Their place among those who wait, from 1; null when going"
    )

    @classmethod
    def of(cls, sign_up: SignUp | None, position: int | None) -> Self | None:
        """Show a sign-up, if there is one."""
        if sign_up is None:
            return None
        return cls(id=sign_up.id, state=SignUpState(sign_up.state), position=position)


class OccurrenceShown(OccurrenceOut):
    """One time that an event takes place, as somebody sees it."""

    sign_up_until: datetime | None = Field(
        description="Until when people can sign up for it; null where nobody does"
    )
    yours: EventSignUpOut | None = Field(description="The caller's own sign-up")

    @classmethod
    def of_event(
        cls, event: Event, turnout: Turnout, own: SignUp | None, position: int | None
    ) -> Self:
        """Show an occurrence, and how a person stands there."""
        takes = event.sign_up != SigningUp.NONE
        return cls(
            **OccurrenceOut.of(turnout).model_dump(),
            sign_up_until=turnout.starts_at - event.sign_up_closes if takes else None,
            yours=EventSignUpOut.of(own, position),
        )


class AttendanceOut(OccurrenceOut):
    """One time that an event takes place, as its managers see it: how many, and not who."""

    going: int = Field(description="How many have a place")
    attended: int = Field(description="How many of those who signed up checked in there")

    @classmethod
    def of(cls, turnout: Turnout) -> Self:
        """Show how many come to an occurrence."""
        shown = OccurrenceOut.of(turnout).model_dump()
        return cls(**shown, going=turnout.going, attended=turnout.attended)


class CancellationIn(In):
    """A manager says: it does not take place then."""

    starts_at: Instant
    reason: Annotated[Text, StringConstraints(min_length=1, max_length=300)] = Field(
        description="In a sentence, for those who signed up"
    )


class SignUpIn(In):
    """A person says: I want to come."""

    starts_at: Instant = Field(description="The start of one of the event's occurrences")
    id: UUID | None = Field(default=None, description="The device's own, so that a retry is safe")


class SignUpOut(Out):
    """A person's sign-up for one occurrence."""

    id: UUID
    event_id: UUID
    starts_at: datetime
    ends_at: datetime
    state: SignUpState
    position: int | None = Field(
        description="Their place among those who wait, from 1; null when going"
    )
    cancelled_because: str | None
    attended_at: datetime | None

    @classmethod
    def of(cls, sign_up: SignUp, occurrence: Occurrence, position: int | None) -> Self:
        """Show a sign-up to its person."""
        return cls(
            id=sign_up.id,
            event_id=occurrence.event_id,
            starts_at=occurrence.starts_at,
            ends_at=occurrence.ends_at,
            state=SignUpState(sign_up.state),
            position=position,
            cancelled_because=occurrence.reason,
            attended_at=sign_up.attended_at,
        )


class MySignUpOut(SignUpOut):
    """A person's sign-up, with what it is for."""

    place_id: UUID
    place_name: str
    time_zone: str = Field(description="By whose clocks it takes place")
    title: str

    @classmethod
    def of_event(
        cls,
        sign_up: SignUp,
        occurrence: Occurrence,
        event: Event,
        position: int | None,
        place: Place,
    ) -> Self:
        """Show a sign-up among others."""
        shown = SignUpOut.of(sign_up, occurrence, position).model_dump()
        return cls(
            **shown,
            place_id=place.id,
            place_name=place.name,
            time_zone=event.time_zone,
            title=event.title,
        )


class EventShown(ListingShown):
    """An event as people see it."""

    kind: Literal[ListingKind.EVENT]
    time_zone: str
    rule: str | None
    sign_up: SigningUp
    next: OccurrenceOut | None = Field(
        description="When it is on, or is next; null where nobody says how long it takes"
    )
    yours: EventSignUpOut | None = Field(description="The caller's own sign-up for that")

    @classmethod
    def of_event(
        cls,
        event: Event,
        ahead: tuple[Turnout, SignUp | None, int | None] | None,
        *,
        unlocked: bool,
    ) -> Self:
        """Show an event, with its text only if it is unlocked.

        Args:
            event: Which.
            ahead: When it is next, with the person's sign-up and position if they have one.
            unlocked: Whether what it says is theirs.
        """
        turnout, own, position = ahead or (None, None, None)
        fields = {
            name: getattr(event, name) for name in cls.model_fields if name not in {"next", "yours"}
        }
        shown = cls(
            **fields,
            next=None if turnout is None else OccurrenceOut.of(turnout),
            yours=EventSignUpOut.of(own, position),
        )
        return shown if unlocked else shown.model_copy(update={"text": None})


class SingleEventOut(EventShown):
    """An event by itself, as people see it."""

    place: PlaceHead
    unlocked: bool = Field(description="Whether what it says is the caller's to read")
    length: DurationOut | None = Field(description="How long it takes each time")
    capacity: int | None = Field(description="How many may go each time; null for no limit")
    reminders: list[DurationOut] = Field(
        description="So long before each start those going are reminded"
    )

    @classmethod
    def of_shown(cls, shown: EventShown, event: Event, place: Place) -> Self:
        """Show an event with what is told of one at a time."""
        return cls(
            **shown.model_dump(),
            place=PlaceHead.model_validate(place),
            unlocked=shown.text is not None,
            length=event.length,
            capacity=event.capacity,
            reminders=event.reminders,
        )
