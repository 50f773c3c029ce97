"""What was held back goes out by the relay, the broker, the jobs and a real push service."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import time, timedelta
from threading import Barrier, Thread
from typing import Any
from uuid import UUID

import pytest
from kombu import Connection
from sqlalchemy import select
from structlog.testing import capture_logs

from geoservices import clock, pipeline
from geoservices.access.actors import by_operator
from geoservices.access.rights import Right
from geoservices.accounts.models import Purpose
from geoservices.campaigns import beginning, waiting_lanes
from geoservices.campaigns.definitions import AfterHolding
from geoservices.campaigns.models import Decision, HeldMessage
from geoservices.campaigns.rules import Gate, Trigger
from geoservices.campaigns.run_models import CampaignRun
from geoservices.database import SessionFactory, make_engine, make_session_factory, transaction
from geoservices.deliveries.models import Delivery
from geoservices.deliveries.states import DeliveryState
from geoservices.leasing.queries import Paced
from geoservices.listings.models import ListingKind
from geoservices.notifications.models import Notification
from geoservices.places.models import Place
from geoservices.push.gateway import Envelope, Outcome, WebPushGateway
from geoservices.push.vapid import vapid_public_key
from geoservices.subscriptions.service import PushSubscription
from local.browser import Browser
from local.pushservice import serving
from tests.factories import make_campaign, make_listing, make_person
from tests.pushing import SETTINGS as PUSH
from tests.walking import INSIDE, SETTINGS, World, make_world, moment, ping
from tests.workers.test_relay import jobs
from workers import runtime
from workers.app import app
from workers.jobs import campaigns as campaign_jobs
from workers.relay import Bell, Relay

OWN = SETTINGS.model_copy(update={"push": PUSH})
ON_THE_WALL = clock.now
OPENS = 3600.0
LEASE = timedelta(seconds=30)


class Gateway(WebPushGateway):
    """The way out to a push service, which goes by a clock of its own."""

    def send(self, envelopes: Sequence[Envelope]) -> list[Outcome]:
        """Send by the clock on the wall, as tokens are looked at by it."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(clock, "now", ON_THE_WALL)
            return super().send(envelopes)


