"""A run of a feed: fetched with no transaction open, and what it says made so in one."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy.orm import Session

from geoservices import attending, clock
from geoservices.access.actors import Grant, by_operator
from geoservices.access.rights import Right
from geoservices.checkins.verification import Evidence
from geoservices.database import SessionFactory, transaction
from geoservices.events.drafts import EventDraft
from geoservices.feeds import queries
from geoservices.feeds.answers import ACCEPT, FeedKind, NoFeed, read_answer
from geoservices.feeds.changes import Effect, Key, Known, Plan, is_believed, plan
from geoservices.feeds.matching import NoPlace, Spot, Spots
from geoservices.feeds.models import Feed, FeedEvent, FeedRun, RunState
from geoservices.feeds.patience import next_due
from geoservices.feeds.placing import Placed, TooMuch, place_events
from geoservices.feeds.reading import Fault, ReadFeed
from geoservices.fetching import Answer, Fetcher, NotFetched
from geoservices.listings import service as listings
from geoservices.listings.models import Listing, ListingKind

LEASE = timedelta(minutes=5)
"""A feed whose worker was not heard of for this long is taken by another; longer than a run
may take."""
MOST_ATTEMPTS = 3
"""A run at which so many workers died is given up."""
RUNS_KEPT = 50
MOST_FAULTS = 200
MOST_CHANGES = 200
"""So many are kept of a run; all are counted."""
PLACE_GONE = "place-not-yours"
OUR_FAULT = "fault-of-ours"
TOO_MUCH = "too-much-in-it"
UNMOVING = frozenset({Effect.UNCHANGED, Effect.OVER, Effect.LEFT})


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A run that a worker has begun, with all that it needs to fetch the feed."""

    feed_id: UUID
    run_id: UUID
    url: str
    kind: FeedKind
    headers: list[str]


@dataclass(frozen=True, slots=True)
class Fetched:
    """What was fetched: the feed, None if it is as it was, or why there is none."""

    feed: ReadFeed | None = None
    reason: str | None = None
    fields: Mapping[str, str] | None = None


def run(sessions: SessionFactory, fetcher: Fetcher, feed_id: UUID) -> FeedRun | None:
    """Run a feed that is due or was asked for; None if another worker has it, or it is gone."""
    with transaction(sessions) as session:
        begun = _begin(session, feed_id, at=clock.now())
    if begun is None:
        return None
    fetched = _fetch(fetcher, begun)
    with transaction(sessions) as session:
        return _finish(session, begun, fetched, at=clock.now())


def give_up(sessions: SessionFactory, feed_id: UUID, *, reason: str) -> None:
    """End the run of a feed that broke or took too long, and let the feed rest."""
    with transaction(sessions) as session:
        feed, run = queries.hold(session, feed_id), queries.waiting_run(session, feed_id)
        if feed is not None:
            _give_up(feed, run, reason, at=clock.now())


def _begin(session: Session, feed_id: UUID, *, at: datetime) -> Begun | None:
    feed = queries.take(session, feed_id, at=at)
    if feed is None or feed.paused:
        return None
    run = queries.waiting_run(session, feed.id)
    if run is None:
        run = FeedRun(id=uuid4(), organisation_id=feed.organisation_id, feed_id=feed.id)
        run.asked_at = at
        run.preview = run.believed = False
        run.attempt_count = 0
        session.add(run)
    if run.attempt_count >= MOST_ATTEMPTS:
        _give_up(feed, run, OUR_FAULT, at=at)
        return None
    run.state, run.started_at = RunState.RUNNING, at
    run.attempt_count += 1
    feed.leased_until = feed.due_at = at + LEASE
    headers = [ACCEPT[FeedKind(feed.kind)]]
    # A preview tells of all of it, and so does whoever believes what was held before.
    if not run.preview and not run.believed and feed.thin_since is None:
        headers += [f"If-None-Match: {feed.etag}"] if feed.etag else []
        headers += [f"If-Modified-Since: {feed.modified}"] if feed.modified else []
    return Begun(
        feed_id=feed.id, run_id=run.id, url=feed.url, kind=FeedKind(feed.kind), headers=headers
    )


def _fetch(fetcher: Fetcher, begun: Begun) -> Fetched:
    try:
        answer: Answer = fetcher.fetch(begun.url, headers=begun.headers)
        return Fetched(feed=read_answer(begun.kind, answer), fields=answer.fields)
    except (NotFetched, NoFeed) as error:
        return Fetched(reason=error.reason)


