"""The job of feeds, with a real server: what is due is handed out, fetched and taken."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from kombu import Connection
from sqlalchemy import select
from structlog.testing import capture_logs

from geoservices import clock
from geoservices.access.rights import Right
from geoservices.database import SessionFactory, transaction
from geoservices.events.models import Event
from geoservices.feeds import running, service
from geoservices.feeds.answers import FeedKind
from geoservices.feeds.models import Feed, FeedRun
from geoservices.feeds.service import FeedDraft
from geoservices.settings.feeds import FeedSettings
from tests.factories import make_organisation, make_place, may
from tests.feeding import Site, event, serving
from tests.jobs import app, runtime
from tests.writing import SETTINGS
from workers.jobs import feeds as jobs
from workers.relay import Relay

LOOPBACK = FeedSettings(allow_loopback=True, timeout=timedelta(seconds=5))


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """The server, which the jobs may call."""
    settings = SETTINGS.model_copy(update={"feeds": LOOPBACK})
    monkeypatch.setattr(runtime, "settings", lambda: settings)
    runtime.feed_fetcher.cache_clear()
    with serving() as site:
        yield site
    runtime.feed_fetcher.cache_clear()


def test_a_feed_goes_from_the_relay_to_the_job(
    committed: SessionFactory, site: Site, doorbell: Connection
) -> None:
    """Once; afterwards it is due again in an hour, and no line of the log names its address."""
    site.tell(event("1", "RRULE:FREQ=WEEKLY"))
    at = clock.now()
    with transaction(committed) as session:
        organisation = make_organisation(session)
        place = make_place(session, organisation)
        draft = FeedDraft(
            name="What's on",
            url=f"{site.url}?key=secret",
            kind=FeedKind.ICALENDAR,
            place_id=place.id,
            interval=timedelta(hours=1),
            paused=False,
        )
        grant = may(organisation, Right.LISTINGS_WRITE)
        feed_id = service.make_feed(session, draft, grant=grant, settings=LOOPBACK, at=at).id
    lease = timedelta(minutes=1)
    relay = Relay(committed, outbox_lease=lease, push_lease=lease, mail_lease=lease)

    assert (relay.relay_once(), relay.relay_once()) == (1, 0)
    queue = doorbell.SimpleQueue(app.conf.task_default_queue)
    message = queue.get(timeout=5)
    message.ack()
    queue.close()
    assert message.headers["task"] == "feeds.run"
    with capture_logs() as logged:
        jobs.run(message.payload[0][0])

    [line] = logged
    assert (line["event"], line["state"], line["added"]) == ("feed_run", "done", 1)
    assert "secret" not in str(logged)
    with transaction(committed) as session:
        assert session.scalars(select(Event.title)).all() == ["Story time"]
        due_at = session.get_one(Feed, feed_id).due_at
    assert at + timedelta(hours=1) <= due_at <= clock.now() + timedelta(hours=1)


def test_a_fault_of_ours_ends_the_run(
    committed: SessionFactory, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The feed says so, and is tried again later; the log does not say what it was about."""
    site.tell(event("1"))
    at = clock.now()
    with transaction(committed) as session:
        organisation = make_organisation(session)
        grant = may(organisation, Right.LISTINGS_WRITE)
        draft = FeedDraft(
            name="What's on",
            url=site.url,
            kind=FeedKind.ICALENDAR,
            place_id=make_place(session, organisation).id,
            interval=timedelta(hours=1),
            paused=False,
        )
        feed = service.make_feed(session, draft, grant=grant, settings=LOOPBACK, at=at)

    def broken(*_: object, **__: object) -> None:
        raise ValueError(site.url)

    monkeypatch.setattr(running, "place_events", broken)
    with capture_logs() as logged:
        jobs.run([str(feed.id)])

    assert [(line["event"], line["error"]) for line in logged] == [("feed_failed", "ValueError")]
    with transaction(committed) as session:
        known = session.get_one(Feed, feed.id)
        [run] = session.scalars(select(FeedRun))
    assert (run.state, run.reason) == ("failed", "fault-of-ours")
    assert (known.failure_count, known.leased_until) == (1, None)
