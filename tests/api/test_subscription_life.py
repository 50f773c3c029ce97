"""The life of a subscription over HTTP: replaced, outdated, tested, ended, and how it is doing."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from fastapi import FastAPI
from httpx2 import Client
from pydantic import SecretStr
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from geoservices.accounts.models import Purpose
from geoservices.deliveries.models import Delivery
from geoservices.deliveries.receipts import receipt_key
from geoservices.deliveries.tokens import make_token
from geoservices.notifications.models import Notification
from geoservices.push.gateway import OutcomeKind
from geoservices.push.vapid import make_vapid_key, vapid_public_key
from geoservices.settings.service import Settings
from geoservices.subscriptions import service
from geoservices.subscriptions.models import Subscription
from tests.api import asking
from tests.api.conftest import agree
from tests.api.telling import send


@pytest.fixture
def key(citizen: Client) -> str:
    """The key the service pushes with."""
    told: str = citizen.get("/v1/push/key").json()["application_server_key"]
    return told


@pytest.fixture
def offered(key: str) -> dict[str, Any]:
    """What the citizen's browser gives out."""
    return asking.subscription(key)


@pytest.fixture
def subscribed(citizen: Client, offered: dict[str, Any]) -> dict[str, Any]:
    """The citizen's subscription, as it was answered."""
    made: dict[str, Any] = citizen.post("/v1/subscriptions", json=offered).json()
    return made


@pytest.fixture
def rotated(application: FastAPI, settings: Settings) -> Iterator[str]:
    """The present key of a service whose key of before is an old one now."""
    push = settings.push.model_copy(
        update={
            "vapid_private_key": SecretStr(make_vapid_key()),
            "vapid_old_private_keys": (settings.push.vapid_private_key,),
        }
    )
    before = application.state.push_key
    application.state.settings = settings.model_copy(update={"push": push})
    application.state.push_key = vapid_public_key(push)
    yield application.state.push_key
    application.state.settings, application.state.push_key = settings, before


def the_one(client: Client, *, ended: bool = False) -> dict[str, Any]:
    """The device's only subscription."""
    [found] = client.get("/v1/subscriptions", params={"ended": ended}).json()
    one: dict[str, Any] = found
    return one


def test_a_new_subscription_is_unproven(subscribed: dict[str, Any]) -> None:
    """Nothing was sent to it yet."""
    assert subscribed["health"] == "unproven"
    assert [subscribed[name] for name in subscribed if name.startswith(("last_", "ended_"))] == (
        [None] * 6
    )


def test_a_test_goes_the_way_of_every_notification(
    citizen: Client, session: Session, settings: Settings, subscribed: dict[str, Any], key: str
) -> None:
    """To that one browser alone; it is found among the notifications, and a receipt proves it."""
    citizen.post("/v1/subscriptions", json=asking.subscription(key))

    answer = citizen.post(f"/v1/subscriptions/{subscribed['id']}/test")

    assert answer.status_code == 202
    send(session, settings, OutcomeKind.ACCEPTED)
    [told] = citizen.get("/v1/notifications").json()["items"]
    assert told["id"] == answer.json()["notification_id"]
    assert (told["kind"], told["listing_id"], told["decision"]) == ("test", None, None)
    [delivery] = told["deliveries"]
    assert delivery["state"] == "accepted"
    [to] = session.scalars(select(Delivery.subscription_id))
    assert to == UUID(subscribed["id"])
    token = make_token(receipt_key(settings), UUID(delivery["id"]))
    said = {"token": token, "kind": "shown", "occurred_at": asking.now().isoformat()}
    citizen.post("/v1/receipts", json={"receipts": [said]})
    tested, other = citizen.get("/v1/subscriptions").json()
    assert (tested["health"], other["health"]) == ("working", "unproven")
    assert tested["last_accepted_at"] <= tested["last_shown_at"]


def test_tests_are_limited(
    citizen: Client, stranger: Client, session: Session, subscribed: dict[str, Any], key: str
) -> None:
    """Of all of a person's browsers together; the answer says how long to wait."""
    other = citizen.post("/v1/subscriptions", json=asking.subscription(key)).json()
    agree(stranger, Purpose.NEARBY)
    theirs = stranger.post("/v1/subscriptions", json=asking.subscription(key)).json()
    citizen.post(f"/v1/subscriptions/{subscribed['id']}/test")

    sooner = citizen.post(f"/v1/subscriptions/{other['id']}/test")

    assert sooner.status_code == 429
    assert sooner.json()["type"] == "/problems/too-many-tests"
    assert 1 <= int(sooner.headers["retry-after"]) <= 10
    assert session.scalar(select(func.count()).select_from(Notification)) == 1
    assert stranger.post(f"/v1/subscriptions/{theirs['id']}/test").status_code == 202
    session.execute(update(Notification).values(created_at=asking.now() - timedelta(seconds=11)))
    session.commit()
    assert citizen.post(f"/v1/subscriptions/{other['id']}/test").status_code == 202


