"""Sending: one encrypted POST for each delivery, and what came of it.

`WebPushGateway` turns envelopes into requests (RFC 8030, RFC 8291, RFC 8292) and answers into
outcomes. It never follows a redirect, never waits beyond its deadline, never reads a long
answer, and only ever connects to addresses that it has checked.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from threading import Lock
from typing import Final, Protocol
from uuid import UUID

import structlog

from geoservices import clock
from geoservices.push.answers import VAPID_REFUSED, Outcome, OutcomeKind, read_answer
from geoservices.push.encryption import MAX_PAYLOAD_BYTES, encrypt
from geoservices.push.endpoints import (
    AUTH_LENGTH,
    P256DH_LENGTH,
    EndpointRefused,
    check_endpoint,
)
from geoservices.push.exchanges import Answer, Ending, NoAnswer, Post
from geoservices.push.names import AddressNotPublic, LookUp, Names, look_up
from geoservices.push.transport import Transport
from geoservices.push.vapid import Clock, VapidTokens, vapid_public_keys
from geoservices.settings.sending import PushSettings

__all__ = ["Envelope", "Outcome", "OutcomeKind", "PushGateway", "WebPushGateway"]

# Windows refuses a TTL of 0, and a shorter one than this loses a phone that changes networks.
MIN_TTL: Final = timedelta(seconds=60)

URGENCIES: Final = frozenset({"very-low", "low", "normal", "high"})
_TOPIC = re.compile(r"[A-Za-z0-9_-]{1,32}")
# What libcurl would add of its own accord is taken away.
_SAME_FOR_ALL: Final = (
    "Accept:",
    "Accept-Encoding: identity",
    "Content-Encoding: aes128gcm",
    "Content-Type: application/octet-stream",
    "Expect:",
)

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """One message to one subscription, ready to be encrypted and posted.

    `vapid_key` is the public key that the subscription was made with, and is bound to for life.
    `ttl` is the time left until the message's own deadline, worked out anew for each attempt.
    What would let others push or read stays out of its `repr`, and so out of logs.
    """

    delivery_id: UUID
    endpoint: str = field(repr=False)
    p256dh: bytes = field(repr=False)
    auth: bytes = field(repr=False)
    vapid_key: str
    payload: bytes = field(repr=False)
    ttl: timedelta
    urgency: str
    topic: str


class PushGateway(Protocol):
    """Whatever can send envelopes."""

    def send(self, envelopes: Sequence[Envelope]) -> list[Outcome]:
        """Make one attempt at each and return the outcomes in the same order."""


class WebPushGateway:
    """Sends envelopes to the browsers' push services.

    Make one in each process, after forking, and keep it: its connections serve from one call to
    the next. Two threads that call it take turns. `look_up` and `now` are given by tests.
    """

    def __init__(
        self, settings: PushSettings, *, look_up: LookUp = look_up, now: Clock = clock.now
    ) -> None:
        self._settings = settings
        self._now = now
        self._keys = vapid_public_keys(settings)
        self._tokens = VapidTokens(settings, now=now)
        names = Names(look_up, allow_loopback=settings.allow_loopback, now=now)
        self._transport = Transport(settings, names)
        self._turn = Lock()

    def send(self, envelopes: Sequence[Envelope]) -> list[Outcome]:
        """Make one attempt at each envelope and return the outcomes in the same order.

        Up to `settings.concurrency` are under way at once, each for `settings.timeout` at most,
        so n of them take no longer than ceil(n / concurrency) timeouts: the caller's lease has
        to cover that. An envelope that cannot be sent harms no other.
        """
        outcomes: dict[int, Outcome] = {}
        with self._turn:
            for number, ending in self._transport.exchange(self._posts(envelopes, outcomes)):
                outcomes[number] = self._read(envelopes[number], ending)
        return [outcomes[number] for number in range(len(envelopes))]

    def _posts(
        self, envelopes: Sequence[Envelope], outcomes: dict[int, Outcome]
    ) -> Iterator[tuple[int, Post]]:
        """Turn envelopes into requests one by one; what cannot be sent gets its outcome at once."""
        for number, envelope in enumerate(envelopes):
            try:
                made = self._prepare(envelope)
            except Exception as error:  # noqa: BLE001 - One envelope harms no other.
                made = _broke(envelope, error)
            if isinstance(made, Post):
                yield number, made
            else:
                outcomes[number] = made

    def _prepare(self, envelope: Envelope) -> Post | Outcome:
        if envelope.ttl <= timedelta(0):
            return Outcome(kind=OutcomeKind.EXPIRED, reason="expired")
        fault = _fault_of(envelope, self._settings)
        if envelope.vapid_key not in self._keys:
            fault = "vapid-key-unknown"
        if fault is not None:
            return Outcome(kind=OutcomeKind.REFUSED, reason=fault)
        try:
            body = encrypt(envelope.payload, p256dh=envelope.p256dh, auth=envelope.auth)
        except ValueError:
            return Outcome(kind=OutcomeKind.REFUSED, reason="keys-unusable")
        return Post(envelope.endpoint, self._headers(envelope), body)

    def _headers(self, envelope: Envelope) -> list[str]:
        """Return the headers of RFC 8030 section 5.2 to 5.4, RFC 8291 section 4, RFC 8292."""
        return [
            f"Authorization: {self._tokens.header_for(envelope.endpoint, envelope.vapid_key)}",
            f"TTL: {int(max(envelope.ttl, MIN_TTL).total_seconds())}",
            f"Topic: {envelope.topic}",
            f"Urgency: {envelope.urgency}",
            *_SAME_FOR_ALL,
        ]

    def _read(self, envelope: Envelope, ending: Ending) -> Outcome:
        match ending:
            case Answer(status, headers, body):
                if status in VAPID_REFUSED:
                    self._tokens.forget(envelope.endpoint, envelope.vapid_key)
                return read_answer(status, headers, body, at=self._now())
            case AddressNotPublic():
                return Outcome(kind=OutcomeKind.REFUSED, reason="address-not-public")
            case NoAnswer(reason=reason):
                return Outcome(kind=OutcomeKind.TRANSIENT, reason=reason)
            case OSError():
                return Outcome(kind=OutcomeKind.TRANSIENT, reason="name-unknown")
            case error:
                return _broke(envelope, error)


def _broke(envelope: Envelope, error: Exception) -> Outcome:
    """Tell somebody of a mistake of our own, and settle it so that it is tried again."""
    log.error("push.broke", delivery_id=str(envelope.delivery_id), exc_info=error)
    return Outcome(kind=OutcomeKind.TRANSIENT, reason=type(error).__name__)


def _fault_of(envelope: Envelope, settings: PushSettings) -> str | None:
    """Return why an envelope must not be sent, before anything is spent on it."""
    try:
        check_endpoint(
            envelope.endpoint,
            allowed_hosts=settings.allowed_hosts,
            allow_loopback=settings.allow_loopback,
        )
    except EndpointRefused:
        return "endpoint-refused"
    fault = None
    if envelope.urgency not in URGENCIES:
        fault = "bad-urgency"
    elif not _TOPIC.fullmatch(envelope.topic):
        fault = "bad-topic"
    elif len(envelope.p256dh) != P256DH_LENGTH or len(envelope.auth) != AUTH_LENGTH:
        fault = "keys-unusable"
    elif not envelope.payload:
        fault = "payload-empty"
    elif len(envelope.payload) > MAX_PAYLOAD_BYTES:
        fault = "payload-too-large"
    return fault
