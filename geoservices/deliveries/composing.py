"""What a push says, within what a push may weigh."""

import json
from dataclasses import dataclass
from uuid import UUID

MAX_PAYLOAD_BYTES = 2641
"""Fits a 2,744-byte body: the least that any known push service takes (Firefox for Android)."""


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


def payload(message: Message, *, delivery_id: UUID) -> bytes:
    """Return the push payload: Declarative Web Push JSON that a service worker also reads.

    A body that would make the payload too heavy is shortened and ends in an ellipsis. There is
    no position in it, and nothing but what the screen will show.

    Args:
        message: What to say.
        delivery_id: Which delivery the service worker's receipts will speak of.

    Returns:
        UTF-8, at most `MAX_PAYLOAD_BYTES` long.

    Source:
        W3C Push API, declarative push messages; `web_push` is 8030 after RFC 8030.
    """
    body = message.body
    encoded = _encode(message, body, delivery_id)
    while len(encoded) > MAX_PAYLOAD_BYTES and body.strip("…"):
        excess = len(encoded) - MAX_PAYLOAD_BYTES
        shorter = body.rstrip("…")[: -max(1, excess // 4)]
        body = shorter.rstrip() + "…"
        encoded = _encode(message, body, delivery_id)
    return encoded


def _encode(message: Message, body: str, delivery_id: UUID) -> bytes:
    document = {
        "web_push": 8030,
        "notification": {
            "title": message.title,
            "body": body,
            "navigate": message.link,
            "tag": message.topic,
            "data": {"delivery_id": str(delivery_id)},
        },
    }
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
