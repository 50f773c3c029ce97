"""What the push service on loopback keeps: subscriptions, and ciphertext for them."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pydantic import BaseModel, Field


class Subscribing(BaseModel, frozen=True):
    """What a browser sends to subscribe; it keeps its own keys to itself."""

    application_server_key: str = Field(alias="applicationServerKey")


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message kept for a browser, encrypted."""

    id: str
    body: bytes
    ttl: timedelta
    urgency: str
    topic: str | None
    received_at: datetime
    expires_at: datetime


@dataclass(slots=True, kw_only=True)
class Subscription:
    """One browser's subscription and the messages that wait for it."""

    server_key: bytes
    ended: bool = False
    listeners: int = 0
    messages: dict[str, Message] = field(default_factory=dict)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    def waiting(self, *, at: datetime) -> list[Message]:
        """Return the messages that have not expired, oldest first."""
        return [message for message in self.messages.values() if message.expires_at > at]

    def keep(self, message: Message) -> None:
        """Keep a message in place of any with the same topic (RFC 8030 section 5.4)."""
        for old in list(self.messages.values()):
            if message.topic is not None and old.topic == message.topic:
                del self.messages[old.id]
        self.messages[message.id] = message
        self.arrived.set()
