"""A feed of Devon's on a real web server."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy.orm import Session

from geoservices import clock
from geoservices.access.rights import Right
from geoservices.accounts.models import Organisation
from geoservices.database import SessionFactory
from geoservices.feeds import running, service
from geoservices.feeds.answers import FeedKind
from geoservices.feeds.models import Feed, FeedRun
from geoservices.feeds.service import FeedDraft
from geoservices.fetching import Bounds, Fetcher
from geoservices.places.models import Place
from geoservices.settings.feeds import FeedSettings
from tests.factories import NOON, make_organisation, make_place, may
from tests.feeding import Site, serving

LOOPBACK = FeedSettings(allow_loopback=True)
FETCHER = Fetcher(Bounds(timeout=timedelta(seconds=2), max_body=100_000, allow_loopback=True))


@pytest.fixture
def site() -> Iterator[Site]:
    """The server."""
    with serving() as site:
        yield site


@pytest.fixture
def organisation(session: Session) -> Organisation:
    """Devon."""
    return make_organisation(session)


@pytest.fixture
def place(session: Session, organisation: Organisation) -> Place:
    """A library of Devon's."""
    return make_place(session, organisation)


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> Callable[[datetime], None]:
    """Sets the clock, which begins at noon."""

    def set_(at: datetime) -> None:
        monkeypatch.setattr(clock, "now", lambda: at)

    set_(NOON)
    return set_


@pytest.fixture
def feed(session: Session, organisation: Organisation, place: Place, site: Site) -> Feed:
    """A feed for that library's events alone, hourly."""
    return make_feed(session, organisation, site, place_id=place.id)


def make_feed(
    session: Session,
    organisation: Organisation,
    site: Site,
    *,
    place_id: UUID | None = None,
    kind: FeedKind = FeedKind.ICALENDAR,
) -> Feed:
    """Set a feed up."""
    draft = FeedDraft(
        name="What's on",
        url=site.url,
        kind=kind,
        place_id=place_id,
        interval=timedelta(hours=1),
        paused=False,
    )
    grant = may(organisation, Right.LISTINGS_WRITE)
    feed = service.make_feed(session, draft, grant=grant, settings=LOOPBACK, at=NOON)
    session.commit()
    return feed


@pytest.fixture
def run(
    session: Session,
    sessions: SessionFactory,
    now: Callable[[datetime], None],  # noqa: ARG001  # It has set the clock.
) -> Callable[..., FeedRun]:
    """Runs a feed as the worker does."""

    def run(feed: Feed, *, preview: bool = False, believed: bool = False) -> FeedRun:
        if preview or believed:
            service.ask_for_run(session, feed, preview=preview, believed=believed, at=clock.now())
        session.commit()
        done = running.run(sessions, FETCHER, feed.id)
        session.expire_all()
        assert done is not None
        return done

    return run
