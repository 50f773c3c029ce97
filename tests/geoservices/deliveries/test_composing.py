"""What a push says: always valid, always light enough, never a position."""

import json
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from geoservices.deliveries.composing import MAX_PAYLOAD_BYTES, Message, payload

LINK = "https://services.devon.example/notifications/5f0c7a52-2c1e-4b0e-8f6f-5f3b8b0a1c2d"
MEMBERS = {"web_push", "notification", "title", "body", "navigate", "tag", "data", "delivery_id"}


def message(title: str = "Free hot drink", body: str = "Come in.") -> Message:
    """A message with a link of the usual length."""
    return Message(notification_id=uuid4(), title=title, body=body, link=LINK)


def read(encoded: bytes) -> dict[str, Any]:
    """Read a payload as a service worker does."""
    document = json.loads(encoded)
    assert isinstance(document, dict)
    return document


def members(document: object) -> set[str]:
    """Every member's name, however deep."""
    if not isinstance(document, dict):
        return set()
    return set(document) | {name for value in document.values() for name in members(value)}


def test_a_payload_is_a_declarative_push_message() -> None:
    """What the W3C draft asks for, and what the service worker's receipts need."""
    delivery_id = uuid4()
    told = message()

    document = read(payload(told, delivery_id=delivery_id))

    assert document == {
        "web_push": 8030,
        "notification": {
            "title": "Free hot drink",
            "body": "Come in.",
            "navigate": LINK,
            "tag": told.notification_id.hex,
            "data": {"delivery_id": str(delivery_id)},
        },
    }


def test_two_copies_of_one_notification_replace_each_other() -> None:
    """Topic and tag are the notification's, whatever the delivery: 32 characters at most."""
    told = message()

    tags = {read(payload(told, delivery_id=uuid4()))["notification"]["tag"] for _ in range(2)}

    assert tags == {told.topic}
    assert len(told.topic) == 32
    assert UUID(told.topic) == told.notification_id


@given(st.text(max_size=120), st.text(max_size=500))
@example("\x1f" * 120, "\x1f" * 500)
@example("😀" * 120, "😀" * 500)
@example('"' * 120, "\\" * 500)
@example("…" * 120, "…" * 500)
@example("", " " * 500)
def test_a_payload_never_weighs_too_much(title: str, body: str) -> None:
    """The longest texts that the tables take, in the characters that weigh most."""
    told = message(title, body)

    encoded = payload(told, delivery_id=uuid4())

    shown = read(encoded)["notification"]
    assert len(encoded) <= MAX_PAYLOAD_BYTES
    assert shown["title"] == title
    assert shown["body"] == body or body.startswith(shown["body"].removesuffix("…"))


@given(st.text(max_size=120), st.text(max_size=500))
def test_a_payload_holds_nothing_but_what_the_screen_shows(title: str, body: str) -> None:
    """No position, no coordinates, no name of the person: the members are these."""
    document = read(payload(message(title, body), delivery_id=uuid4()))

    assert members(document) == MEMBERS


@pytest.mark.parametrize(
    "body",
    [
        pytest.param("word " * 700, id="words"),
        pytest.param("é" * 3000, id="two bytes each"),
        pytest.param("😀" * 1500, id="four bytes each"),
    ],
)
def test_a_long_body_is_shortened_no_more_than_needed(body: str) -> None:
    """It ends in an ellipsis, and hardly any room is wasted."""
    encoded = payload(message(body=body), delivery_id=uuid4())

    shown = read(encoded)["notification"]["body"]
    assert shown.endswith("…")
    assert not shown.endswith(" …")
    assert MAX_PAYLOAD_BYTES - 12 <= len(encoded) <= MAX_PAYLOAD_BYTES


def test_a_body_that_fits_is_left_as_it_is() -> None:
    """Its own ellipses and blanks too."""
    body = "Wait for it …  "

    assert read(payload(message(body=body), delivery_id=uuid4()))["notification"]["body"] == body
