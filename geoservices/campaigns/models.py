"""Campaigns and the decisions they took."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from geoalchemy2 import Geography, Geometry, WKBElement
from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, false
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from geoservices.accounts.models import Purpose
from geoservices.campaigns.rules import CampaignClass, Gate, Trigger
from geoservices.database import Base, one_of
from geoservices.leasing.models import Tried
from geoservices.register import Basis, Kept, about, not_personal, personal


class Campaign(Base):
    """Who is told of something, when and how often: what stays the same over its versions.

    Without a listing it speaks of those that set it off, or of none. It is a draft; in review from
    `submitted_at`; published from `published_at`, which is scheduled or live (`lifecycle`); over
    from `ended_at`. `version` is the number of its newest version.
    Its purpose is what people agreed to and choose channels by, so it stays as it was published.
    """

    __tablename__ = "campaigns"
    __table_args__ = (
        CheckConstraint(one_of("purpose", Purpose), name="purpose_known"),
        CheckConstraint(one_of("campaign_class", CampaignClass), name="class_known"),
        Index("ix_campaigns_listing", "listing_id"),
        Index("ix_campaigns_organisation", "organisation_id", "created_at", "id"),
        {"info": not_personal},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"))
    listing_id: Mapped[UUID | None] = mapped_column(ForeignKey("listings.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(120))
    purpose: Mapped[str] = mapped_column(String(40))
    campaign_class: Mapped[str] = mapped_column(String(20))
    version: Mapped[int]
    created_at: Mapped[datetime]
    submitted_at: Mapped[datetime | None]
    published_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]


class CampaignVersion(Base):
    """What a campaign was defined as from one change to the next; `definition` never changes.

    It counts for what happened from `in_force_from` until before `in_force_until`; a version that
    was never published has neither. `starts_at` and `ends_at` are the definition's, for the
    database to look at, and `runs_next_at` when its timetable has it run next. `reach`
    (`access.reach`) is that of whoever put it in force: a manager who is limited to some places
    tells nobody at others.
    """

    __tablename__ = "campaign_versions"
    __table_args__ = (
        Index(
            "ix_campaign_versions_runs_next",
            "runs_next_at",
            postgresql_where="runs_next_at IS NOT NULL",
        ),
        {
            "info": about(
                purpose="know what a campaign said when it told somebody, and who wrote it",
                basis=Basis.PUBLIC_TASK,
            )
        },
    )

    campaign_id: Mapped[UUID] = mapped_column(
        ForeignKey("campaigns.id", ondelete="CASCADE"), primary_key=True, info=not_personal
    )
    number: Mapped[int] = mapped_column(primary_key=True, info=not_personal)
    definition: Mapped[dict[str, Any]] = mapped_column(JSONB, info=not_personal)
    reach: Mapped[dict[str, Any] | None] = mapped_column(
        JSONB(none_as_null=True), info=not_personal
    )
    starts_at: Mapped[datetime | None] = mapped_column(info=not_personal)
    ends_at: Mapped[datetime | None] = mapped_column(info=not_personal)
    made_at: Mapped[datetime] = mapped_column(info=not_personal)
    made_by: Mapped[UUID | None] = mapped_column(
        ForeignKey("people.id", ondelete="SET NULL"), index=True, info=personal("who wrote it")
    )
    in_force_from: Mapped[datetime | None] = mapped_column(info=not_personal)
    in_force_until: Mapped[datetime | None] = mapped_column(info=not_personal)
    runs_next_at: Mapped[datetime | None] = mapped_column(info=not_personal)


class CampaignPlace(Base):
    """One thing that makes a place one of those that a published version listens to.

    Either that place, a tag or a category of the place's, the listing whose place it is, an area
    in which it lies, or a circle. What places are like is asked when somebody comes to one, so
    that nothing here has to follow them (ADR 0044). `around` is the circle's outline, a little
    wider, for the index alone.
    """

    __tablename__ = "campaign_places"
    __table_args__ = (
        CheckConstraint(
            "num_nonnulls(place_id, tag, category, listing_id, area, centre) = 1", name="one_thing"
        ),
        CheckConstraint(
            "num_nonnulls(centre, radius_m, around) IN (0, 3)", name="circles_are_whole"
        ),
        Index("ix_campaign_places_version", "campaign_id", "number"),
        *(
            Index(f"ix_campaign_places_{column}", column, postgresql_where=f"{column} IS NOT NULL")
            for column in ("place_id", "tag", "category", "listing_id")
        ),
        *(
            Index(f"ix_campaign_places_{column}", column, postgresql_using="gist")
            for column in ("area", "around")
        ),
        {"info": not_personal},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    campaign_id: Mapped[UUID] = mapped_column(ForeignKey("campaigns.id", ondelete="CASCADE"))
    number: Mapped[int]
    place_id: Mapped[UUID | None] = mapped_column(ForeignKey("places.id", ondelete="CASCADE"))
    tag: Mapped[str | None] = mapped_column(Text)
    category: Mapped[str | None] = mapped_column(String(60))
    listing_id: Mapped[UUID | None] = mapped_column(ForeignKey("listings.id", ondelete="CASCADE"))
    area: Mapped[WKBElement | None] = mapped_column(Geometry(srid=4326, spatial_index=False))
    centre: Mapped[WKBElement | None] = mapped_column(
        Geography("POINT", srid=4326, spatial_index=False)
    )
    radius_m: Mapped[float | None]
    around: Mapped[WKBElement | None] = mapped_column(
        Geography("POLYGON", srid=4326, spatial_index=False)
    )


class CampaignSeats(Base):
    """How many people a campaign tells at most, and how many it has told, which only grows.

    `most` is what the newest version says, and binds all that is decided from then on, whichever
    version it is decided for.
    """

    __tablename__ = "campaign_seats"
    __table_args__ = (
        CheckConstraint("taken >= 0", name="taken_positive"),
        CheckConstraint("most >= 1", name="most_positive"),
        {"info": not_personal},
    )

    campaign_id: Mapped[UUID] = mapped_column(
        ForeignKey("campaigns.id", ondelete="CASCADE"), primary_key=True
    )
    most: Mapped[int]
    taken: Mapped[int] = mapped_column(default=0, server_default="0")


class Decision(Base):
    """What a campaign decided about one person on one occasion, and why.

    `version` is the number of the version that decided, and `trigger` what set it off. `variant`
    is the one of its ways of saying it that was sent. `gate` is the first gate that held the
    message back; none where it was sent. `detail` is the reason in words and the figures behind
    it; it never holds a position. It may outlive the visit or check-in it was about, so that "why
    did I get this?" has an answer as long as the notification is there, and goes with the consent
    that covers it.

    `waits_until` is when a message that was held back is to be looked at again; none where it is
    dropped. What is decided then is another decision, whose `follows_id` is the first one about
    that message: all that follow it, and what the last of them says is what became of it.
    """

    __tablename__ = "decisions"
    __table_args__ = (
        CheckConstraint(one_of("gate", Gate), name="gate_known"),
        CheckConstraint(one_of("trigger", Trigger), name="trigger_known"),
        CheckConstraint(
            "num_nonnulls(transition_id, check_in_id, run_id) <= 1", name="one_occasion"
        ),
        Index(
            "uq_decisions_run",
            "run_id",
            "person_id",
            unique=True,
            postgresql_where="run_id IS NOT NULL AND follows_id IS NULL",
        ),
        # For whatever deletes a run.
        Index("ix_decisions_run", "run_id", postgresql_where="run_id IS NOT NULL"),
        CheckConstraint("waits_until IS NULL OR gate IS NOT NULL", name="only_held_ones_wait"),
        Index(
            "uq_decisions_transition",
            "campaign_id",
            "transition_id",
            unique=True,
            postgresql_where="follows_id IS NULL",
        ),
        Index(
            "uq_decisions_check_in",
            "campaign_id",
            "check_in_id",
            unique=True,
            postgresql_where="follows_id IS NULL",
        ),
        Index(
            "ix_decisions_follows",
            "follows_id",
            "decided_at",
            postgresql_where="follows_id IS NOT NULL",
        ),
        Index("ix_decisions_person", "person_id", "decided_at", "id"),
        Index("ix_decisions_campaign", "campaign_id", "decided_at", "id"),
        Index("ix_decisions_decided", "decided_at"),
        Index("ix_decisions_told", "person_id", "decided_at", postgresql_where="gate IS NULL"),
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
    version: Mapped[int] = mapped_column(info=personal("which version of it"))
    trigger: Mapped[str] = mapped_column(String(20), info=personal("what set it off"))
    person_id: Mapped[UUID] = mapped_column(
        ForeignKey("people.id", ondelete="CASCADE"), info=personal("about whom")
    )
    place_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("places.id"),
        info=personal("where they had come, or what place it was about", special=True),
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
    run_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("campaign_runs.id", ondelete="SET NULL"), info=personal("in which run")
    )
    gate: Mapped[str | None] = mapped_column(
        String(30), info=personal("what held the message back")
    )
    reason: Mapped[str] = mapped_column(String(500), info=personal("why, in words"))
    variant: Mapped[str | None] = mapped_column(
        String(40), info=personal("which of its ways of saying it was sent")
    )
    gates_passed: Mapped[list[str]] = mapped_column(
        ARRAY(String(30)), info=personal("what else was asked")
    )
    detail: Mapped[dict[str, Any]] = mapped_column(
        JSONB, info=personal("the figures behind it; never a position")
    )
    decided_at: Mapped[datetime] = mapped_column(info=personal("when", special=True))
    waits_until: Mapped[datetime | None] = mapped_column(
        info=personal("when it is looked at again", special=True)
    )
    follows_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("decisions.id", ondelete="CASCADE"),
        info=personal("which decision held it back first"),
    )


@dataclass(slots=True, kw_only=True)
class NewDecision:
    """A decision as it was just taken, to be stored as a `Decision`."""

    id: UUID
    organisation_id: UUID
    campaign_id: UUID
    version: int
    trigger: str
    person_id: UUID
    place_id: UUID | None
    transition_id: UUID | None
    check_in_id: UUID | None
    run_id: UUID | None
    follows_id: UUID | None
    gate: str | None
    reason: str
    gates_passed: Sequence[str]
    detail: Mapping[str, object]
    decided_at: datetime
    variant: str | None = None
    waits_until: datetime | None = None


class HeldMessage(Tried, Base):
    """That a decision's message waits: the relay hands it out once it is due.

    The row goes in the transaction that decides again. `attempt_count` is how often that failed by
    its own fault. What is `broadcast` is one of many that a run had wait, and gives way to single
    ones. Whatever deletes the decision deletes this too.
    """

    __tablename__ = "held_messages"
    __table_args__ = (
        Index("ix_held_messages_due", "broadcast", "due_at"),
        {
            "info": about(
                purpose="send what was held back once nothing holds it",
                basis=Basis.CONSENT,
                kept=Kept(words="until it is looked at again, within a day by default"),
            )
        },
    )

    decision_id: Mapped[UUID] = mapped_column(
        ForeignKey("decisions.id", ondelete="CASCADE"),
        primary_key=True,
        info=personal("which decision held it back"),
    )
    person_id: Mapped[UUID] = mapped_column(
        ForeignKey("people.id", ondelete="CASCADE"), index=True, info=personal("whom it is for")
    )
    due_at: Mapped[datetime] = mapped_column(info=personal("when it is looked at again"))
    attempt_count: Mapped[int] = mapped_column(
        default=0, info=personal("how often looking at it failed")
    )
    broadcast: Mapped[bool] = mapped_column(
        default=False, server_default=false(), info=personal("whether it is one of many")
    )
