"""Why somebody could not redeem what is offered at a place, over HTTP."""

from datetime import timedelta
from typing import Any

import pytest
from httpx2 import Client
from sqlalchemy.orm import Session

from geoservices.accounts.models import Organisation, Purpose
from geoservices.places.models import Place
from tests.api import asking
from tests.api.conftest import agree
from tests.factories import make_geofence, make_place
from tests.redeeming import ask_for_code, code_of, offer, publish, scan, self_service, take, told


@pytest.fixture
def place(session: Session, organisation: Organisation) -> Place:
    """Exeter Library."""
    place = make_place(session, organisation)
    make_geofence(session, place)
    session.commit()
    return place


def explained(phone: Client, place: Place) -> dict[str, tuple[str | None, str]]:
    """What is said of each offer there, by its id."""
    offers = phone.get(f"/v1/places/{place.id}/why-not").json()["offers"]
    return {one["listing_id"]: (one["refused_with"], one["in_words"]) for one in offers}


def test_each_refusal_is_told_before_it_is_met(
    manager: Client, stranger: Client, place: Place
) -> None:
    """From the missing consent to the limit; each time it is what asking is then refused with."""
    id_ = publish(manager, offer(place.id, evidence_needed="inside", per_person_renews="daily"))
    steps: list[tuple[str | None, str]] = []

    def look() -> None:
        steps.append(explained(stranger, place)[id_])
        asked = ask_for_code(stranger, id_)
        assert steps[-1][0] == (None if asked.is_success else told(asked)[1])

    look()
    agree(stranger, Purpose.CHECK_IN_CONTENT)
    look()
    stranger.post("/v1/check-ins", json=asking.check_in(place.id))
    look()
    look()
    scan(manager, code_of(stranger, id_))
    look()

    codes = ["consent-missing", "offer-locked", None, None, "offer-limit-reached"]
    assert [code for code, _ in steps] == codes
    assert "It needs a consent for check-in-content" in steps[0][1]
    assert steps[1][1] == (
        "The offer is locked. Check in at the place first. The offer asks for the evidence inside."
    )
    assert steps[2][1] == steps[3][1] == "You could redeem it now."
    assert " That is on " in steps[4][1]


@pytest.mark.parametrize(
    ("terms", "code", "words"),
    [
        ({"stock": 1}, "offer-used-up", "All of it has been redeemed."),
        (
            {
                "window_starts_at": (asking.now() + timedelta(days=1)).isoformat(),
                "window_length": "PT1H",
            },
            "offer-not-on",
            "That is on ",
        ),
    ],
)
def test_what_is_so_for_everybody(
    manager: Client,
    citizen: Client,
    place: Place,
    terms: dict[str, Any],
    code: str,
    words: str,
) -> None:
    """Nothing is left, or it is outside its hours."""
    id_ = publish(manager, offer(place.id, per_person=2, **terms))
    if "stock" in terms:
        scan(manager, code_of(citizen, id_))

    refused_with, in_words = explained(citizen, place)[id_]

    assert refused_with == code == told(ask_for_code(citizen, id_))[1]
    assert words in in_words


def test_offers_that_people_redeem_themselves(
    manager: Client, citizen: Client, place: Place
) -> None:
    """In the way of the offer, whichever that is; nothing but offers is told of."""
    id_ = publish(manager, self_service(place.id))
    publish(manager, offer(place.id, kind="event"))
    locked = explained(citizen, place)
    citizen.post("/v1/check-ins", json=asking.check_in(place.id))
    unlocked = explained(citizen, place)
    take(citizen, id_)

    assert [*locked] == [id_]
    assert (locked[id_][0], unlocked[id_][0]) == ("offer-locked", None)
    assert explained(citizen, place)[id_][0] == "offer-limit-reached"