@pytest.fixture(autouse=True)
def processes(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The worker's jobs, settings and ways out, and the time, which stands at noon."""
    app.loader.import_default_modules()
    engine = make_engine(database_url, pool_size=1, by_key=True)
    monkeypatch.setattr(runtime, "settings", lambda: OWN)
    monkeypatch.setattr(runtime, "delivery_sessions", lambda: make_session_factory(engine))
    monkeypatch.setattr(runtime, "gateway", lambda: Gateway(PUSH))
    monkeypatch.setattr(clock, "now", lambda: moment(0))
    yield
    engine.dispose()


@contextmanager
def at(second: float) -> Iterator[None]:
    """Let the clock stand at so many seconds past noon."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clock, "now", lambda: moment(second))
        yield


def work(relay: Relay, doorbell: Connection) -> list[str]:
    """Relay what is due and do it, round by round until nothing is; return the jobs' names."""
    done: list[str] = []
    while relay.relay_once():
        for name, ids in jobs(doorbell):
            app.tasks[name](ids)
            done.append(name)
    return done


def subscribe(world: World, browser: Browser) -> None:
    """Have the citizen's browser be pushed to."""
    offered: Any = browser.subscribe(vapid_public_key(PUSH))
    pipeline.subscribe(
        world.session,
        device_id=world.device.id,
        offered=PushSubscription(
            endpoint=offered["endpoint"],
            p256dh=offered["keys"]["p256dh"],
            auth=offered["keys"]["auth"],
            application_server_key=vapid_public_key(PUSH),
        ),
        current_key=vapid_public_key(PUSH),
        push=PUSH,
        at=moment(0),
    )


@pytest.fixture
def relay(committed: SessionFactory) -> Relay:
    """A relay on the test's database."""
    return Relay(committed, outbox_lease=LEASE, push_lease=LEASE, mail_lease=LEASE)


def test_a_held_event_is_released_at_opening_time(
    committed: SessionFactory, relay: Relay, doorbell: Connection
) -> None:
    """Through relay, broker, jobs and push service to the browser, which decrypts it; once."""
    with serving() as service, Browser(service.url) as browser:
        with transaction(committed) as session:
            world = make_world(session)
            world.place.opening_hours = "Mo-Su 13:00-17:00"
            story = make_listing(session, world.place, kind=ListingKind.EVENT, title="Story time")
            make_campaign(session, story, only_when_open=True, after_holding=AfterHolding.RELEASE)
            subscribe(world, browser)
            world.walk(ping(0, INSIDE))

        with at(1):
            arrived = work(relay, doorbell)
        with at(OPENS - 1):
            waited = work(relay, doorbell)
        with at(OPENS):
            opened = work(relay, doorbell)
        with at(OPENS + 60):
            later = work(relay, doorbell)

        assert arrived == ["campaigns.decide"]
        assert waited == later == []
        assert opened == ["campaigns.release", "deliveries.send"]
        [message] = browser.messages()
    shown: Any = message["notification"]
    assert shown["title"] == "Story time"
    with transaction(committed) as session:
        gates = session.scalars(select(Decision.gate).order_by(Decision.decided_at)).all()
        assert gates == [Gate.OPENING_HOURS, None]


def test_a_bundle_arrives_as_one_push(
    committed: SessionFactory, relay: Relay, doorbell: Connection
) -> None:
    """Three tasks at one building: encrypted, sent once, decrypted, and opening all three."""
    with serving() as service, Browser(service.url) as browser:
        with transaction(committed) as session:
            world = make_world(session)
            for title in ("Meter reading", "Broken lamp", "Boiler"):
                make_campaign(session, make_listing(session, world.place, title=title))
            subscribe(world, browser)
            world.walk(ping(0, INSIDE))

        with at(1):
            work(relay, doorbell)

        [message] = browser.messages()
    shown: Any = message["notification"]
    with transaction(committed) as session:
        made = session.scalars(select(Notification)).all()
        [delivery] = session.scalars(select(Delivery)).all()
        [bundle] = [one for one in made if one.kind == "bundle"]
        assert len(made) == 4
        assert (delivery.notification_id, delivery.state) == (bundle.id, DeliveryState.ACCEPTED)
        assert shown["title"] == "3 things at Exeter Library"
        assert sorted(shown["body"].splitlines()) == ["Boiler", "Broken lamp", "Meter reading"]
        assert shown["navigate"].endswith(f"/notifications/{bundle.id}")
        assert shown["tag"] == message["topic"] == bundle.id.hex


def hold(sessions: SessionFactory) -> list[str]:
    """Have two messages wait for somebody, and return their decisions."""
    with transaction(sessions) as session:
        world = make_world(session)
        for title in ("Tea", "Cake"):
            make_campaign(
                session,
                make_listing(session, world.place, title=title),
                after_holding=AfterHolding.RELEASE,
            )
        world.person.quiet_from, world.person.quiet_until = time(11), time(13)
        world.walk(ping(0, INSIDE))
        world.decide()
        found = session.scalars(select(HeldMessage.decision_id)).all()
        return sorted(map(str, found))


def test_two_workers_release_once(committed: SessionFactory) -> None:
    """The broker may hand a job out twice."""
    ids = hold(committed)
    barrier = Barrier(2)

    def release() -> None:
        barrier.wait()
        campaign_jobs.release(ids)

    with at(OPENS):
        threads = [Thread(target=release) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    with transaction(committed) as session:
        assert len(session.scalars(select(Notification.id)).all()) == 2
        assert session.scalars(select(HeldMessage.decision_id)).all() == []


def test_a_message_that_cannot_be_decided_on_stays(committed: SessionFactory) -> None:
    """It is named, counted and put off; nothing of it is lost."""
    ids = hold(committed)
    with transaction(committed) as session:
        session.scalars(select(Place)).one().time_zone = "localtime"

    with at(OPENS), capture_logs() as logged:
        campaign_jobs.release(ids)

    failures = [line["message"] for line in logged if line["event"] == "message_failed"]
    assert sorted(failures) == ids
    assert logged[-1]["event"] == "messages_released"
    with transaction(committed) as session:
        rows = session.scalars(select(HeldMessage)).all()
        assert {(row.attempt_count, row.due_at) for row in rows} == {(1, moment(OPENS + 2))}
        session.scalars(select(Place)).one().time_zone = "Europe/London"

    with at(OPENS + 2):
        campaign_jobs.release(ids)

    with transaction(committed) as session:
        assert len(session.scalars(select(Notification.id)).all()) == 2


def test_a_crowd_is_released_bit_by_bit(
    committed: SessionFactory,
    relay: Relay,
    doorbell: Connection,
) -> None:
    """All of a run are due at the same moment; whoever waits alone is not behind them."""
    few = Bell(
        "campaigns.release", Paced(replace(waiting_lanes.BROADCASTS, at_once=6)), LEASE, limit=3
    )
    relay.bells = tuple(
        few if (one.job, one.limit) == (few.job, waiting_lanes.A_JOB) else one
        for one in relay.bells
    )
    alone = hold(committed)
    with transaction(committed) as session:
        place = session.scalars(select(Place)).one()
        made = make_campaign(
            session,
            make_listing(session, place),
            trigger=Trigger.NOW,
            after_holding=AfterHolding.RELEASE,
        )
        for _ in range(20):
            person = make_person(session, Purpose.NEARBY)
            person.quiet_from, person.quiet_until = time(11), time(13)
        beginning.begin_now(
            session,
            made.id,
            run_id=None,
            grant=by_operator(made.organisation_id, Right.CAMPAIGNS_WRITE),
            smallest=10,
            at=moment(0),
        )
    with at(0):
        work(relay, doorbell)

    with at(OPENS):
        while relay.relay_once():
            pass
        [first, *crowd] = [ids for _, ids in jobs(doorbell)]
        campaign_jobs.release(first)
        for ids in crowd:
            campaign_jobs.release(ids)
        later = work(relay, doorbell)

    assert sorted(first) == alone
    assert [len(ids) for ids in crowd] == [3, 3]
    assert later == ["campaigns.release"] * 5
    with transaction(committed) as session:
        run = session.scalars(select(CampaignRun)).one()
        assert (run.sent, run.held) == (21, 0)
        assert session.scalars(select(HeldMessage.decision_id)).all() == []


def test_what_the_broker_does_not_take_is_due_again_at_once(
    committed: SessionFactory, relay: Relay, doorbell: Connection
) -> None:
    """As messages of the outbox are."""
    ids = hold(committed)
    with transaction(committed) as session:
        waiting_lanes.SINGLES.put_back(session, [UUID(id_) for id_ in ids], at=moment(OPENS))

    with at(OPENS):
        relay.relay_once()

    [(name, rung)] = jobs(doorbell)
    assert (name, sorted(rung)) == ("campaigns.release", ids)
