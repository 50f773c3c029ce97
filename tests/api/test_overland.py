"""Overland over HTTP: batches of any length, answered so that the app lets go of them."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from httpx2 import Client
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from geoservices import withdrawing
from geoservices.accounts.models import Organisation, Purpose
from geoservices.phones.models import PhoneApp
from geoservices.pings.models import Ping
from geoservices.settings.service import Settings
from geoservices.visits.models import Transition
from tests.api.asking import now
from tests.api.conftest import with_token
from tests.api.phoning import Phone, dump, feature, make_phone
from tests.factories import EXETER, make_device, make_person


@pytest.fixture
def phone(anyone: Client, session: Session, organisation: Organisation) -> Phone:
    """A citizen's phone with Overland; they agreed to what is nearby."""
    return make_phone(anyone, session, organisation, PhoneApp.OVERLAND, Purpose.NEARBY)


def pings(session: Session) -> int:
    """How many pings are stored."""
    return session.scalars(select(func.count()).select_from(Ping)).one()


def walk(count: int, *, over_s: float = 3600) -> list[dict[str, Any]]:
    """Features of an hour that ends now, a few metres apart."""
    steps = [feature(over_s - over_s * step / count) for step in range(count)]
    for step, one in enumerate(steps):
        one["geometry"] = {"type": "Point", "coordinates": [EXETER[0], EXETER[1] + step / 1e7]}
        one["properties"]["speed"] = step
    return steps


def test_a_batch_is_stored_and_followed(phone: Phone, session: Session) -> None:
    """And answered with the words that make the app forget it."""
    answer = phone.overland(*walk(20))

    assert answer.json() == {"result": "ok", "stored": 20, "dropped": 0}
    kinds = session.scalars(select(Transition.kind).order_by(Transition.occurred_at)).all()
    assert kinds == ["entered", "dwelled"]


def test_sent_again_nothing_happens_twice(phone: Phone, session: Session) -> None:
    """As when the answer was lost."""
    batch = walk(20)
    phone.overland(*batch)

    again = phone.overland(*batch)

    assert again.json() == {"result": "ok", "stored": 20, "dropped": 0}
    assert pings(session) == 20


def test_a_batch_may_be_longer_than_ours(
    phone: Phone, session: Session, settings: Settings
) -> None:
    """The app cannot send less at once than it was set to; order within it does not matter."""
    batch = walk(settings.intake.max_batch + 500)

    answer = phone.overland(*reversed(batch))

    assert answer.json()["stored"] == len(batch)
    assert pings(session) == len(batch)
    entered = session.scalars(select(Transition).where(Transition.kind == "entered")).one()
    assert (now() - entered.occurred_at).total_seconds() > 3590


def test_bad_features_are_counted_and_good_ones_stored(
    phone: Phone, session: Session, logged: Callable[[], str]
) -> None:
    """The app would send all of them again for ever."""
    nowhere = {**feature(), "geometry": {"type": "Point", "coordinates": [999, 50.7251234]}}

    answer = phone.overland(
        feature(30),
        None,
        nowhere,
        feature(-3600),
        feature(9 * 86400),
        feature(20, horizontal_accuracy=-1),
        feature(10, action="visit"),
        feature(),
    )

    assert answer.json() == {"result": "ok", "stored": 2, "dropped": 5}
    [line] = [one for one in map(json.loads, logged().splitlines()) if "reasons" in one]
    assert line["reasons"] == {
        "not-an-object": 1,
        "position-out-of-range": 1,
        "recorded-in-the-future": 1,
        "recorded-too-long-ago": 1,
        "position-invalid": 1,
    }
    assert "50.7251234" not in logged()
    assert pings(session) == 2


def test_the_newest_position_waits_for_its_batch(phone: Phone, session: Session) -> None:
    """Taken out of turn, it would make the backlog late; nothing of a trip is kept either."""
    answer = phone.overland(
        feature(600),
        current=feature(),
        trip={"distance": 5, "start_location": feature(900), "mode": "walk"},
    )

    assert answer.json()["stored"] == 1
    assert phone.overland(feature(300)).json()["stored"] == 1
    assert len(session.scalars(select(Transition)).all()) >= 1


def test_an_empty_batch_is_nothing(phone: Phone) -> None:
    """And no fault."""
    assert phone.overland().json() == {"result": "ok", "stored": 0, "dropped": 0}


def test_a_batch_that_no_app_would_send_is_refused(phone: Phone, session: Session) -> None:
    """It is not read item by item for minutes."""
    answer = phone.overland(*[{}] * 10_001)

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["rule"] == "too-long"
    assert phone.overland(*[{}] * 10_000).json()["dropped"] == 10_000
    assert pings(session) == 0


@pytest.mark.parametrize(
    "body", [{}, [], {"locations": {}}, {"locations": None}, "x", {"_type": "location"}]
)
def test_what_is_no_batch_is_refused(phone: Phone, body: object) -> None:
    """So that the app keeps what it has and shows the fault."""
    answer = phone.client.post(
        "/v1/overland", json=body, headers={"Authorization": f"Bearer {phone.token}"}
    )

    assert answer.status_code == 422
    assert answer.json()["field"] == "/locations"


def test_without_consent_the_app_forgets_and_nothing_is_stored(
    phone: Phone, session: Session, logged: Callable[[], str]
) -> None:
    """Kept on the phone, it would come in once they agree."""
    withdrawing.withdraw_consent(session, phone.person, Purpose.NEARBY, at=now())
    session.commit()

    answer = phone.overland(*walk(3))

    assert answer.json() == {"result": "ok", "stored": 0, "dropped": 3}
    assert '"consent-missing": 3' in logged()
    assert pings(session) == 0


def test_a_phone_of_places_only_is_answered_and_leaves_nothing(
    anyone: Client, session: Session, organisation: Organisation
) -> None:
    """Overland knows no places, so nothing comes of it."""
    phone = make_phone(
        anyone, session, organisation, PhoneApp.OVERLAND, Purpose.NEARBY, places_only=True
    )
    one = {**feature(), "geometry": {"type": "Point", "coordinates": [-3.5312345, 50.7251234]}}

    answer = phone.overland(one)

    assert answer.json() == {"result": "ok", "stored": 0, "dropped": 0}
    assert "50.725123" not in dump(session)


def test_the_devices_own_token_will_do(anyone: Client, session: Session) -> None:
    """It can do more than this anyway."""
    _device, token = make_device(session, make_person(session, Purpose.NEARBY))
    session.commit()

    answer = with_token(anyone, token).post("/v1/overland", json={"locations": [feature()]})

    assert answer.json()["stored"] == 1


def test_another_apps_token_will_not(phone: Phone) -> None:
    """Nor none."""
    bearer = {"Authorization": f"Bearer {phone.token}"}

    assert phone.client.post("/v1/overland", json={"locations": []}).status_code == 401
    assert phone.client.post("/v1/owntracks", json={}, headers=bearer).status_code == 401
    assert phone.client.get("/v1/osmand", params={"id": phone.token}).status_code == 401