def test_what_has_ended_is_not_tested(citizen: Client, subscribed: dict[str, Any]) -> None:
    """Nothing could come of it, and the limit is not used up."""
    citizen.delete(f"/v1/subscriptions/{subscribed['id']}")

    answer = citizen.post(f"/v1/subscriptions/{subscribed['id']}/test")

    assert answer.status_code == 409
    assert answer.json()["type"] == "/problems/subscription-ended"


def test_a_failure_is_told_in_plain_words(
    citizen: Client, session: Session, settings: Settings, subscribed: dict[str, Any]
) -> None:
    """Never in the push service's or the sender's."""
    citizen.post(f"/v1/subscriptions/{subscribed['id']}/test")
    send(session, settings, OutcomeKind.REFUSED)

    told = the_one(citizen)

    assert told["health"] == "failing"
    assert told["last_failure_at"]
    assert told["last_failure_reason"] == (
        "The last message could not be handed to your browser's push service."
    )


def test_why_a_subscription_ended_is_told_for_a_month(
    citizen: Client, stranger: Client, session: Session, subscribed: dict[str, Any]
) -> None:
    """To its owner, if asked for."""
    citizen.delete(f"/v1/subscriptions/{subscribed['id']}")

    told = the_one(citizen, ended=True)

    assert citizen.get("/v1/subscriptions").json() == []
    assert stranger.get("/v1/subscriptions", params={"ended": True}).json() == []
    assert (told["id"], told["health"]) == (subscribed["id"], "ended")
    assert told["ended_reason"] == "You switched notifications off in this browser."
    long_ago = asking.now() - service.ENDED_TOLD_FOR - timedelta(minutes=1)
    session.execute(update(Subscription).values(ended_at=long_ago))
    session.commit()
    assert citizen.get("/v1/subscriptions", params={"ended": True}).json() == []


def test_a_browser_with_a_new_endpoint_replaces_the_old_one(
    citizen: Client,
    session: Session,
    settings: Settings,
    subscribed: dict[str, Any],
    offered: dict[str, Any],
    key: str,
) -> None:
    """What was on its way to the old one reaches the new one."""
    citizen.post(f"/v1/subscriptions/{subscribed['id']}/test")

    made = citizen.post(
        "/v1/subscriptions", json=asking.subscription(key, replaces=offered["endpoint"])
    )

    assert made.status_code == 201
    assert the_one(citizen)["id"] == made.json()["id"]
    old, _new = citizen.get("/v1/subscriptions", params={"ended": True}).json()
    assert old["ended_reason"].startswith("The browser has a new subscription")
    send(session, settings, OutcomeKind.ACCEPTED)
    assert the_one(citizen)["last_accepted_at"]


@pytest.mark.parametrize("whose", ["nobody's", "a stranger's"])
def test_naming_what_is_not_yours_tells_nothing(
    citizen: Client, stranger: Client, offered: dict[str, Any], key: str, whose: str
) -> None:
    """The answer is the same, and nothing of the stranger's has changed."""
    theirs = asking.subscription(key)
    agree(stranger, Purpose.NEARBY)
    stranger.post("/v1/subscriptions", json=theirs)
    named = theirs["endpoint"] if whose == "a stranger's" else "https://nowhere.example/"

    made = citizen.post("/v1/subscriptions", json=offered | {"replaces": named})

    assert made.status_code == 201
    assert made.json() == the_one(citizen)
    assert the_one(stranger)["health"] == "unproven"


def test_a_new_key_loses_nobody(
    citizen: Client,
    session: Session,
    settings: Settings,
    subscribed: dict[str, Any],
    offered: dict[str, Any],
    rotated: str,
) -> None:
    """The old subscription is sent to until the browser has come back and subscribed anew."""
    outdated = the_one(citizen)
    citizen.post(f"/v1/subscriptions/{subscribed['id']}/test")
    send(session, settings, OutcomeKind.ACCEPTED)

    told = citizen.post("/v1/subscriptions", json=offered)
    kept = the_one(citizen)
    anew = asking.subscription(rotated, replaces=offered["endpoint"])
    made = citizen.post("/v1/subscriptions", json=anew)

    assert told.status_code == 409
    assert told.json()["type"] == "/problems/push-key-outdated"
    assert (outdated["health"], kept["health"]) == ("outdated-key", "outdated-key")
    assert kept["last_accepted_at"]
    assert kept["updated_at"] > subscribed["updated_at"]
    assert made.status_code == 201
    assert the_one(citizen)["id"] == made.json()["id"]
    assert made.json()["health"] == "unproven"