def _finish(session: Session, begun: Begun, fetched: Fetched, *, at: datetime) -> FeedRun | None:
    feed = queries.hold(session, begun.feed_id)
    run = queries.run_of(session, begun.feed_id, begun.run_id)
    if feed is None or run is None or run.state != RunState.RUNNING:
        return None
    grant = by_operator(feed.organisation_id, Right.LISTINGS_WRITE)
    spots = queries.spots_for(session, grant, place_id=feed.place_id)
    reason = fetched.reason or (PLACE_GONE if feed.place_id and not spots else None)
    run.ended_at = at
    if reason is None and fetched.feed is not None:
        applied = _Applied(session, feed, run, grant, at)
        try:
            applied.take(fetched.feed, spots)
        except TooMuch:
            reason = TOO_MUCH
    if reason is not None:
        run.state, run.reason = RunState.FAILED, reason
    else:
        run.state, run.not_modified = RunState.DONE, fetched.feed is None
    if not run.preview:
        _settle(feed, fetched, failed=reason is not None, at=at)
    _let_rest(feed, at=at)
    session.flush()
    queries.forget_runs(session, feed.id, but=RUNS_KEPT)
    return run


def _give_up(feed: Feed, run: FeedRun | None, reason: str, *, at: datetime) -> None:
    if run is not None:
        run.state, run.reason, run.ended_at = RunState.FAILED, reason, at
    _settle(feed, Fetched(reason=reason), failed=True, at=at)
    _let_rest(feed, at=at)


def _let_rest(feed: Feed, *, at: datetime) -> None:
    feed.leased_until = feed.handed_out_at = None
    feed.due_at = next_due(feed.interval, feed.failure_count, at=at)


def _settle(feed: Feed, fetched: Fetched, *, failed: bool, at: datetime) -> None:
    if failed:
        feed.failure_count += 1
        feed.failing_since = feed.failing_since or at
        return
    feed.failure_count, feed.failing_since, feed.fetched_at = 0, None, at
    if fetched.feed is not None and fetched.fields is not None:
        feed.etag = _kept(fetched.fields.get("etag"))
        feed.modified = _kept(fetched.fields.get("last-modified"))


def _kept(told: str | None) -> str | None:
    """Return what a server says of an answer, if it can be sent back as it is."""
    return told if told and len(told) <= 300 and told.isascii() and told.isprintable() else None  # noqa: PLR2004


