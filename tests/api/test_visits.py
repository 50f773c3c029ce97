"""Visits over HTTP: a device's own, with their transitions, in pages."""

from datetime import datetime, timedelta
from uuid import uuid4

from httpx2 import Client
from sqlalchemy import select
from sqlalchemy.orm import Session

from geoservices.accounts.models import Device, Organisation
from geoservices.visits.models import Visit
from geoservices.visits.transitions import Phase
from tests.api.asking import ping
from tests.factories import NOON, make_geofence, make_place


def test_a_visit_has_its_transitions_in_order(
    citizen: Client, session: Session, organisation: Organisation
) -> None:
    """A quarter of an hour inside and then away: entered, dwelled, exited."""
    geofence = make_geofence(session, make_place(session, organisation))
    session.commit()
    walk = [ping(seconds_ago=1500 - 60 * minute) for minute in range(15)]
    away = [ping(seconds_ago=300 - 150 * number, lon=-3.6) for number in range(3)]

    answer = citizen.post("/v1/pings", json={"pings": walk + away}).json()
    [visit] = citizen.get("/v1/visits").json()["items"]

    assert [one["kind"] for one in visit["transitions"]] == ["entered", "dwelled", "exited"]
    assert visit["transitions"] == answer["transitions"]
    assert visit["geofence_id"] == str(geofence.id)
    assert visit["entered_at"] < visit["dwelled_at"] < visit["exited_at"]
    assert visit["exit_reason"]


def test_who_is_inside_still_was_seen_when_last_heard(
    citizen: Client, session: Session, organisation: Organisation
) -> None:
    """The visit's own row does not say; it is open."""
    make_geofence(session, make_place(session, organisation))
    session.commit()
    first, last = ping(seconds_ago=60), ping(seconds_ago=30)

    citizen.post("/v1/pings", json={"pings": [first, last]})
    [visit] = citizen.get("/v1/visits").json()["items"]

    assert session.scalars(select(Visit.seen_at)).all() == [None]
    assert datetime.fromisoformat(visit["seen_at"]) == datetime.fromisoformat(last["recorded_at"])
    assert visit["exited_at"] is None


def test_a_mere_suspicion_is_no_visit(
    citizen: Client, session: Session, organisation: Organisation
) -> None:
    """One vague position that may be inside is not shown as a stay."""
    make_geofence(session, make_place(session, organisation))
    session.commit()

    citizen.post("/v1/pings", json=ping(accuracy_m=150))

    assert session.scalars(select(Visit.phase)).all() == [Phase.ARRIVING]
    assert citizen.get("/v1/visits").json()["items"] == []


def test_visits_are_listed_newest_first_in_pages(
    citizen: Client, session: Session, organisation: Organisation
) -> None:
    """Several that began at the same moment too: no gaps, no repeats."""
    place = make_place(session, organisation)
    geofence = make_geofence(session, place)
    device_id = session.scalars(select(Device.id)).one()
    for minute in (0, 0, 0, 5, 5, 9, 1):
        at = NOON + timedelta(minutes=minute)
        session.add(
            Visit(
                id=uuid4(),
                device_id=device_id,
                geofence_id=geofence.id,
                place_id=place.id,
                organisation_id=organisation.id,
                phase=Phase.ENDED,
                phase_since=at,
                entered_at=at,
                seen_at=at,
                dwell_after=timedelta(minutes=5),
                exited_at=at + timedelta(minutes=1),
                exit_reason="silence",
                confidence=2,
                initial=False,
                due_at=at,
            )
        )
    session.commit()

    found: list[tuple[str, str]] = []
    next_: str | None = "/v1/visits?limit=2"
    while next_:
        page = citizen.get(next_).json()
        found += [(one["entered_at"], one["id"]) for one in page["items"]]
        next_ = page["next"]

    assert len(found) == len(set(found)) == 7
    assert found == sorted(found, reverse=True)
