"""What is lost when a part dies: nothing; and what is told twice: nothing."""

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from celery import Celery

from geoservices import clock
from local.actors import Manager, Phone
from tests.eventually import eventually
from tests.journeys.system import System

pytestmark = pytest.mark.stack

SETTLED = timedelta(minutes=2)
PEOPLE = 12
STOPS = 4
JOBS_ARE_TAKEN = timedelta(milliseconds=300)


@pytest.fixture(scope="module")
def manager(system: System) -> Iterator[Manager]:
    """A manager of Devon's."""
    with system.manager() as manager:
        yield manager


@pytest.fixture(scope="module")
def library(manager: Manager) -> dict[str, Any]:
    """Exeter Library, with an offer for whoever checks in or comes near."""
    [place] = manager.ask("GET", "/v1/places", params={"q": "Exeter Library"})["features"]
    offer = manager.announce(place["id"], kind="offer", title="A free hot drink", text="")
    for trigger, purpose in (("checked-in", "check-in-content"), ("entered", "nearby")):
        made = manager.ask(
            "POST",
            "/v1/campaigns",
            json={
                "listing_id": offer["id"],
                "name": trigger,
                "content": [{"texts": {"en-GB": {"title": offer["title"], "body": "Come in."}}}],
                "triggers": [trigger],
                "audience": {"roles": ["citizen"]},
                "purpose": purpose,
            },
        )
        manager.ask("PUT", f"/v1/campaigns/{made['id']}/publication")
    found: dict[str, Any] = place
    return found


@pytest.fixture
def phones(system: System) -> Iterator[list[Phone]]:
    """Citizens who agreed to everything and are subscribed."""
    with ExitStack() as open_phones:
        made = []
        for _ in range(PEOPLE):
            phone = Phone(system.configuration.api_url, system.configuration.push_url)
            made.append(open_phones.enter_context(phone))
            phone.agree("check-in-content")
            phone.agree("nearby")
            phone.subscribe()
        yield made


def check_in(phone: Phone, place: dict[str, Any]) -> None:
    """Check in at the place's door."""
    lon, lat = place["geometry"]["coordinates"]
    body = {
        "id": str(uuid4()),
        "place_id": place["id"],
        "position": {"lon": lon, "lat": lat, "accuracy_m": 5},
    }
    phone.ask("POST", "/v1/check-ins", json=body)


def person_of(system: System, phone: Phone) -> Any:
    """The id of the phone's person."""
    [row] = system.ask("SELECT person_id FROM devices WHERE id = %s", phone.id)
    return row["person_id"]


def wait_until_settled(system: System, phones: list[Phone], *, each: int = 1) -> None:
    """Wait until each person has so many notifications and every delivery is accepted."""
    people = [person_of(system, phone) for phone in phones]

    def settled() -> bool:
        rows = system.ask(
            "SELECT d.state FROM deliveries d JOIN notifications n ON n.id = d.notification_id "
            "WHERE n.person_id = ANY(%s)",
            people,
        )
        return [row["state"] for row in rows] == ["accepted"] * (each * len(people))

    eventually(settled, within=SETTLED)


def assert_each_sees_one(system: System, phones: list[Phone]) -> None:
    """Each screen shows one notification, and each person was notified once."""
    for phone in phones:
        shown = {message["notification"]["tag"]: message for message in phone.browser.messages()}  # type: ignore[index]
        assert len(shown) == 1
        told = system.ask(
            "SELECT id FROM notifications WHERE person_id = %s", person_of(system, phone)
        )
        assert [row["id"].hex for row in told] == list(shown)
    assert system.ask("SELECT id FROM outbox_messages") == []


def test_a_worker_killed_between_claim_and_settle_loses_and_doubles_nothing(
    system: System, library: dict[str, Any], phones: list[Phone]
) -> None:
    """The push service has the messages, but the worker dies before it hears so.

    When the lease is over they are sent again under the same topic, so that each screen shows
    one; the attempt that was cut off stays on record.
    """
    system.misbehave(times=PEOPLE, store=True, delay_s=2.5)
    for phone in phones:
        check_in(phone, library)
    eventually(
        lambda: sum(1 for post in system.push_log() if post["message_id"]) >= PEOPLE // 2,
        within=SETTLED,
    )

    system.kill("worker")
    unfinished = system.ask("SELECT id FROM deliveries WHERE state = 'sending'")
    system.misbehave_anew()  # What is sent again is answered at once.
    system.start("worker")

    assert unfinished
    wait_until_settled(system, phones)
    assert_each_sees_one(system, phones)
    twice = system.ask(
        "SELECT delivery_id FROM attempts WHERE number = 2 AND outcome = 'accepted' "
        "AND delivery_id = ANY(%s)",
        [row["id"] for row in unfinished],
    )
    cut_off = system.ask(
        "SELECT delivery_id FROM attempts WHERE number = 1 AND finished_at IS NULL"
    )
    assert len(twice) == len(unfinished)
    assert {row["delivery_id"] for row in cut_off} == {row["id"] for row in unfinished}


