"""Stays at places and the transitions that begin, mark and end them."""

from datetime import datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from geoservices.database import Base, one_of
from geoservices.register import Basis, Kept, about, personal
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
        {
            "info": about(
                purpose="see when somebody comes, stays and leaves, and count visits",
                basis=Basis.CONSENT,
                kept=Kept(
                    setting="retention.visits",
                    words="after it ended, or until its consent is withdrawn",
                ),
            )
        },
    )

    id: Mapped[UUID] = mapped_column(
        primary_key=True, default=uuid4, info=personal("the visit's number")
    )
    device_id: Mapped[UUID] = mapped_column(
        ForeignKey("devices.id", ondelete="CASCADE"), info=personal("whose device")
    )
    geofence_id: Mapped[UUID] = mapped_column(info=personal("where", special=True))
    place_id: Mapped[UUID] = mapped_column(info=personal("where", special=True))
    organisation_id: Mapped[UUID] = mapped_column(info=personal("whose place it is", special=True))
    phase: Mapped[str] = mapped_column(
        String(20), info=personal("whether they are arriving, there or gone")
    )
    phase_since: Mapped[datetime] = mapped_column(info=personal("since when", special=True))
    entered_at: Mapped[datetime] = mapped_column(info=personal("when they came", special=True))
    seen_at: Mapped[datetime | None] = mapped_column(
        info=personal("when they were last seen there", special=True)
    )
    """None of a device inside: it was last seen there when it was last followed."""
    dwell_after: Mapped[timedelta] = mapped_column(info=personal("after how long a stay counts"))
    dwelled_at: Mapped[datetime | None] = mapped_column(
        info=personal("when it counted", special=True)
    )
    exited_at: Mapped[datetime | None] = mapped_column(
        info=personal("when they left", special=True)
    )
    exit_reason: Mapped[str | None] = mapped_column(String(20), info=personal("what showed that"))
    confidence: Mapped[int] = mapped_column(info=personal("how sure it is"))
    initial: Mapped[bool] = mapped_column(info=personal("whether they were there from the first"))
    told: Mapped[bool] = mapped_column(
        default=False, info=personal("whether the phone told of it itself")
    )
    due_at: Mapped[datetime] = mapped_column(info=personal("when a timer looks next"))


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
        {
            "info": about(
                purpose="remember what began, marked and ended a visit, and why",
                basis=Basis.CONSENT,
                kept=Kept(
                    setting="retention.visits",
                    words="after its visit ended, or until its consent is withdrawn",
                ),
            )
        },
    )

    id: Mapped[UUID] = mapped_column(
        primary_key=True, default=uuid4, info=personal("the transition's number")
    )
    visit_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("visits.id", ondelete="CASCADE"), info=personal("of which visit")
    )
    device_id: Mapped[UUID] = mapped_column(
        ForeignKey("devices.id", ondelete="CASCADE"), index=True, info=personal("whose device")
    )
    geofence_id: Mapped[UUID] = mapped_column(info=personal("where", special=True))
    place_id: Mapped[UUID] = mapped_column(info=personal("where", special=True))
    organisation_id: Mapped[UUID] = mapped_column(info=personal("whose place it is", special=True))
    kind: Mapped[str] = mapped_column(
        String(20), info=personal("whether they came, stayed, left or passed through", special=True)
    )
    reason: Mapped[str] = mapped_column(String(30), info=personal("what showed that"))
    confidence: Mapped[int] = mapped_column(info=personal("how sure it is"))
    initial: Mapped[bool] = mapped_column(info=personal("whether they were there from the first"))
    occurred_at: Mapped[datetime] = mapped_column(info=personal("when", special=True))
    detected_at: Mapped[datetime] = mapped_column(info=personal("when it was seen"))
