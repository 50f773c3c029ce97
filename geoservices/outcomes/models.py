"""What was told of campaigns once, and is never counted again."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from geoservices.database import Base
from geoservices.register import not_personal


class CampaignRound(Base):
    """What is told of the people whom a campaign met on some days.

    `groups` are those of `rounds.Group`, as JSON has them; each is of ten people or more, and
    nothing looks into them in SQL. `goal` is what was counted as success, if anything was.
    Rounds follow one another without a gap, and the last one is the campaign's last.
    """

    __tablename__ = "campaign_rounds"
    __table_args__ = (
        Index("ix_campaign_rounds_organisation", "organisation_id"),
        {"info": not_personal},
    )

    campaign_id: Mapped[UUID] = mapped_column(
        ForeignKey("campaigns.id", ondelete="CASCADE"), primary_key=True
    )
    number: Mapped[int] = mapped_column(primary_key=True)
    organisation_id: Mapped[UUID] = mapped_column(
        ForeignKey("organisations.id", ondelete="CASCADE")
    )
    first_day: Mapped[date]
    """By the organisation's clocks."""
    last_day: Mapped[date]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    is_last: Mapped[bool]
    goal: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    groups: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    counted_at: Mapped[datetime]
