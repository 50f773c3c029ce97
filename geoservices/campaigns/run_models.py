"""Times that campaigns go through all whom they are for."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID, uuid4

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from geoservices.campaigns.rules import Trigger
from geoservices.database import Base, one_of
from geoservices.leasing.models import Tried
from geoservices.register import Basis, Kept, about, not_personal, personal


class CampaignRunState(StrEnum):
    """How far a run has come."""

    UNDER_WAY = "under-way"
    FINISHED = "finished"
    STOPPED = "stopped"
    """Somebody stopped it, or the campaign ended meanwhile."""
    FAILED = "failed"
    """Going on failed too often, and those whom it had not come to were told nothing."""
    PASSED_OVER = "passed-over"
    """It was never begun: nobody was there to begin it in time, or there were too many."""


class CampaignRun(Tried, Base):
    """One time that a campaign goes through all whom it is for, set off by nobody's being there.

    `occurred_at` is when it was to begin. It speaks of `listing_id`, at `place_id`, if at all. It
    has decided about those up to `reached`, in the order of their ids: of `people`, as they were
    counted at its first step, it has `gone_through` so many, of whom `sent` were told and `held`
    not, `failed` could not be decided on, and the others were none whom it is for. While it is
    under way the relay hands it out when `due_at` comes; `attempt_count` is how often in a row
    going on from there has failed.
    """

    __tablename__ = "campaign_runs"
    __table_args__ = (
        CheckConstraint(one_of("trigger", Trigger), name="trigger_known"),
        CheckConstraint(one_of("state", CampaignRunState), name="state_known"),
        CheckConstraint("(state = 'under-way') = (ended_at IS NULL)", name="ends_once"),
        Index("ix_campaign_runs_due", "due_at", postgresql_where="state = 'under-way'"),
        Index("ix_campaign_runs_campaign", "campaign_id", "created_at", "id"),
        # Nothing that happens once sets the same campaign off twice.
        Index(
            "uq_campaign_runs_listing",
            "campaign_id",
            "listing_id",
            unique=True,
            postgresql_where="trigger IN ('event-published', 'task-created')",
        ),
        Index(
            "uq_campaign_runs_scheduled",
            "campaign_id",
            "occurred_at",
            unique=True,
            postgresql_where="trigger = 'schedule'",
        ),
        {
            "info": about(
                purpose="tell many people of something once each, and know who had them told",
                basis=Basis.PUBLIC_TASK,
            )
        },
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4, info=not_personal)
    organisation_id: Mapped[UUID] = mapped_column(
        ForeignKey("organisations.id"), index=True, info=not_personal
    )
    campaign_id: Mapped[UUID] = mapped_column(
        ForeignKey("campaigns.id", ondelete="CASCADE"), info=not_personal
    )
    version: Mapped[int] = mapped_column(info=not_personal)
    trigger: Mapped[str] = mapped_column(String(20), info=not_personal)
    listing_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("listings.id", ondelete="CASCADE"), index=True, info=not_personal
    )
    place_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("places.id", ondelete="CASCADE"), index=True, info=not_personal
    )
    occurred_at: Mapped[datetime] = mapped_column(info=not_personal)
    created_at: Mapped[datetime] = mapped_column(info=not_personal)
    requested_by: Mapped[UUID | None] = mapped_column(
        ForeignKey("people.id", ondelete="SET NULL"), index=True, info=personal("who asked for it")
    )
    state: Mapped[str] = mapped_column(String(20), info=not_personal)
    reason: Mapped[str | None] = mapped_column(String(200), info=not_personal)
    reached: Mapped[UUID | None] = mapped_column(
        info=personal(
            "up to whom it has come",
            kept=Kept(words="while it is under way"),
        )
    )
    sent: Mapped[int] = mapped_column(default=0, server_default="0", info=not_personal)
    held: Mapped[int] = mapped_column(default=0, server_default="0", info=not_personal)
    people: Mapped[int | None] = mapped_column(info=not_personal)
    gone_through: Mapped[int] = mapped_column(default=0, server_default="0", info=not_personal)
    failed: Mapped[int] = mapped_column(default=0, server_default="0", info=not_personal)
    attempt_count: Mapped[int] = mapped_column(default=0, server_default="0", info=not_personal)
    due_at: Mapped[datetime] = mapped_column(info=not_personal)
    ended_at: Mapped[datetime | None] = mapped_column(info=not_personal)
