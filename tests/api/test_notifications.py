"""Notifications over HTTP: why they were sent, how they fared, and what the browser says."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from httpx2 import Client
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from geoservices.accounts.models import Organisation, Purpose
from geoservices.campaigns.rules import Trigger
from geoservices.deliveries.models import Receipt
from geoservices.push.gateway import OutcomeKind
from geoservices.settings import Settings
from tests.api.asking import check_in, now, subscription
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


def say(citizen: Client, told: dict[str, Any], kind: str, **changes: Any) -> int:
    """Acknowledge the notification's one delivery and return the status."""
    delivery_id = told["deliveries"][0]["id"]
    return citizen.post(
        f"/v1/deliveries/{delivery_id}/receipts",
        json={"kind": kind, "occurred_at": now().isoformat(), **changes},
    ).status_code


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


@pytest.mark.parametrize(
    ("said", "state"),
    [
        pytest.param(["shown"], "shown", id="shown"),
        pytest.param(["shown", "shown"], "shown", id="shown, said twice"),
        pytest.param(["shown", "clicked"], "clicked", id="shown, then clicked"),
        pytest.param(["clicked", "shown"], "clicked", id="never back from clicked"),
        pytest.param(["dismissed", "shown"], "dismissed", id="never back from dismissed"),
        pytest.param(["clicked", "clicked", "shown"], "clicked", id="retries in any order"),
    ],
)
def test_receipts_move_a_delivery_forward_only(
    citizen: Client,
    session: Session,
    told: dict[str, Any],
    settings: Settings,
    said: list[str],
    state: str,
) -> None:
    """The same word twice counts once, and words may come in any order."""
    send(session, settings, OutcomeKind.ACCEPTED)

    statuses = [say(citizen, told, kind) for kind in said]

    delivery = delivery_of(citizen, told)
    assert statuses == [204] * len(said)
    assert delivery["state"] == state
    assert sorted(one["kind"] for one in delivery["receipts"]) == sorted(set(said))


def test_the_first_receipt_of_a_kind_is_kept(citizen: Client, told: dict[str, Any]) -> None:
    """A service worker that says it again later does not change when it happened."""
    first = (now() - timedelta(minutes=3)).isoformat().replace("+00:00", "Z")
    say(citizen, told, "shown", occurred_at=first)
    say(citizen, told, "shown")

    [receipt] = delivery_of(citizen, told)["receipts"]

    assert receipt["occurred_at"] == first


def test_a_receipt_from_the_future_is_taken_to_mean_now(
    citizen: Client, told: dict[str, Any]
) -> None:
    """The browser's clock is wrong; the notification was seen all the same."""
    assert say(citizen, told, "shown", occurred_at="2999-01-01T00:00:00Z") == 204

    [receipt] = delivery_of(citizen, told)["receipts"]
    assert receipt["occurred_at"] < (now() + timedelta(seconds=1)).isoformat()


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"kind": "eaten"}, id="no such kind"),
        pytest.param({"occurred_at": "yesterday"}, id="no time"),
        pytest.param({"occurred_at": "0001-01-01T00:00:00+14:00"}, id="before the calendar"),
        pytest.param({"person": 1}, id="an unknown member"),
    ],
)
def test_an_unreadable_receipt_is_refused(
    citizen: Client, session: Session, told: dict[str, Any], changes: dict[str, Any]
) -> None:
    """And nothing is stored."""
    assert say(citizen, told, **{"kind": "shown", **changes}) == 422
    assert session.scalar(select(func.count()).select_from(Receipt)) == 0


def test_a_receipt_for_someone_elses_delivery_is_not_found(
    stranger: Client, session: Session, told: dict[str, Any]
) -> None:
    """It looks like a delivery that does not exist."""
    assert say(stranger, told, "clicked") == 404
    assert session.scalar(select(func.count()).select_from(Receipt)) == 0


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
