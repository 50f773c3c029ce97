"""Receipts over HTTP: believed by their tokens alone, whoever brings them."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from httpx2 import Client, Response
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from api.schemas.receipts import MAX_BODY_BYTES, MAX_RECEIPTS
from geoservices.deliveries.models import Delivery, Receipt
from geoservices.deliveries.receipts import receipt_key
from geoservices.deliveries.states import DeliveryState
from geoservices.deliveries.tokens import make_token
from geoservices.settings.service import Settings
from tests.api import asking
from tests.api.asking import now
from tests.api.conftest import with_token
from tests.api.world import World, make_world


@pytest.fixture
def world(session: Session) -> World:
    """A citizen who was told of something ten minutes ago."""
    world = make_world(session)
    delivery = session.get_one(Delivery, world.ids["delivery_id"])
    delivery.created_at = now() - timedelta(minutes=10)
    session.commit()
    return world


@pytest.fixture
def token(world: World, settings: Settings) -> str:
    """What came with the push."""
    return token_of(world.ids["delivery_id"], settings)


def token_of(delivery_id: UUID, settings: Settings) -> str:
    """What would come with a delivery's push."""
    return make_token(receipt_key(settings), delivery_id)


def receipt(token: str, kind: str = "shown", /, **changes: Any) -> dict[str, Any]:
    """What a service worker says now."""
    return asking.receipt(**{"token": token, "kind": kind} | changes)


def say(client: Client, *receipts: object) -> Response:
    """Send receipts."""
    return client.post("/v1/receipts", json={"receipts": receipts})


def statuses(answer: Response) -> list[str]:
    """What came of each."""
    assert answer.status_code == 200
    return [result["status"] for result in answer.json()["results"]]


def stored(session: Session) -> int:
    """How many receipts there are."""
    return session.scalars(select(func.count()).select_from(Receipt)).one()


def test_receipts_are_taken_from_whoever_holds_their_token(
    anyone: Client, world: World, token: str
) -> None:
    """The person sees what was said; a click is the last word, and again changes nothing."""
    said = [receipt(token, kind) for kind in ("clicked", "shown", "clicked")]

    first = statuses(say(anyone, *said))
    again = statuses(say(with_token(anyone, "gsd_made-up"), *said))

    owner = with_token(anyone, world.token)
    [delivery] = owner.get(f"/v1/notifications/{world.ids['notification_id']}").json()["deliveries"]
    assert first == again == ["taken"] * 3
    assert delivery["state"] == "clicked"
    assert sorted(one["kind"] for one in delivery["receipts"]) == ["clicked", "shown"]


def test_each_receipt_has_its_own_answer_in_order(
    anyone: Client, session: Session, token: str, settings: Settings
) -> None:
    """Made up, sealed by nobody, of a delivery that is no more: unknown, and nothing is stored."""
    unknown = ["x", "é" * 44, token[:-1] + "!", token_of(uuid4(), settings)]

    answer = say(anyone, *(receipt(one) for one in unknown), receipt(token))

    assert statuses(answer) == ["unknown"] * 4 + ["taken"]
    assert stored(session) == 1


def test_a_receipt_may_be_late(anyone: Client, session: Session, world: World, token: str) -> None:
    """The phone was off for weeks; after 28 days nobody asks any more."""
    delivery = session.get_one(Delivery, world.ids["delivery_id"])
    answers = []
    for days in (28.01, 27.99):
        delivery.created_at = now() - timedelta(days=days)
        session.commit()
        answers += statuses(say(anyone, receipt(token)))

    assert answers == ["unknown", "taken"]


@pytest.mark.parametrize(
    ("told", "at_least", "at_most"),
    [
        pytest.param("2999-01-01T00:00:00Z", -1, 1, id="a clock that is ahead"),
        pytest.param("1970-01-01T00:00:00Z", -600.5, -599, id="a clock that is behind"),
    ],
)
def test_a_wrong_clock_is_set_right(
    anyone: Client, session: Session, token: str, told: str, at_least: float, at_most: float
) -> None:
    """The notification was seen all the same: after it was made, and before now."""
    say(anyone, receipt(token, occurred_at=told))

    [occurred_at] = session.scalars(select(Receipt.occurred_at))
    assert at_least <= (occurred_at - now()).total_seconds() <= at_most


@pytest.mark.parametrize("state", [DeliveryState.SENDING, DeliveryState.FAILED])
def test_what_was_shown_was_accepted(
    anyone: Client, session: Session, world: World, token: str, state: DeliveryState
) -> None:
    """Whatever the answer of the push service was, if it gave one."""
    delivery = session.get_one(Delivery, world.ids["delivery_id"])
    delivery.state, delivery.accepted_at = state, None
    session.commit()

    say(anyone, receipt(token, "dismissed"))

    session.refresh(delivery)
    assert delivery.state == DeliveryState.DISMISSED
    assert delivery.accepted_at is not None


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        pytest.param({"kind": "eaten"}, "/receipts/1/kind", id="no such kind"),
        pytest.param({"occurred_at": "yesterday"}, "/receipts/1/occurred_at", id="no time"),
        pytest.param(
            {"occurred_at": "0001-01-01T00:00:00+14:00"},
            "/receipts/1/occurred_at",
            id="before the calendar",
        ),
        pytest.param({"token": ""}, "/receipts/1/token", id="no token"),
        pytest.param({"token": "x" * 201}, "/receipts/1/token", id="a token without end"),
        pytest.param({"token": 1}, "/receipts/1/token", id="a number"),
        pytest.param({"person": 1}, "/receipts/1/person", id="an unknown member"),
    ],
)
def test_an_unreadable_receipt_is_refused(
    anyone: Client, session: Session, token: str, changes: dict[str, Any], field: str
) -> None:
    """And nothing is stored, not even the one before it."""
    answer = say(anyone, receipt(token), receipt(token, **changes))

    assert answer.status_code == 422
    assert [fault["field"] for fault in answer.json()["errors"]] == [field]
    assert stored(session) == 0


@pytest.mark.parametrize("count", [0, MAX_RECEIPTS + 1])
def test_a_batch_has_one_to_a_hundred(
    anyone: Client, session: Session, token: str, count: int
) -> None:
    """So many may gather in a service worker that was offline; it sends the rest after them."""
    assert say(anyone, *[receipt(token)] * count).status_code == 422
    assert stored(session) == 0


def test_a_hundred_receipts_fit(anyone: Client, token: str) -> None:
    """With room to spare for how they are written."""
    said = [receipt("\u00fc" * 200, "dismissed")] * (MAX_RECEIPTS - 1)

    assert statuses(say(anyone, *said, receipt(token))).count("taken") == 1


def test_a_long_body_is_not_read(anyone: Client) -> None:
    """Nobody needs a token here, so less is taken than elsewhere."""
    body = b'{"receipts": [' + b" " * MAX_BODY_BYTES + b"]}"

    answer = anyone.post("/v1/receipts", content=body, headers={"Content-Type": "application/json"})

    assert answer.status_code == 413
    assert answer.json()["detail"] == f"At most {MAX_BODY_BYTES} bytes are taken."
