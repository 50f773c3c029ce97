"""What a push says, within what a push may weigh."""

import json
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from geoservices.characters import ELLIPSIS, cut

MAX_PAYLOAD_BYTES: Final = 2641
"""Fits a 2,744-byte body: the least that any known push service takes (Firefox for Android)."""
MAX_LINK_BYTES: Final = 2000
"""The longest link, so that there is always room for a title."""
SHORT_TITLE_BYTES: Final = 120
"""The longest title of the short form; as much in all as 40 characters of three bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One notification as a person reads it; `link` opens what it is about."""

    notification_id: UUID
    title: str
    body: str
    link: str

    @property
    def topic(self) -> str:
        """The notification's identity: the push `Topic` and the `tag` on screen (32 hex digits).

        A second copy, sent because the first's fate was not known, replaces the first.
        """
        return self.notification_id.hex


def payload(message: Message, *, receipt: str, short: bool = False) -> bytes:
    """Return the push payload: Declarative Web Push JSON that a service worker also reads.

    A title or body that would make the payload too heavy is cut between two characters as
    people see them, and ends in an ellipsis. There is no position in it, and nothing but what
    the screen will show.

    Args:
        message: What to say; its link weighs at most `MAX_LINK_BYTES` within JSON.
        receipt: The token with which the service worker will say what became of it.
        short: Leave the body out and shorten the title, for a push service that takes less
            than all known ones do. Tag, link and receipt stay.

    Returns:
        UTF-8, at most `MAX_PAYLOAD_BYTES` long.

    Source:
        W3C Push API, declarative push messages; `web_push` is 8030 after RFC 8030.
    """
    shown: dict[str, str | dict[str, str]] = {
        "title": "",
        **({} if short else {"body": ""}),
        "navigate": message.link,
        "tag": message.topic,
        "data": {"receipt": receipt},
    }
    # A service worker may show it otherwise: mark it as seen when the app is open, say.
    document = {"web_push": 8030, "mutable": True, "notification": shown}
    if not short:
        shown.update(title=message.title, body=message.body)
        if len(whole := _encode(document)) <= MAX_PAYLOAD_BYTES:
            return whole
        shown.update(title="", body="")
    room = MAX_PAYLOAD_BYTES - len(_encode(document))
    title = shorten(message.title, min(room, SHORT_TITLE_BYTES) if short else room)
    shown["title"] = title
    if not short:
        shown["body"] = shorten(message.body, room - _weight(title))
    return _encode(document)


def shorten(text: str, room: int) -> str:
    """Return a text, cut to weigh at most `room` bytes of JSON in UTF-8.

    It is cut between two characters as people see them (`characters.cut`).
    """
    if _weight(text) <= room:
        return text
    room -= _weight(ELLIPSIS)
    if room < 0:
        return ""
    length = 0
    while (room := room - _weight(text[length])) >= 0:
        length += 1
    return cut(text, length)


def _weight(text: str) -> int:
    """Return how many bytes a text weighs within JSON, without its quotation marks."""
    return len(_encode(text)) - 2


def _encode(value: Any) -> bytes:  # noqa: ANN401  # Whatever JSON there is.
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
