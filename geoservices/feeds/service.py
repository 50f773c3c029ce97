"""Feeds that managers set up, and runs of them that they ask for."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy.orm import Session

from geoservices import attending, fetching, outbox
from geoservices.access.actors import Grant
from geoservices.errors import ErrorKind, Forbidden, GeoservicesError, NotFound
from geoservices.feeds import queries
from geoservices.feeds.answers import FeedKind
from geoservices.feeds.models import Feed, FeedRun, RunState
from geoservices.feeds.patience import LONGEST, SHORTEST
from geoservices.places import service as places
from geoservices.settings.feeds import FeedSettings

MOST_FEEDS = 500
"""Of one organisation."""


class FeedRefused(GeoservicesError):
    """A feed that cannot be fetched, or not so often."""

    kind = ErrorKind.INVALID
    code = "feed-refused"
    title = "This feed cannot be taken"


class FeedKnown(GeoservicesError):
    """The address is fetched already for the same place."""

    kind = ErrorKind.CONFLICT
    code = "feed-known"
    title = "There is a feed of this address already"

    def __init__(self) -> None:
        super().__init__(
            "Its events would be told of twice. Change the feed there is, or name another place.",
            field="/url",
        )


class RunWaiting(GeoservicesError):
    """A run of the feed that was asked for is not done yet."""

    kind = ErrorKind.CONFLICT
    code = "feed-run-waiting"
    title = "A run of this feed is waiting"

    def __init__(self) -> None:
        super().__init__("Look at the feed's runs, and ask again once it is done.")


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedDraft:
    """What a manager says of a feed."""

    name: str
    url: str
    kind: FeedKind
    place_id: UUID | None
    interval: timedelta
    paused: bool


def make_feed(
    session: Session, draft: FeedDraft, *, grant: Grant, settings: FeedSettings, at: datetime
) -> Feed:
    """Set a feed up; it is fetched at once.

    Raises:
        NotFound: The place is neither the organisation's nor shared with it, or out of reach.
        Forbidden: Only some places are within reach, and none is named.
        FeedRefused: Its address may not be called, or there are too many, or the interval is none.
        FeedKnown: There is one of this address for the same place.
    """
    url = _check(session, draft, grant, settings)
    if queries.count_of(session, grant.organisation_id) >= MOST_FEEDS:
        raise FeedRefused(f"An organisation has at most {MOST_FEEDS} feeds. Delete one first.")
    feed = Feed(
        id=uuid4(),
        organisation_id=grant.organisation_id,
        name=draft.name,
        url=url,
        kind=draft.kind,
        place_id=draft.place_id,
        interval=draft.interval,
        paused=draft.paused,
        created_at=at,
        due_at=at,
    )
    _check_new(session, feed)
    session.add(feed)
    session.flush()
    outbox.ring(session)
    return feed


def get_feed(session: Session, feed_id: UUID, *, grant: Grant) -> Feed:
    """Return one of the organisation's feeds.

    Raises:
        NotFound: There is none, it is another organisation's, or its place is out of reach.
    """
    feed = queries.feed_of(session, feed_id, grant.organisation_id)
    if feed is None or (feed.place_id is None and grant.actor.reach is not None):
        raise NotFound("feed")
    if feed.place_id is not None:
        places.check_reach(session, feed.place_id, grant, "feed")
    return feed


def change_feed(
    session: Session,
    feed: Feed,
    draft: FeedDraft,
    *,
    grant: Grant,
    settings: FeedSettings,
    at: datetime,
) -> Feed:
    """Say something else of a feed; with another address, place or kind it is fetched anew.

    Raises:
        NotFound: The place is neither the organisation's nor shared with it, or out of reach.
        Forbidden: Only some places are within reach, and none is named.
        FeedRefused: Its address may not be called, or the interval is none.
        FeedKnown: There is another of this address for the same place.
    """
    url = _check(session, draft, grant, settings)
    is_other = (feed.url, feed.kind, feed.place_id) != (url, draft.kind, draft.place_id)
    feed.name, feed.url, feed.kind = draft.name, url, draft.kind
    feed.place_id, feed.paused, feed.interval = draft.place_id, draft.paused, draft.interval
    _check_new(session, feed)
    if is_other:
        feed.etag = feed.modified = feed.failing_since = feed.thin_since = None
        feed.failure_count = 0
        feed.due_at = at
    else:
        feed.due_at = min(feed.due_at, at + feed.interval)
    session.flush()
    outbox.ring(session)
    return feed


def ask_for_run(
    session: Session, feed: Feed, *, preview: bool, believed: bool, at: datetime
) -> FeedRun:
    """Have a feed fetched now, or only have it said what that would change.

    Raises:
        RunWaiting: One that was asked for before is not done.
        FeedRefused: The feed is paused.
    """
    if feed.paused:
        raise FeedRefused("The feed is paused. Let it go on first: PATCH it with `paused: false`.")
    if queries.hold(session, feed.id) is None or queries.waiting_run(session, feed.id):
        raise RunWaiting
    run = FeedRun(
        id=uuid4(),
        organisation_id=feed.organisation_id,
        feed_id=feed.id,
        state=RunState.QUEUED,
        preview=preview,
        believed=believed,
        asked_at=at,
    )
    session.add(run)
    feed.due_at = at
    session.flush()
    outbox.ring(session)
    return run


def get_run(session: Session, feed: Feed, run_id: UUID) -> FeedRun:
    """Return one of a feed's runs.

    Raises:
        NotFound: There is none, or it was forgotten.
    """
    run = queries.run_of(session, feed.id, run_id)
    if run is None:
        raise NotFound("run")
    return run


def delete_feed(session: Session, feed: Feed, *, at: datetime) -> None:
    """Fetch a feed no more, and withdraw what it told of and is not over."""
    for _event, listing in queries.known_events(session, feed.id):
        if listing.why_over(at) is None:
            listing.withdraw(at)
            attending.follow(session, listing, at=at)
    queries.delete_feed(session, feed.id)


def _check(session: Session, draft: FeedDraft, grant: Grant, settings: FeedSettings) -> str:
    if draft.place_id is not None:
        places.get_place_for(session, draft.place_id, grant)
    elif grant.actor.reach is not None:
        raise Forbidden(
            "You manage some places only. Name the place that the feed is for.", field="/place_id"
        )
    if not SHORTEST <= draft.interval <= LONGEST:
        raise FeedRefused("Give an interval from PT15M to P7D.", field="/interval")
    scheme, _, rest = draft.url.partition("://")
    # What calendar programs write so is fetched by HTTP all the same.
    url = f"https://{rest}" if scheme.lower() in {"webcal", "webcals"} else draft.url
    if not fetching.allows(url, allow_loopback=settings.allow_loopback):
        raise FeedRefused(
            "Give an address that starts with https://, without a password and without #.",
            field="/url",
        )
    return url


def _check_new(session: Session, feed: Feed) -> None:
    with session.no_autoflush:
        known = queries.is_known(
            session, feed.organisation_id, feed.url, feed.place_id, but=feed.id
        )
    if known:
        raise FeedKnown
