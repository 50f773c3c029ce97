"""What a push says: always valid, always light enough, never a position."""

import json
import unicodedata
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from geoservices.deliveries.composing import (
    MAX_LINK_BYTES,
    MAX_PAYLOAD_BYTES,
    SHORT_TITLE_BYTES,
    Message,
    payload,
    shorten,
)
from geoservices.deliveries.tokens import make_token

LINK = "https://services.devon.example/notifications/5f0c7a52-2c1e-4b0e-8f6f-5f3b8b0a1c2d"
RECEIPT = make_token(b"k" * 32, UUID("5f0c7a52-2c1e-4b0e-8f6f-5f3b8b0a1c2d"))
MEMBERS = {
    "web_push",
    "mutable",
    "notification",
    "title",
    "body",
    "navigate",
    "tag",
    "data",
    "receipt",
}
LONG = st.text(max_size=120) | st.text(max_size=20).map(lambda text: text * 100)
LINKS = st.text(max_size=200).map(lambda text: f"https://devon.example/{text}")
JOINED = "\N{ZERO WIDTH JOINER}"
PARTS = st.sampled_from(
    [
        "e\u0301",
        "a\u0308\u0323",
        "👍🏽",
        f"👩{JOINED}👩{JOINED}👧",
        "🇬🇧",
        "❤\ufe0f",
        "नि",
        "x",
        " ",
        '"',
    ]
)


def message(title: str = "Free hot drink", body: str = "Come in.", link: str = LINK) -> Message:
    """A message, by default with a link of the usual length."""
    return Message(notification_id=uuid4(), title=title, body=body, link=link)


def read(encoded: bytes) -> dict[str, Any]:
    """Read a payload as a service worker does."""
    document = json.loads(encoded.decode())
    assert isinstance(document, dict)
    return document


def shown(told: Message, *, short: bool = False) -> dict[str, Any]:
    """What a message shows."""
    notification = read(payload(told, receipt=RECEIPT, short=short))["notification"]
    assert isinstance(notification, dict)
    return notification


def members(document: object) -> set[str]:
    """Every member's name, however deep."""
    if not isinstance(document, dict):
        return set()
    return set(document) | {name for value in document.values() for name in members(value)}


def test_a_payload_is_a_declarative_push_message() -> None:
    """What the W3C draft asks for, and what the service worker's receipts need."""
    told = message()

    document = read(payload(told, receipt=RECEIPT))

    assert document == {
        "web_push": 8030,
        "mutable": True,
        "notification": {
            "title": "Free hot drink",
            "body": "Come in.",
            "navigate": LINK,
            "tag": told.notification_id.hex,
            "data": {"receipt": RECEIPT},
        },
    }


def test_two_copies_of_one_notification_replace_each_other() -> None:
    """Topic and tag are the notification's, whatever the form: 32 characters at most."""
    told = message()

    tags = {shown(told, short=short)["tag"] for short in (False, True)}

    assert tags == {told.topic}
    assert len(told.topic) == 32
    assert UUID(told.topic) == told.notification_id


@given(LONG, LONG, LINKS, st.sampled_from(["whole", "short"]))
@example("\x1f" * 120, "\x1f" * 500, LINK, "whole")
@example("😀" * 120, "😀" * 500, LINK, "whole")
@example('"' * 120, "\\" * 500, LINK, "whole")
@example("…" * 120, "…" * 500, LINK, "whole")
@example("", " " * 500, LINK, "whole")
@example("\x1f" * 120, "", "x" * MAX_LINK_BYTES, "whole")
@example("\x1f" * 120, "", "x" * MAX_LINK_BYTES, "short")
def test_a_payload_is_valid_and_never_weighs_too_much(
    title: str, body: str, link: str, form: str
) -> None:
    """Whatever is to be said: every member that is needed is there, and the identity is kept."""
    told = message(title, body, link)

    encoded = payload(told, receipt=RECEIPT, short=form == "short")

    document = read(encoded)
    notification = document["notification"]
    assert len(encoded) <= MAX_PAYLOAD_BYTES
    assert (document["web_push"], document["mutable"]) == (8030, True)
    assert notification["navigate"] == link
    assert (notification["tag"], notification["data"]) == (told.topic, {"receipt": RECEIPT})
    for name, whole in (("title", title), ("body", body)):
        said = notification.get(name, "")
        assert said == whole or whole.startswith(said.removesuffix("…"))
    assert bool(notification["title"]) == bool(title)


@given(st.text(min_size=1, max_size=120), st.text(max_size=500))
@example("\x1f" * 120, "\x1f" * 500)
def test_whatever_the_tables_take_keeps_its_title(title: str, body: str) -> None:
    """It is the body that is cut."""
    assert shown(message(title, body))["title"] == title


@given(st.text(max_size=120), st.text(max_size=500))
def test_a_payload_holds_nothing_but_what_the_screen_shows(title: str, body: str) -> None:
    """No position, no coordinates, no name of the person: the members are these."""
    told = message(title, body)

    assert members(read(payload(told, receipt=RECEIPT))) == MEMBERS
    assert members(read(payload(told, receipt=RECEIPT, short=True))) == MEMBERS - {"body"}


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
    encoded = payload(message(body=body), receipt=RECEIPT)

    said = read(encoded)["notification"]["body"]
    assert said.endswith("…")
    assert not said.endswith(" …")
    assert MAX_PAYLOAD_BYTES - 12 <= len(encoded) <= MAX_PAYLOAD_BYTES


def test_a_body_that_fits_is_left_as_it_is() -> None:
    """Its own ellipses and blanks too."""
    body = "Wait for it …  "

    assert shown(message(body=body))["body"] == body


@pytest.mark.parametrize(
    ("title", "said"),
    [
        pytest.param("Free hot drink", "Free hot drink", id="a short title stays"),
        pytest.param("word " * 25, "word " * 23 + "wo…", id="a long one is cut"),
        pytest.param("é" * 120, "é" * 58 + "…", id="by its bytes"),
    ],
)
def test_the_short_form_is_title_and_link(title: str, said: str) -> None:
    """Some 400 bytes, whatever the message."""
    told = message(title, "A long story. " * 30)

    encoded = payload(told, receipt=RECEIPT, short=True)

    assert read(encoded)["notification"]["title"] == said
    assert len(encoded) <= 300 + SHORT_TITLE_BYTES


@given(st.lists(PARTS, max_size=40), st.integers(0, 200))
def test_a_text_is_cut_between_characters_as_people_see_them(parts: list[str], room: int) -> None:
    """No letter without its accent, half a flag, or a family that has lost a child."""
    text = "".join(parts)

    said = shorten(text, room)

    whole = {"".join(parts[:count]).rstrip() for count in range(len(parts) + 1)}
    assert len(json.dumps(said, ensure_ascii=False).encode()) - 2 <= room
    assert said in ("", text) or said.removesuffix("…") in whole


@given(st.text(), st.integers(-50, 300))
def test_no_text_is_cut_before_a_mark(text: str, room: int) -> None:
    """Whatever the text is, and even where there is no room at all."""
    said = shorten(text, room)

    kept = len(said) - 1
    assert said in ("", text) or not unicodedata.category(text[kept]).startswith("M") or kept == 0
