"""Offers, events and tasks at places."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final
from uuid import UUID, uuid4

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.util import immutabledict

from geoservices.calendars.recurrence import Span
from geoservices.checkins.verification import Evidence
from geoservices.database import Base, one_of
from geoservices.places.models import Place
from geoservices.register import not_personal

LOOKS_AHEAD: Final = timedelta(days=7)


class ListingKind(StrEnum):
    """What sort of thing a listing is."""

    OFFER = "offer"
    EVENT = "event"
    TASK = "task"


class Listing(Base):
    """Something a place has for people: to redeem, to attend or, for staff, to do.

    Each kind is a class of its own, with a table for what it has besides (`geoservices.offers`,
    `events` and `tasks`). A listing is current from `starts_at` until `ends_at`, unless withdrawn.
    `evidence_needed` is the least evidence of presence that unlocks it after a check-in.
    """

    __tablename__ = "listings"
    __table_args__: Any = (
        CheckConstraint(one_of("kind", ListingKind), name="kind_known"),
        CheckConstraint(one_of("evidence_needed", Evidence), name="evidence_known"),
        CheckConstraint("ends_at > starts_at", name="ends_after_start"),
        Index("ix_listings_place", "place_id", "starts_at", "id"),
        Index("ix_listings_organisation", "organisation_id", "created_at", "id"),
        {"info": not_personal},
    )
    __mapper_args__ = immutabledict({"polymorphic_on": "kind"})

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"))
    place_id: Mapped[UUID] = mapped_column(ForeignKey("places.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(20))
    title: Mapped[str] = mapped_column(String(120))
    text: Mapped[str] = mapped_column(Text)
    evidence_needed: Mapped[str] = mapped_column(String(20))
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    withdrawn_at: Mapped[datetime | None]

    @property
    def begins_at(self) -> datetime:
        """From when on it is on at any of its hours."""
        return self.starts_at

    @property
    def came_up_at(self) -> datetime | None:
        """Since when campaigns may speak of it as new; None if that is still to come."""
        return self.created_at

    # Only kinds of which others keep copies need to know.
    def note_change(self, at: datetime) -> None:
        """Note that something of it is otherwise since an instant; a kind may count that."""

    def withdraw(self, at: datetime) -> None:
        """End it, unless that was done before."""
        if self.withdrawn_at is None:
            self.withdrawn_at = at
            self.note_change(at)

    def restore(self, at: datetime) -> None:
        """Put it on again, if it was withdrawn."""
        if self.withdrawn_at is not None:
            self.withdrawn_at = None
            self.note_change(at)

    def is_current(self, at: datetime) -> bool:
        """Tell whether it is on at an instant."""
        begun = self.starts_at <= at and (self.ends_at is None or self.ends_at > at)
        return begun and self.withdrawn_at is None

    def is_shown(self, at: datetime) -> bool:
        """Tell whether people who look at its place see it at an instant; a kind may say more."""
        return self.is_current(at)

    # Only kinds that have more reasons look at the place.
    def why_not(self, place: Place, *, at: datetime) -> str | None:  # noqa: ARG002
        """Return why nobody could make use of it at an instant, in a sentence; None if they could.

        Campaigns ask this of any listing before they speak of it. A kind that has more reasons
        adds them.

        Args:
            place: The listing's.
            at: Any aware instant.
        """
        return None if self.is_current(at) else "What it speaks of is not on at the moment."

    def why_over(self, at: datetime) -> str | None:
        """Return why nobody can make use of it any more, in a sentence; None if it is to come.

        Campaigns ask this before they speak of it to people who are not there.
        """
        to_come = self.withdrawn_at is None and (self.ends_at is None or self.ends_at > at)
        return None if to_come else "What it speaks of is over."

    # As above.
    def times_on(self, place: Place, *, since: datetime, until: datetime) -> Sequence[Span]:  # noqa: ARG002
        """Return when it is on between two instants, the earliest first, unless withdrawn.

        Args:
            place: The listing's.
            since: Any aware instant; what is on then may have begun before.
            until: A later one; a year later at most.
        """
        begins, ends = max(since, self.starts_at), min(until, self.ends_at or until)
        return [Span(begins, ends)] if begins < ends else []

    # As above.
    def same_until(self, place: Place, *, at: datetime) -> datetime:  # noqa: ARG002
        """Return until when `why_not` says the same at least, if nobody changes anything.

        That is a week later at most.
        """
        ahead = [moment for moment in (self.starts_at, self.ends_at) if moment and moment > at]
        return min([at + LOOKS_AHEAD, *ahead])