@dataclass(frozen=True, slots=True)
class _Applied:
    """Makes what a feed says so, unless the run is a preview, and writes down what changed."""

    session: Session
    feed: Feed
    run: FeedRun
    grant: Grant
    at: datetime

    def take(self, read: ReadFeed, spots: Sequence[Spot]) -> None:
        """Take a feed that was read.

        Raises:
            TooMuch: It asks for too much work; nothing of it is taken.
        """
        placement = place_events(read.events, _finder(self.feed, spots))
        rows = queries.known_events(self.session, self.feed.id)
        known = [_known(event, listing, self.at) for event, listing in rows]
        believed = is_believed(thin_since=self.feed.thin_since, asked=self.run.believed, at=self.at)
        planned = plan(
            [one.told(at=self.at) for one in placement.placed],
            known,
            whole=read.whole,
            unread=read.unread | placement.left_out,
            was_thin=self.feed.thin_since is not None,
            believed=believed,
        )
        events = {one.key: one for one in placement.placed}
        if not self.run.preview:
            self._carry_out(planned, events, {_key(event): (event, one) for event, one in rows})
            is_held = planned.is_thin and not believed
            self.feed.thin_since = (self.feed.thin_since or self.at) if is_held else None
        before = {_key(event): listing for event, listing in rows}
        self._report(planned, events, before, [*read.faults, *placement.faults])

    def _carry_out(
        self,
        planned: Plan,
        events: Mapping[Key, Placed],
        rows: Mapping[Key, tuple[FeedEvent, Listing]],
    ) -> None:
        for key, effect in planned.effects.items():
            event, placed = rows.get(key), events.get(key)
            if effect is Effect.ADDED and placed is not None:
                self._add(placed)
            elif event is not None and effect is Effect.WITHDRAWN:
                self._withdraw(*event)
            elif event is not None and placed and effect in {Effect.CHANGED, Effect.RESTORED}:
                self._change(*event, placed)
            if event is not None and placed is not None and effect is not Effect.LEFT:
                event[0].sequence = max(event[0].sequence, placed.sequence)
                event[0].modified_at = _later(event[0].modified_at, placed.modified_at)

    def _add(self, placed: Placed) -> None:
        """Publish a listing for an event that is new."""
        told = {"kind": ListingKind.EVENT, "evidence_needed": Evidence.SELF_DECLARED}
        draft = EventDraft(**(told | _said(placed)))
        listing, _ = listings.publish_listing(
            self.session, draft, listing_id=None, grant=self.grant, at=self.at
        )
        self.session.add(
            FeedEvent(
                feed_id=self.feed.id,
                uid=placed.key.uid,
                recurrence=placed.key.recurrence,
                organisation_id=self.feed.organisation_id,
                listing_id=listing.id,
                digest=placed.digest,
                sequence=placed.sequence,
                modified_at=placed.modified_at,
                withdrawn_by_feed=False,
            )
        )

    def _change(self, event: FeedEvent, listing: Listing, placed: Placed) -> None:
        # What the feed says nothing of, a manager may have said.
        kept = {one.name: getattr(listing, one.name) for one in fields(EventDraft)}
        draft = EventDraft(**(kept | _said(placed)))
        listings.replace_listing(self.session, listing.id, draft, grant=self.grant, at=self.at)
        listing.restore(self.at)
        attending.follow(self.session, listing, at=self.at)
        event.digest = placed.digest
        event.withdrawn_by_feed = False

    def _withdraw(self, event: FeedEvent, listing: Listing) -> None:
        listings.withdraw_listing(self.session, listing.id, grant=self.grant, at=self.at)
        attending.follow(self.session, listing, at=self.at)
        event.withdrawn_by_feed = True

    def _report(
        self,
        planned: Plan,
        events: Mapping[Key, Placed],
        before: Mapping[Key, Listing],
        faults: Sequence[Fault],
    ) -> None:
        counts = Counter(planned.effects.values())
        self.run.counts = {effect.value: counts[effect] for effect in Effect}
        moving = [(key, one) for key, one in planned.effects.items() if one not in UNMOVING]
        self.run.changes = [
            _change_told(key, effect, events.get(key) or before[key])
            for key, effect in moving[:MOST_CHANGES]
        ]
        self.run.fault_count = len(faults)
        self.run.faults = [asdict(fault) for fault in sorted(faults, key=_line)[:MOST_FAULTS]]


def _finder(feed: Feed, spots: Sequence[Spot]) -> Callable[[str | None], Spot]:
    if feed.place_id is None:
        return Spots(spots).find

    def find(_location: str | None) -> Spot:
        for spot in spots:
            return spot
        raise NoPlace("The feed's place is gone.")

    return find


def _said(placed: Placed) -> dict[str, Any]:
    """Return what a feed says of a listing's content."""
    return {
        "place_id": placed.place_id,
        "title": placed.title,
        "text": placed.text,
        "starts_at": placed.starts_at,
        # It follows from the rest.
        "ends_at": None,
        "time_zone": placed.time_zone,
        "length": placed.length,
        "rule": placed.rule,
        "excluded": list(placed.excluded),
    }


def _known(event: FeedEvent, listing: Listing, at: datetime) -> Known:
    return Known(
        key=_key(event),
        listing_id=listing.id,
        digest=event.digest,
        sequence=event.sequence,
        modified_at=event.modified_at,
        withdrawn=listing.withdrawn_at is not None,
        withdrawn_by_feed=event.withdrawn_by_feed,
        is_over=listing.ends_at is not None and listing.ends_at <= at,
    )


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    return max(filter(None, (one, other)), default=None)


def _key(event: FeedEvent) -> Key:
    return Key(event.uid, event.recurrence)


def _line(fault: Fault) -> int:
    return fault.line


def _change_told(key: Key, effect: Effect, about: Placed | Listing) -> dict[str, Any]:
    return {
        "uid": key.uid,
        "recurrence": key.recurrence or None,
        "effect": effect.value,
        "title": about.title,
        "place_id": str(about.place_id),
        "starts_at": about.starts_at.isoformat(),
    }
