"""Notifications over HTTP: why they were sent, and how they fared."""

from typing import Any
from uuid import uuid4

import pytest
from httpx2 import Client
from sqlalchemy.orm import Session

from geoservices.accounts.models import Organisation, Purpose
from geoservices.campaigns.rules import Trigger
from geoservices.push.gateway import OutcomeKind
from geoservices.settings.service import Settings
from tests.api.asking import check_in, subscription
from tests.api.telling import send, tell
from tests.factories import make_campaign, make_geofence, make_listing, make_place


@pytest.fixture
def told(
    citizen: Client, session: Session, organisation: Organisation, settings: Settings
) -> dict[str, Any]:
    """The notification of a citizen who subscribed, checked in and was told of an offer."""
    place = make_place(session, organisation)
    make_geofence(session, place)
    make_campaign(
        session,
        make_listing(session, place),
        trigger=Trigger.CHECKED_IN,
        purpose=Purpose.CHECK_IN_CONTENT,
    )
    session.commit()
    key = citizen.get("/v1/push/key").json()["application_server_key"]
    assert citizen.post("/v1/subscriptions", json=subscription(key)).status_code == 201
    assert citizen.post("/v1/check-ins", json=check_in(place.id)).status_code == 201
    assert tell(session, settings) == 1
    [notification] = citizen.get("/v1/notifications").json()["items"]
    found: dict[str, Any] = notification
    return found


def delivery_of(citizen: Client, told: dict[str, Any]) -> dict[str, Any]:
    """The notification's one delivery, as it stands now."""
    [delivery] = citizen.get(f"/v1/notifications/{told['id']}").json()["deliveries"]
    found: dict[str, Any] = delivery
    return found


def test_a_notification_tells_why_it_was_sent(citizen: Client, told: dict[str, Any]) -> None:
    """Its decision lists the gates that said yes; its delivery waits."""
    [delivery] = told["deliveries"]

    assert told["title"] == "Free hot drink"
    assert told["decision"]["gate"] is None
    assert told["decision"]["reason"]
    assert told["decision"]["gates_passed"][:2] == ["consent", "purpose"]
    assert (delivery["state"], delivery["attempts"], delivery["receipts"]) == ("queued", [], [])
    assert citizen.get(f"/v1/notifications/{told['id']}").json() == told


def test_every_attempt_is_told(
    citizen: Client, session: Session, told: dict[str, Any], settings: Settings
) -> None:
    """With number, outcome and the push service's status; 201 means accepted, not delivered."""
    send(session, settings, OutcomeKind.TRANSIENT, OutcomeKind.ACCEPTED)

    delivery = delivery_of(citizen, told)

    attempts = delivery["attempts"]
    assert [(one["number"], one["outcome"]) for one in attempts] == [
        (1, "transient"),
        (2, "accepted"),
    ]
    assert all(one["status"] == 201 and one["finished_at"] for one in attempts)
    assert delivery["state"] == "accepted"
    assert delivery["accepted_at"]


def test_an_ended_subscription_ends_the_delivery(
    citizen: Client, session: Session, told: dict[str, Any], settings: Settings
) -> None:
    """The browser is told no more, and must subscribe anew."""
    send(session, settings, OutcomeKind.GONE)

    assert delivery_of(citizen, told)["state"] == "gone"
    assert citizen.get("/v1/subscriptions").json() == []


def test_an_unknown_notification_is_not_found(citizen: Client) -> None:
    """As is one of someone else's (test_access.py)."""
    assert citizen.get(f"/v1/notifications/{uuid4()}").status_code == 404


def test_a_person_without_a_browser_still_finds_it_in_the_api(
    citizen: Client, session: Session, organisation: Organisation, settings: Settings
) -> None:
    """No subscription means no delivery, not no notification."""
    place = make_place(session, organisation)
    make_campaign(
        session,
        make_listing(session, place),
        trigger=Trigger.CHECKED_IN,
        purpose=Purpose.CHECK_IN_CONTENT,
        min_confidence=1,
    )
    session.commit()
    citizen.post("/v1/check-ins", json=check_in(place.id))
    tell(session, settings)

    [notification] = citizen.get("/v1/notifications").json()["items"]

    assert notification["deliveries"] == []
