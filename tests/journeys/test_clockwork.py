"""What happens by itself: beat rings, the worker acts, and no phone says anything."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from celery import Celery

from geoservices import clock
from local.actors import Phone
from tests.eventually import eventually
from tests.feeding import event, serving
from tests.journeys.system import System
from tests.local.conftest import open_folder

pytestmark = pytest.mark.stack

SOON = timedelta(minutes=2)
RETENTION = timedelta(seconds=20)
LONGEST_RUN = timedelta(seconds=8)


@pytest.fixture(scope="module")
def system() -> Iterator[System]:
    """The whole system, which keeps positions, and is busy with a feed, for some seconds only."""
    with open_folder() as folder:
        system = System(
            folder,
            GEOSERVICES_INTAKE__PING_RETENTION=f"PT{RETENTION.total_seconds():.0f}S",
            GEOSERVICES_FEEDS__ALLOW_LOOPBACK="true",
            GEOSERVICES_FEEDS__LONGEST_RUN=f"PT{LONGEST_RUN.total_seconds():.0f}S",
        )
        try:
            system.start_all()
            yield system
        finally:
            system.stop_all()


@pytest.fixture
def phone(system: System) -> Iterator[Phone]:
    """A citizen's phone that may be located."""
    with Phone(system.configuration.api_url, system.configuration.push_url) as phone:
        phone.agree("nearby")
        yield phone


def stay(system: System, phone: Phone, *, dwells_in: timedelta) -> None:
    """Have the phone be in Exeter Library for so long that it dwells there in a moment."""
    with system.manager() as manager:
        [place] = manager.ask("GET", "/v1/places", params={"q": "Exeter Library"})["features"]
    [fence] = system.ask("SELECT dwell_after FROM geofences WHERE place_id = %s", place["id"])
    lon, lat = place["geometry"]["coordinates"]
    now = clock.now()
    entered_at = now - fence["dwell_after"] + dwells_in
    pings: list[dict[str, Any]] = [
        {"id": str(uuid4()), "recorded_at": at.isoformat(), "lon": lon, "lat": lat, "accuracy_m": 8}
        for at in (entered_at, now)
    ]
    phone.ask("POST", "/v1/pings", json={"pings": pings})


def test_a_visit_dwells_by_the_clock(system: System, phone: Phone) -> None:
    """Through beat, broker and worker; the phone's last word was that it is inside."""

    def kinds() -> list[str]:
        rows = system.ask(
            "SELECT kind FROM transitions WHERE device_id = %s ORDER BY occurred_at", phone.id
        )
        return [row["kind"] for row in rows]

    stay(system, phone, dwells_in=timedelta(seconds=5))
    at_first = kinds()

    eventually(lambda: kinds() == ["entered", "dwelled"], within=SOON)

    assert at_first == ["entered"]


def test_old_positions_are_pruned_by_the_worker(system: System, phone: Phone) -> None:
    """The job is sent by its name, as beat does every ten minutes; what is recent stays."""

    def positions(of: Phone) -> int:
        [row] = system.ask("SELECT count(*) AS count FROM pings WHERE device_id = %s", of.id)
        return int(row["count"])

    client = Celery(broker=system.env["GEOSERVICES_BROKER_URL"], set_as_current=False)
    stay(system, phone, dwells_in=timedelta(minutes=2))
    before = positions(phone)
    old_at = clock.now() + RETENTION
    eventually(lambda: clock.now() > old_at, within=RETENTION + SOON)
    with Phone(system.configuration.api_url, system.configuration.push_url) as recent:
        recent.agree("nearby")
        stay(system, recent, dwells_in=timedelta(minutes=2))

        client.send_task("pings.prune", queue="geoservices")

        eventually(lambda: positions(phone) == 0, within=SOON)
        # The job goes on to move what is recent into a partition.
        eventually(lambda: positions(recent) == 2, within=SOON)
        assert before == 2
    client.close()


def test_a_hostile_feed_is_given_up_and_holds_nobody_up(system: System) -> None:
    """Each of its series is searched day by day for thousands of years.

    Another feed, asked for after it, is done before it; then the worker is free again.
    """

    def make_feed(address: str) -> str:
        told = {"name": "Events", "url": address, "kind": "icalendar", "interval": "PT1H"}
        feed: str = manager.ask("POST", "/v1/feeds", json=told | {"place_id": place["id"]})["id"]
        return feed

    def run_of(feed: str) -> dict[str, Any]:
        runs: list[dict[str, Any]] = manager.ask("GET", f"/v1/feeds/{feed}/runs")["items"]
        return runs[0] if runs else {"state": "queued"}

    with system.manager() as manager, serving() as site, serving() as calm:
        [place] = manager.ask("GET", "/v1/places", params={"q": "Exeter Library"})["features"]
        rule = "RRULE:FREQ=DAILY;BYMONTH=3;BYMONTHDAY=20;BYDAY=FR;UNTIL=99991231T000000Z"
        site.tell(*(event(str(number), rule) for number in range(1000)))
        calm.tell(event("1", "RRULE:FREQ=WEEKLY"))
        hostile = make_feed(site.url)
        eventually(lambda: run_of(hostile)["state"] == "running", within=SOON)
        other = make_feed(calm.url)
        eventually(lambda: run_of(other)["state"] == "done", within=SOON)
        meanwhile = run_of(hostile)["state"]
        eventually(lambda: run_of(hostile)["state"] == "failed", within=SOON)
        given_up, feed = run_of(hostile), manager.ask("GET", f"/v1/feeds/{hostile}")

    assert meanwhile == "running"
    assert given_up["reason"] == "too-much-in-it"
    assert feed["failing_since"] is not None
