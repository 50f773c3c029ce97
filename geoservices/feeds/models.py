"""Feeds, what was made of their events, and what each fetch of them came to."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from geoservices.database import Base, one_of
from geoservices.feeds.answers import FeedKind
from geoservices.feeds.reading import LONGEST_UID
from geoservices.leasing.models import Leased
from geoservices.register import not_personal


class Feed(Leased, Base):
    """An address from which an organisation's events are fetched, every `interval`.

    All its events are at `place_id`; without one, each is at the place that its location names.
    `etag` and `modified` are what the server said of what was fetched last, word for word.
    `thin_since` is since when it has had less than half of its events. `due_at` is when
    it is fetched next, `handed_out_at` since when that is under way, and `leased_until` until when
    a worker has it.
    """

    __tablename__ = "feeds"
    __table_args__ = (
        CheckConstraint(one_of("kind", FeedKind), name="kind_known"),
        UniqueConstraint("organisation_id", "url", "place_id"),
        Index(
            "uq_feeds_anywhere",
            "organisation_id",
            "url",
            unique=True,
            postgresql_where="place_id IS NULL",
        ),
        Index("ix_feeds_place", "place_id"),
        Index("ix_feeds_due", "due_at", postgresql_where="NOT paused"),
        {"info": not_personal},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"))
    place_id: Mapped[UUID | None] = mapped_column(ForeignKey("places.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(120))
    url: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(String(20))
    interval: Mapped[timedelta]
    paused: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]
    due_at: Mapped[datetime]
    leased_until: Mapped[datetime | None]
    handed_out_at: Mapped[datetime | None]
    etag: Mapped[str | None] = mapped_column(Text)
    modified: Mapped[str | None] = mapped_column(Text)
    fetched_at: Mapped[datetime | None]
    """When it was last fetched well, even if nothing had changed."""
    failing_since: Mapped[datetime | None]
    failure_count: Mapped[int] = mapped_column(default=0)
    thin_since: Mapped[datetime | None]


class FeedEvent(Base):
    """An event of a feed, by what the feed calls it, and the listing that was made of it."""

    __tablename__ = "feed_events"
    __table_args__ = (
        Index("ix_feed_events_listing", "listing_id", unique=True),
        {"info": not_personal},
    )

    feed_id: Mapped[UUID] = mapped_column(
        ForeignKey("feeds.id", ondelete="CASCADE"), primary_key=True
    )
    uid: Mapped[str] = mapped_column(String(LONGEST_UID), primary_key=True)
    recurrence: Mapped[str] = mapped_column(String(40), primary_key=True)
    """Which occurrence of a series it takes the place of, as `20260304T120000Z`; else empty."""
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"), index=True)
    listing_id: Mapped[UUID] = mapped_column(ForeignKey("listings.id", ondelete="CASCADE"))
    digest: Mapped[bytes]
    """SHA-256 of all that is taken of it."""
    sequence: Mapped[int]
    modified_at: Mapped[datetime | None]
    withdrawn_by_feed: Mapped[bool] = mapped_column(default=False)


class RunState(StrEnum):
    """How far a run of a feed has come."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class FeedRun(Base):
    """One fetch of a feed, and what it came to.

    A `preview` only says what it would change. With `believed` the feed may be missing most of its
    events. `counts` has how many events met which `changes.Effect`.
    """

    __tablename__ = "feed_runs"
    __table_args__ = (
        CheckConstraint(one_of("state", RunState), name="state_known"),
        CheckConstraint("(state = 'failed') = (reason IS NOT NULL)", name="failed_for_a_reason"),
        Index("ix_feed_runs_feed", "feed_id", "asked_at", "id"),
        {"info": not_personal},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"), index=True)
    feed_id: Mapped[UUID] = mapped_column(ForeignKey("feeds.id", ondelete="CASCADE"))
    state: Mapped[str] = mapped_column(String(20))
    preview: Mapped[bool] = mapped_column(default=False)
    believed: Mapped[bool] = mapped_column(default=False)
    asked_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    attempt_count: Mapped[int] = mapped_column(default=0, server_default="0")
    """How many workers began with it."""
    reason: Mapped[str | None] = mapped_column(String(60))
    not_modified: Mapped[bool] = mapped_column(default=False)
    counts: Mapped[dict[str, int]] = mapped_column(JSONB, default=dict)
    changes: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, default=list)
    faults: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, default=list)
    fault_count: Mapped[int] = mapped_column(default=0)
