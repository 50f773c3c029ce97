"""One offer and one event as people see them: whoever they are, before and after they have some."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from httpx2 import Client
from sqlalchemy.orm import Session

from geoservices.accounts.models import Organisation
from geoservices.places.models import Place
from tests.api import asking
from tests.factories import make_geofence, make_place
from tests.redeeming import code_of, offer, publish, scan


@pytest.fixture
def place(session: Session, organisation: Organisation) -> Place:
    """Exeter Library."""
    place = make_place(session, organisation)
    make_geofence(session, place)
    session.commit()
    return place


def seen(client: Client, kind: str, id_: str) -> dict[str, Any]:
    """What somebody sees of it."""
    answer = client.get(f"/v1/{kind}/{id_}")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def hindrance(client: Client, offer_id: str) -> tuple[str | None, bool]:
    """Why somebody could not have an offer now, and whether it says when that is over."""
    shown = seen(client, "offers", offer_id)
    return shown["refused_with"], shown["possible_at"] is not None


def test_an_offer_is_anyones_to_look_at_and_its_text_theirs_who_came(
    anyone: Client, citizen: Client, manager: Client, place: Place
) -> None:
    """From unknown and locked, by a code that waits, to redeemed."""
    terms = {"text": "At the café.", "terms": "One a day.", "per_person_renews": "daily"}
    offer_id = publish(manager, offer(place.id, evidence_needed="near", stock=1, **terms))
    unknown = seen(anyone, "offers", offer_id)
    citizen.post("/v1/check-ins", json=asking.check_in(place.id))
    unlocked = seen(citizen, "offers", offer_id)
    code = code_of(citizen, offer_id)
    waiting = seen(citizen, "offers", offer_id)
    for_others = hindrance(anyone, offer_id)
    scan(manager, code)
    redeemed = seen(citizen, "offers", offer_id)

    assert unknown["place"] == {
        "id": str(place.id),
        "name": "Exeter Library",
        "time_zone": "Europe/London",
    }
    assert (unknown["text"], unknown["terms"]) == (None, "One a day.")
    assert (unknown["refused_with"], unknown["yours"]) == ("offer-locked", None)
    assert (unlocked["text"], unlocked["refused_with"]) == ("At the café.", None)
    assert waiting["refused_with"] is None
    assert waiting["yours"]["redeemed_at"] is None
    assert waiting["yours"]["expires_at"] > asking.now().isoformat()
    assert for_others == ("offer-locked", False)
    assert redeemed["yours"]["id"] == waiting["yours"]["id"]
    assert redeemed["yours"]["redeemed_at"] is not None
    assert redeemed["refused_with"] == "offer-limit-reached"
    assert redeemed["possible_at"] > asking.now().isoformat()


def test_an_offer_says_when_it_is_on_and_that_nothing_is_left(
    anyone: Client, citizen: Client, manager: Client, place: Place
) -> None:
    """Of the week ahead; a piece that is kept for somebody may be free when their code ends."""
    begins = asking.now().replace(microsecond=0) - timedelta(hours=3)
    daily = {"window_length": "PT2H", "window_rule": "FREQ=DAILY"}
    windows = {"window_starts_at": begins.isoformat(), "starts_at": begins.isoformat(), **daily}
    later = publish(manager, offer(place.id, **windows))
    always = publish(manager, offer(place.id, stock=1))
    free = hindrance(anyone, always)
    code_of(citizen, always)

    spans = seen(anyone, "offers", later)["spans"]
    [on] = seen(anyone, "offers", always)["spans"]

    assert hindrance(anyone, later) == ("offer-not-on", True)
    assert [one["starts_at"] for one in spans] == [
        (begins + timedelta(days=days)).isoformat().replace("+00:00", "Z") for days in range(1, 8)
    ]
    assert on["ends_at"] is None
    assert free == (None, False)
    assert hindrance(anyone, always) == ("offer-used-up", True)
    assert hindrance(citizen, always) == (None, False)


def test_an_event_says_how_somebody_stands_at_each_time(
    anyone: Client, citizen: Client, manager: Client, place: Place
) -> None:
    """Nobody is known who only looks; whoever signed up sees at which time."""
    body = asking.listing(place.id, kind="event", title="Story time") | {
        "starts_at": asking.story_time(days=1),
        "length": "PT1H",
        "rule": "FREQ=DAILY",
        "time_zone": "UTC",
        "sign_up": "open",
        "capacity": 5,
        "reminders": ["PT2H"],
        "sign_up_closes": "PT1H",
        "text": "For the youngest.",
        "evidence_needed": "near",
    }
    event_id = publish(manager, body)
    told = {"starts_at": asking.story_time(days=2)}
    citizen.post(f"/v1/events/{event_id}/sign-ups", json=told)
    unknown = seen(anyone, "events", event_id)
    citizen.post("/v1/check-ins", json=asking.check_in(place.id))

    times = f"/v1/events/{event_id}/occurrences?limit=3"
    mine, others = (client.get(times).json() for client in (citizen, anyone))

    assert (unknown["place"]["name"], unknown["text"]) == ("Exeter Library", None)
    assert (unknown["capacity"], unknown["length"]) == (5, "PT1H")
    assert unknown["reminders"] == ["PT2H"]
    assert seen(citizen, "events", event_id)["text"] == "For the youngest."
    assert [one["yours"] and one["yours"]["state"] for one in mine] == [None, "going", None]
    assert [one["yours"] for one in others] == [None] * 3
    assert others[0]["sign_up_until"] < others[0]["starts_at"]
    [sign_up] = citizen.get("/v1/me/sign-ups").json()["items"]
    assert (sign_up["place_name"], sign_up["time_zone"]) == ("Exeter Library", "UTC")


@pytest.mark.parametrize("kind", ["offers", "events"])
def test_what_is_none_or_withdrawn_is_not_found(
    anyone: Client, manager: Client, place: Place, kind: str
) -> None:
    """And nothing is under the address of the other kind."""
    found = [publish(manager, offer(place.id, **told)) for told in ({}, {"kind": "event"})]
    withdrawn, other = found if kind == "offers" else reversed(found)
    manager.delete(f"/v1/listings/{withdrawn}")

    for id_ in (withdrawn, other, str(uuid4())):
        assert anyone.get(f"/v1/{kind}/{UUID(id_)}").status_code == 404
