"""Replays of campaigns."""

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from geoservices.campaigns.lifecycle import ReplayState
from geoservices.database import Base, one_of
from geoservices.leasing.models import Asked, Reason
from geoservices.register import Basis, Kept, about, not_personal, personal


class CampaignReplay(Asked, Base):
    """A version of a campaign run on what was recorded from `since` until it was asked for.

    `reach` is that of whoever asked (`access.reach`): nothing is looked at that they could not
    have a campaign speak of. `share_done` is from 0 to 1. `result` holds numbers of many people
    alone (`replaying_counts`). `due_at`, `leased_until` and `attempt_count` are as an export has
    them.
    """

    __tablename__ = "campaign_replays"
    __table_args__ = (
        CheckConstraint(one_of("state", ReplayState), name="state_known"),
        CheckConstraint(one_of("reason", Reason), name="reason_known"),
        CheckConstraint("share_done BETWEEN 0 AND 1", name="share_done_range"),
        CheckConstraint(
            "(state IN ('queued', 'working')) = (done_at IS NULL) "
            "AND (state = 'done') = (result IS NOT NULL)",
            name="done_whole",
        ),
        Index("ix_campaign_replays_campaign", "campaign_id", "asked_at", "id"),
        Index(
            "uq_campaign_replays_under_way",
            "campaign_id",
            unique=True,
            postgresql_where="state IN ('queued', 'working')",
        ),
        Index(
            "ix_campaign_replays_due",
            "due_at",
            postgresql_where="state IN ('queued', 'working')",
        ),
        Index("ix_campaign_replays_done", "done_at", postgresql_where="done_at IS NOT NULL"),
        {
            "info": about(
                purpose="show whom a campaign would have told before it tells anybody",
                basis=Basis.PUBLIC_TASK,
                kept=Kept(setting="retention.replays", words="after it was over"),
            )
        },
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4, info=not_personal)
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"), info=not_personal)
    campaign_id: Mapped[UUID] = mapped_column(
        ForeignKey("campaigns.id", ondelete="CASCADE"), info=not_personal
    )
    version: Mapped[int] = mapped_column(info=not_personal)
    days: Mapped[int] = mapped_column(info=not_personal)
    since: Mapped[datetime] = mapped_column(info=not_personal)
    asked_by: Mapped[UUID | None] = mapped_column(
        ForeignKey("people.id", ondelete="SET NULL"), index=True, info=personal("who asked for it")
    )
    reach: Mapped[dict[str, Any] | None] = mapped_column(
        JSONB(none_as_null=True), info=personal("which places they manage, if not all")
    )
    state: Mapped[str] = mapped_column(String(20), info=not_personal)
    reason: Mapped[str | None] = mapped_column(String(20), info=not_personal)
    share_done: Mapped[float] = mapped_column(default=0.0, info=not_personal)
    attempt_count: Mapped[int] = mapped_column(default=0, info=not_personal)
    asked_at: Mapped[datetime] = mapped_column(info=personal("when they asked"))
    due_at: Mapped[datetime] = mapped_column(info=not_personal)
    leased_until: Mapped[datetime | None] = mapped_column(info=not_personal)
    done_at: Mapped[datetime | None] = mapped_column(info=not_personal)
    result: Mapped[dict[str, Any] | None] = mapped_column(
        JSONB(none_as_null=True), info=not_personal
    )