def test_a_broker_that_stops_and_forgets_everything_loses_nothing(
    system: System, library: dict[str, Any], phones: list[Phone]
) -> None:
    """Check-ins are taken while it is away and while its queue is full, and all are told once."""
    before, while_away = phones[: PEOPLE // 2], phones[PEOPLE // 2 :]
    system.kill("worker")
    for phone in before:
        check_in(phone, library)
    eventually(
        lambda: not system.ask("SELECT id FROM outbox_messages WHERE due_at <= now()"),
        within=SETTLED,
    )

    system.stop_server("broker")  # With the jobs that nobody has taken yet.
    for phone in while_away:
        check_in(phone, library)
    ready = httpx2.get(f"{system.configuration.api_url}/health/ready", trust_env=False)
    system.start_broker()
    system.start("worker")

    assert (ready.status_code, ready.json()["checks"]["broker"]) == (503, "failing")
    wait_until_settled(system, phones)
    assert_each_sees_one(system, phones)


def test_a_worker_goes_on_with_a_broker_that_was_away_while_it_had_jobs(
    system: System, library: dict[str, Any], phones: list[Phone]
) -> None:
    """It can neither give back nor acknowledge what it had, and takes what there is afterwards."""
    broker_url = system.env["GEOSERVICES_BROKER_URL"]
    for phone in phones[:STOPS]:
        with Celery(broker=broker_url, set_as_current=False) as client:
            for _ in range(200):
                client.send_task("visits.let_time_pass", queue="geoservices")
        time.sleep(JOBS_ARE_TAKEN.total_seconds())
        system.stop_server("broker")
        system.start_broker()

        check_in(phone, library)
        wait_until_settled(system, [phone])

    assert_each_sees_one(system, phones[:STOPS])


def test_a_database_stopped_in_the_middle_of_batches_loses_nothing(
    system: System, library: dict[str, Any], phones: list[Phone]
) -> None:
    """Phones send batch after batch, and again whatever was not answered with 200.

    What was answered is there, once; each person entered once and was told once.
    """
    batches_each = 8
    lon, lat = library["geometry"]["coordinates"]
    refusals: list[int] = []

    def send_all(phone: Phone) -> None:
        for number in range(batches_each):
            at = clock.now()
            pings = [
                {
                    "id": str(uuid4()),
                    "recorded_at": (at - timedelta(milliseconds=900 - 9 * n)).isoformat(),
                    "lon": lon,
                    "lat": lat,
                    "accuracy_m": 5 + number,
                }
                for n in range(100)
            ]
            while (status := send(phone, pings)) != httpx2.codes.OK:
                refusals.append(status)
                threading.Event().wait(0.2)
            threading.Event().wait(0.15)

    senders = [threading.Thread(target=send_all, args=[phone]) for phone in phones]
    for sender in senders:
        sender.start()
    threading.Event().wait(0.6)
    system.stop_server("database")
    threading.Event().wait(1.0)
    system.start_database()
    for sender in senders:
        sender.join()

    assert refusals
    assert set(refusals) == {503}
    ids = [phone.id for phone in phones]
    [stored] = system.ask(
        "SELECT count(*) AS pings, count(DISTINCT id) AS ids FROM pings WHERE device_id = ANY(%s)",
        ids,
    )
    assert stored == {"pings": PEOPLE * batches_each * 100, "ids": PEOPLE * batches_each * 100}
    entered = system.ask(
        "SELECT device_id FROM transitions WHERE kind = 'entered' AND device_id = ANY(%s)", ids
    )
    assert sorted(row["device_id"] for row in entered) == sorted(ids)
    wait_until_settled(system, phones)
    assert_each_sees_one(system, phones)


def send(phone: Phone, pings: list[dict[str, Any]]) -> int:
    """Send a batch and return the status of the answer."""
    return phone.http.post("/v1/pings", json={"pings": pings}).status_code
