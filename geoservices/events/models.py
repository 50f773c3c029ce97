"""Events, when they take place, and who comes."""

from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID, uuid4

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Interval,
    String,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.util import immutabledict
from typing_extensions import override

from geoservices.calendars.recurrence import Series
from geoservices.database import Base, one_of
from geoservices.listings.models import Listing, ListingKind
from geoservices.register import Basis, Kept, about, not_personal, personal


class SigningUp(StrEnum):
    """Whether people can sign up for an event."""

    NONE = "none"
    OPEN = "open"


class SignUpState(StrEnum):
    """Where somebody who signed up stands."""

    GOING = "going"
    WAITING = "waiting"


class Event(Listing):
    """Something to attend at a place, once or again and again.

    `starts_at` is the first start, `length` how long each occurrence takes (None: nobody says, and
    then there is nothing to sign up for), `rule` an RRULE as `calendars.recurrence` keeps them,
    read by the clocks of `time_zone`. The listing's `ends_at` follows from these: the end of the
    last occurrence, None without an end. `capacity` is the most who go to one occurrence. Signing
    up ends `sign_up_closes` before an occurrence starts, and those going are reminded so long
    before as `reminders` says, the longest first.

    For those who keep copies, `revision` counts how often it was changed, withdrawn or put on
    again, or one of its occurrences cancelled; `changed_at` is when that was last, None if never.
    """

    __tablename__ = "events"
    __table_args__ = (
        CheckConstraint("length > interval '0'", name="length_positive"),
        CheckConstraint("rule IS NULL OR length IS NOT NULL", name="rule_with_length"),
        CheckConstraint("capacity > 0", name="capacity_positive"),
        CheckConstraint(one_of("sign_up", SigningUp), name="sign_up_known"),
        {"info": not_personal},
    )
    __mapper_args__ = immutabledict(
        {
            "polymorphic_identity": ListingKind.EVENT,
            "polymorphic_load": "inline",
        }
    )

    id: Mapped[UUID] = mapped_column(
        ForeignKey("listings.id", ondelete="CASCADE"), primary_key=True
    )
    time_zone: Mapped[str] = mapped_column(String(60))
    length: Mapped[timedelta | None]
    rule: Mapped[str | None] = mapped_column(String(500))
    excluded: Mapped[list[datetime]] = mapped_column(
        ARRAY(DateTime(timezone=True)), default=list, server_default="{}"
    )
    capacity: Mapped[int | None]
    sign_up: Mapped[str] = mapped_column(
        String(20), default=SigningUp.NONE, server_default=SigningUp.NONE.value
    )
    sign_up_closes: Mapped[timedelta] = mapped_column(
        default=timedelta(0), server_default="00:00:00"
    )
    reminders: Mapped[list[timedelta]] = mapped_column(
        ARRAY(Interval), default=list, server_default="{}"
    )
    revision: Mapped[int] = mapped_column(default=0, server_default="0")
    changed_at: Mapped[datetime | None]

    @override
    def note_change(self, at: datetime) -> None:
        """Count the change with what is stored next, after those that others store before."""
        self.revision = Event.revision + 1
        self.changed_at = at

    @property
    def series(self) -> Series | None:
        """What its occurrences follow from; None where nobody says how long it takes."""
        if self.length is None:
            return None
        return Series(
            starts_at=self.starts_at,
            length=self.length,
            rule=self.rule,
            time_zone=self.time_zone,
            excluded=self.excluded,
        )

    @override
    def is_shown(self, at: datetime) -> bool:
        """Tell whether people see it at an instant: until it is over, and before it begins too."""
        return self.withdrawn_at is None and (self.ends_at is None or self.ends_at > at)


class Occurrence(Base):
    """One time that an event takes place, stored once there is something to say of it.

    That is the first sign-up, or that it is cancelled. Whoever changes how many go holds the row,
    so that they are counted one after the other. The counts stay when the sign-ups are deleted.
    """

    __tablename__ = "event_occurrences"
    __table_args__ = (
        UniqueConstraint("event_id", "starts_at"),
        CheckConstraint("going >= 0 AND waiting >= 0 AND attended >= 0", name="counts_positive"),
        CheckConstraint("(cancelled_at IS NULL) = (reason IS NULL)", name="cancelled_with_reason"),
        Index("ix_event_occurrences_starts", "starts_at"),
        Index("ix_event_occurrences_ends", "ends_at"),
        {"info": not_personal},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    event_id: Mapped[UUID] = mapped_column(ForeignKey("events.id", ondelete="CASCADE"))
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    going: Mapped[int] = mapped_column(default=0, server_default="0")
    waiting: Mapped[int] = mapped_column(default=0, server_default="0")
    attended: Mapped[int] = mapped_column(default=0, server_default="0")
    cancelled_at: Mapped[datetime | None]
    reason: Mapped[str | None] = mapped_column(String(300))


class SignUp(Base):
    """That somebody wants to come to one occurrence, and has a place or waits for one.

    Those who wait are moved up in the order of `number`. `going_since` is when they got their
    place; `attended_at` when they checked in there, as they say.
    """

    __tablename__ = "sign_ups"
    __table_args__ = (
        UniqueConstraint("occurrence_id", "person_id"),
        CheckConstraint(one_of("state", SignUpState), name="state_known"),
        CheckConstraint("(state = 'going') = (going_since IS NOT NULL)", name="going_since_when"),
        Index("ix_sign_ups_person", "person_id", "signed_up_at", "id"),
        Index("ix_sign_ups_order", "occurrence_id", "state", "number"),
        {
            "info": about(
                purpose="keep places at events for those who ask for one",
                basis=Basis.CONSENT,
                kept=Kept(
                    setting="retention.sign_ups",
                    words="after the occurrence ended, or until it is given up or its consent "
                    "is withdrawn",
                ),
            )
        },
    )

    id: Mapped[UUID] = mapped_column(
        primary_key=True, default=uuid4, info=personal("the sign-up's number")
    )
    number: Mapped[int] = mapped_column(
        BigInteger, Identity(), info=personal("in which order they signed up")
    )
    occurrence_id: Mapped[UUID] = mapped_column(
        ForeignKey("event_occurrences.id", ondelete="CASCADE"),
        info=personal("for what", special=True),
    )
    person_id: Mapped[UUID] = mapped_column(
        ForeignKey("people.id", ondelete="CASCADE"), info=personal("who")
    )
    state: Mapped[str] = mapped_column(String(20), info=personal("whether they have a place"))
    signed_up_at: Mapped[datetime] = mapped_column(info=personal("when they signed up"))
    going_since: Mapped[datetime | None] = mapped_column(info=personal("when they got a place"))
    attended_at: Mapped[datetime | None] = mapped_column(
        info=personal("when they checked in there", special=True)
    )


class SignUpReminder(Base):
    """That somebody was reminded, so long before; nobody is for the same reason twice."""

    __tablename__ = "sign_up_reminders"
    __table_args__ = (
        {
            "info": about(
                purpose="remind people once of what they signed up for",
                basis=Basis.CONSENT,
                kept=Kept(setting="retention.sign_ups", words="as long as the sign-up"),
            )
        },
    )

    sign_up_id: Mapped[UUID] = mapped_column(
        ForeignKey("sign_ups.id", ondelete="CASCADE"),
        primary_key=True,
        info=personal("of which sign-up"),
    )
    before: Mapped[timedelta] = mapped_column(
        primary_key=True, info=personal("which reminder: so long before the start")
    )
    told_at: Mapped[datetime] = mapped_column(info=personal("when they were reminded"))
