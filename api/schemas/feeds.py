"""Feeds and their runs on the wire."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Annotated, Self
from uuid import UUID

from pydantic import Field, StringConstraints

from api.schemas.common import DurationIn, DurationOut, In, Name, Out, Text
from geoservices.feeds.answers import FeedKind
from geoservices.feeds.changes import Effect
from geoservices.feeds.models import Feed, FeedRun, RunState
from geoservices.feeds.service import FeedDraft

Address = Annotated[Text, StringConstraints(min_length=1, max_length=2000)]


class FeedIn(In):
    """What a manager says of a feed."""

    name: Name
    url: Address = Field(
        description="https:// or webcal://", examples=["https://example.org/a.ics"]
    )
    kind: FeedKind = FeedKind.ICALENDAR
    place_id: UUID | None = Field(
        default=None, description="Where all its events are; null: where their locations say"
    )
    interval: DurationIn = Field(default=timedelta(hours=1), description="From PT15M to P7D")
    paused: bool = False

    def to_draft(self) -> FeedDraft:
        """Return what the domain takes."""
        return FeedDraft(**self.model_dump())


class FeedChangesIn(In):
    """What is to be otherwise of a feed; what is left out stays."""

    name: Name | None = None
    url: Address | None = None
    kind: FeedKind | None = None
    place_id: UUID | None = None
    interval: DurationIn | None = None
    paused: bool | None = None

    def to_draft(self, feed: Feed) -> FeedDraft:
        """Return what the domain takes."""
        before = FeedDraft(
            name=feed.name,
            url=feed.url,
            kind=FeedKind(feed.kind),
            place_id=feed.place_id,
            interval=feed.interval,
            paused=feed.paused,
        )
        said = self.model_dump(exclude_unset=True)
        # Null means something for the place alone.
        changes = {name: to for name, to in said.items() if to is not None or name == "place_id"}
        return replace(before, **changes)


class FeedOut(Out):
    """A feed as its managers see it."""

    id: UUID
    name: str
    url: str
    kind: FeedKind
    place_id: UUID | None
    interval: DurationOut
    paused: bool
    created_at: datetime
    due_at: datetime = Field(description="When it is fetched next, unless it is paused")
    fetched_at: datetime | None = Field(description="When it was last fetched well")
    failing_since: datetime | None
    failure_count: int = Field(description="How often in a row it has failed")
    thin_since: datetime | None = Field(
        description="Since when it lacks more than half of its events, which are kept meanwhile"
    )


class RunIn(In):
    """How a feed is to be run now."""

    preview: bool = Field(default=False, description="Only say what it would change")
    believe_missing: bool = Field(
        default=False, description="Withdraw what is missing, however much that is"
    )


class ChangeOut(Out):
    """What became of one event, or would."""

    uid: str
    recurrence: str | None = Field(description="Which occurrence of a series, in UTC")
    effect: Effect
    title: str
    place_id: UUID
    starts_at: datetime


class FaultOut(Out):
    """What of a feed could not be read or used."""

    line: int = Field(description="Of the feed, from 1; of JSON-LD, which of its events it is")
    uid: str | None
    what: str


class RunOut(Out):
    """A run of a feed."""

    id: UUID
    feed_id: UUID
    state: RunState
    preview: bool
    believe_missing: bool
    asked_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    reason: str | None = Field(description="Why it failed")
    not_modified: bool = Field(description="Whether the server said that nothing had changed")
    counts: dict[Effect, int] = Field(description="How many events met each effect")
    changes: list[ChangeOut] = Field(description="The first 200 that are not left as they are")
    faults: list[FaultOut] = Field(description="The first 200, by line")
    fault_count: int = Field(description="How many faults there are")

    @classmethod
    def of(cls, run: FeedRun) -> Self:
        """Return a run as its managers see it."""
        told = {name: getattr(run, name) for name in cls.model_fields if name != "believe_missing"}
        return cls.model_validate(told | {"believe_missing": run.believed})
