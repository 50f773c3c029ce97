"""Stays at places and the transitions that begin, mark and end them."""

from datetime import datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from geoservices.database import Base, one_of
from geoservices.visits.transitions import Phase, Reason, TransitionKind


class Visit(Base):
    """A stay of one device within one geofence, open until it has `exited_at`.

    `phase` and `phase_since` are the state of the machine in `transitions`; a visit in the phase
    `arriving` is a suspicion and not yet a stay. `told` says that the phone itself told of having
    come; `due_at` is when a timer must look at it next.

    Geofences, places and organisations stay in the database for good, and PostgreSQL is not asked
    whether they are there: to check it, it would lock the row of the organisation for every visit.
    """

    __tablename__ = "visits"
    __table_args__ = (
        CheckConstraint(one_of("phase", Phase), name="phase_known"),
        CheckConstraint("(phase = 'ended') = (exited_at IS NOT NULL)", name="ended_whole"),
        Index(
            "uq_visits_open",
            "device_id",
            "geofence_id",
            unique=True,
            postgresql_where="exited_at IS NULL",
        ),
        Index("ix_visits_device_entered", "device_id", "entered_at", "id"),
        Index("ix_visits_due", "due_at", postgresql_where="exited_at IS NULL"),
        Index("ix_visits_here", "geofence_id", postgresql_where="exited_at IS NULL"),
        Index("ix_visits_place_entered", "place_id", "entered_at"),
        Index("ix_visits_exited", "exited_at", postgresql_where="exited_at IS NOT NULL"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    device_id: Mapped[UUID] = mapped_column(ForeignKey("devices.id", ondelete="CASCADE"))
    geofence_id: Mapped[UUID]
    place_id: Mapped[UUID]
    organisation_id: Mapped[UUID]
    phase: Mapped[str] = mapped_column(String(20))
    phase_since: Mapped[datetime]
    entered_at: Mapped[datetime]
    seen_at: Mapped[datetime | None]
    """None of a device inside: it was last seen there when it was last followed."""
    dwell_after: Mapped[timedelta]
    dwelled_at: Mapped[datetime | None]
    exited_at: Mapped[datetime | None]
    exit_reason: Mapped[str | None] = mapped_column(String(20))
    confidence: Mapped[int]
    initial: Mapped[bool]
    told: Mapped[bool] = mapped_column(default=False)
    due_at: Mapped[datetime]


class Transition(Base):
    """A fact about a visit, `entered`, `dwelled` or `exited`, or one without: `crossed`."""

    __tablename__ = "transitions"
    __table_args__ = (
        CheckConstraint(one_of("kind", TransitionKind), name="kind_known"),
        CheckConstraint(one_of("reason", Reason), name="reason_known"),
        CheckConstraint("(kind = 'crossed') = (visit_id IS NULL)", name="crossed_without_visit"),
        CheckConstraint("confidence BETWEEN 1 AND 3", name="confidence_range"),
        Index("uq_transitions_visit_kind", "visit_id", "kind", unique=True),
        Index(
            "ix_transitions_crossed", "place_id", "occurred_at", postgresql_where="visit_id IS NULL"
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    visit_id: Mapped[UUID | None] = mapped_column(ForeignKey("visits.id", ondelete="CASCADE"))
    device_id: Mapped[UUID] = mapped_column(
        ForeignKey("devices.id", ondelete="CASCADE"), index=True
    )
    geofence_id: Mapped[UUID]
    place_id: Mapped[UUID]
    organisation_id: Mapped[UUID]
    kind: Mapped[str] = mapped_column(String(20))
    reason: Mapped[str] = mapped_column(String(30))
    confidence: Mapped[int]
    initial: Mapped[bool]
    occurred_at: Mapped[datetime]
    detected_at: Mapped[datetime]
