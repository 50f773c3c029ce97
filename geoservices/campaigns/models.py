"""Campaigns and the decisions they took."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from geoservices.access.rights import Role
from geoservices.accounts.models import Purpose
from geoservices.campaigns.rules import CampaignClass, Gate, Trigger
from geoservices.database import Base, one_of
from geoservices.register import Basis, Kept, about, not_personal, personal


class Campaign(Base):
    """Who is told of a listing, when and how often.

    It watches the listing's place. It is a draft until `published_at`, and over from `ended_at`.
    """

    __tablename__ = "campaigns"
    __table_args__ = (
        CheckConstraint(one_of("trigger", Trigger), name="trigger_known"),
        CheckConstraint(one_of("audience", Role), name="audience_known"),
        CheckConstraint(one_of("purpose", Purpose), name="purpose_known"),
        CheckConstraint(one_of("campaign_class", CampaignClass), name="class_known"),
        CheckConstraint("min_confidence BETWEEN 1 AND 3", name="confidence_range"),
        Index("ix_campaigns_listing", "listing_id"),
        Index("ix_campaigns_organisation", "organisation_id", "created_at", "id"),
        {"info": not_personal},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"))
    listing_id: Mapped[UUID] = mapped_column(ForeignKey("listings.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(120))
    trigger: Mapped[str] = mapped_column(String(20))
    audience: Mapped[str] = mapped_column(String(20))
    purpose: Mapped[str] = mapped_column(String(40))
    campaign_class: Mapped[str] = mapped_column(String(20))
    title: Mapped[str] = mapped_column(String(120))
    body: Mapped[str] = mapped_column(String(500))
    min_confidence: Mapped[int] = mapped_column(default=2)
    only_when_open: Mapped[bool] = mapped_column(default=False)
    cooldown: Mapped[timedelta] = mapped_column(default=timedelta(hours=12))
    created_at: Mapped[datetime]
    published_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]


class Decision(Base):
    """What a campaign decided about one person on one occasion, and why.

    `gate` is the first gate that held the message back; none where it was sent. `detail` is the
    reason in words and the figures behind it; it never holds a position. It may outlive the visit
    or check-in it was about, so that "why did I get this?" has an answer as long as the
    notification is there, and goes with the consent that covers it.
    """

    __tablename__ = "decisions"
    __table_args__ = (
        CheckConstraint(one_of("gate", Gate), name="gate_known"),
        CheckConstraint("num_nonnulls(transition_id, check_in_id) <= 1", name="one_occasion"),
        Index("uq_decisions_transition", "campaign_id", "transition_id", unique=True),
        Index("uq_decisions_check_in", "campaign_id", "check_in_id", unique=True),
        Index("ix_decisions_person", "person_id", "decided_at", "id"),
        Index("ix_decisions_campaign", "campaign_id", "decided_at", "id"),
        Index("ix_decisions_decided", "decided_at"),
        {
            "info": about(
                purpose="send no more than was agreed to, and answer why somebody was told or not",
                basis=Basis.PUBLIC_TASK,
                kept=Kept(
                    setting="retention.decisions",
                    words="after it was taken, with a notification as long as that",
                ),
            )
        },
    )

    id: Mapped[UUID] = mapped_column(
        primary_key=True, default=uuid4, info=personal("the decision's number")
    )
    organisation_id: Mapped[UUID] = mapped_column(
        ForeignKey("organisations.id"), info=personal("whose campaign decided")
    )
    campaign_id: Mapped[UUID] = mapped_column(
        ForeignKey("campaigns.id", ondelete="CASCADE"),
        info=personal("which campaign decided", special=True),
    )
    person_id: Mapped[UUID] = mapped_column(
        ForeignKey("people.id", ondelete="CASCADE"), info=personal("about whom")
    )
    place_id: Mapped[UUID] = mapped_column(
        ForeignKey("places.id"), info=personal("where they had come", special=True)
    )
    transition_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("transitions.id", ondelete="SET NULL"),
        index=True,
        info=personal("on which occasion", special=True),
    )
    check_in_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("check_ins.id", ondelete="SET NULL"),
        index=True,
        info=personal("on which occasion", special=True),
    )
    gate: Mapped[str | None] = mapped_column(
        String(30), info=personal("what held the message back")
    )
    reason: Mapped[str] = mapped_column(String(500), info=personal("why, in words"))
    gates_passed: Mapped[list[str]] = mapped_column(
        ARRAY(String(30)), info=personal("what else was asked")
    )
    detail: Mapped[dict[str, Any]] = mapped_column(
        JSONB, info=personal("the figures behind it; never a position")
    )
    decided_at: Mapped[datetime] = mapped_column(info=personal("when", special=True))
