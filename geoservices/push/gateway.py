"""Sending: one encrypted POST for each delivery, and what the push service's answer means.

`WebPushGateway` turns envelopes into requests (RFC 8030, RFC 8291, RFC 8292) and answers into
outcomes. It never follows a redirect, never waits beyond its deadline, never reads a long
answer, and only ever connects to addresses that it has checked.
"""

import asyncio
import base64
import re
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Final, Protocol
from uuid import UUID

import aiohttp
import structlog
from pywebpush import WebPusher
from yarl import URL

from geoservices import clock
from geoservices.push.endpoints import (
    AUTH_LENGTH,
    P256DH_LENGTH,
    EndpointRefused,
    check_endpoint,
)
from geoservices.push.transport import (
    AddressNotPublic,
    CheckedResolver,
    LookUp,
    drain,
    look_up,
    open_session,
)
from geoservices.push.vapid import Clock, VapidTokens, vapid_public_keys
from geoservices.settings import PushSettings

# A push service need not take a body above 4096 bytes (RFC 8030 section 7.2), of which header,
# delimiter and tag take 103 (RFC 8291 section 4).
MAX_PAYLOAD_BYTES: Final = 3993
# Windows refuses a TTL of 0, and a shorter one than this loses a phone that changes networks.
MIN_TTL: Final = timedelta(seconds=60)
MAX_RETRY_AFTER: Final = timedelta(days=1)
MAX_LOCATION_LENGTH: Final = 2048
NAME_LOOK_UPS: Final = 8

URGENCIES: Final = frozenset({"very-low", "low", "normal", "high"})
_TOPIC = re.compile(r"[A-Za-z0-9_-]{1,32}")
_SECONDS = re.compile(r"[0-9]{1,9}")

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


class OutcomeKind(StrEnum):
    """What a sender has to do next."""

    ACCEPTED = "accepted"
    """The push service has it; whether it is ever shown is another matter (RFC 8030 section 5)."""
    EXPIRED = "expired"
    """Its deadline had passed before it left."""
    GONE = "gone"
    """The subscription has ended; it will never work again (RFC 8030 section 7.3)."""
    REFUSED = "refused"
    """Our own fault: sending the same again is pointless, and the subscription may be sound."""
    THROTTLED = "throttled"
    """Too much at once: wait as long as told, or back off (RFC 8030 section 8.4)."""
    TRANSIENT = "transient"
    """It may work later; it may even have worked, so the topic must stay the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How one attempt ended.

    `reason` is a short constant, or the name of the exception that the network raised; it never
    holds words of the push service. `location` names the message at the push service.
    """

    kind: OutcomeKind
    reason: str
    status: int | None = None
    retry_after: timedelta | None = None
    location: str | None = None
    detail: str | None = None


class PushGateway(Protocol):
    """Whatever can send envelopes."""

    def send(self, envelopes: Sequence[Envelope]) -> list[Outcome]:
        """Make one attempt at each and return the outcomes in the same order."""


_BY_STATUS: Final[Mapping[int, tuple[OutcomeKind, str]]] = {
    400: (OutcomeKind.REFUSED, "bad-request"),
    401: (OutcomeKind.REFUSED, "vapid-refused"),
    403: (OutcomeKind.REFUSED, "vapid-refused"),
    404: (OutcomeKind.GONE, "subscription-expired"),
    406: (OutcomeKind.THROTTLED, "throttled"),  # Windows says it so.
    408: (OutcomeKind.TRANSIENT, "push-service-timeout"),
    410: (OutcomeKind.GONE, "subscription-ended"),
    413: (OutcomeKind.REFUSED, "payload-too-large"),
    425: (OutcomeKind.TRANSIENT, "too-early"),
    429: (OutcomeKind.THROTTLED, "throttled"),
}
_BY_CLASS: Final[Mapping[int, tuple[OutcomeKind, str]]] = {
    2: (OutcomeKind.ACCEPTED, "accepted"),
    3: (OutcomeKind.REFUSED, "redirected"),
    5: (OutcomeKind.TRANSIENT, "push-service-failed"),
}
_UNEXPECTED: Final = (OutcomeKind.REFUSED, "unexpected-status")
_WAITING: Final = frozenset({OutcomeKind.THROTTLED, OutcomeKind.TRANSIENT})


def read_answer(status: int, headers: Mapping[str, str], *, at: datetime) -> Outcome:
    """Say what a push service's answer means for the delivery.

    2xx is accepted, 404 and 410 end the subscription (RFC 8030 section 7.3), 406 and 429 ask for
    patience (section 8.4), 5xx may pass. Everything else, redirects included, is our own fault.
    `Retry-After` (RFC 9110 section 10.2.3) counts only where waiting helps, and for a day at most.
    """
    kind, reason = _BY_STATUS.get(status) or _BY_CLASS.get(status // 100) or _UNEXPECTED
    location = headers.get("Location") if kind is OutcomeKind.ACCEPTED else None
    if location is not None and len(location) > MAX_LOCATION_LENGTH:
        location = None
    wait = headers.get("Retry-After") if kind in _WAITING else None
    return Outcome(
        kind=kind,
        reason=reason,
        status=status,
        retry_after=None if wait is None else _read_retry_after(wait, at=at),
        location=location,
    )


def encrypt(payload: bytes, *, p256dh: bytes, auth: bytes) -> bytes:
    """Encrypt for one browser in a single `aes128gcm` record (RFC 8291 section 4).

    Raises:
        ValueError: `p256dh` is not a point on P-256.
    """
    # The endpoint plays no part in the encryption; WebPusher only insists on its presence.
    keys = {"p256dh": base64.urlsafe_b64encode(p256dh), "auth": base64.urlsafe_b64encode(auth)}
    pusher = WebPusher({"endpoint": "", "keys": keys})
    return bytes(pusher.encode(payload, content_encoding="aes128gcm")["body"])


class WebPushGateway:
    """Sends envelopes to the browsers' push services.

    Make one in each process, after forking: it keeps threads for name look-ups. `look_up` and
    `now` are given by tests.
    """

    def __init__(
        self, settings: PushSettings, *, look_up: LookUp = look_up, now: Clock = clock.now
    ) -> None:
        self._settings = settings
        self._look_up = look_up
        self._now = now
        self._keys = vapid_public_keys(settings)
        self._tokens = VapidTokens(settings, now=now)
        # The loop's own executor would hold up its end until the last look-up has ended, however
        # long past the deadline that is.
        self._threads = ThreadPoolExecutor(NAME_LOOK_UPS, thread_name_prefix="push-names")

    def send(self, envelopes: Sequence[Envelope]) -> list[Outcome]:
        """Make one attempt at each envelope and return the outcomes in the same order.

        Up to `settings.concurrency` are under way at once, each for `settings.timeout` at most,
        so n of them take no longer than ceil(n / concurrency) timeouts: the caller's lease has
        to cover that. An envelope that cannot be sent harms no other.
        """
        return asyncio.run(self._send_all(envelopes))

    async def _send_all(self, envelopes: Sequence[Envelope]) -> list[Outcome]:
        outcomes: dict[int, Outcome] = {}
        waiting = iter(enumerate(envelopes))
        resolver = CheckedResolver(
            self._look_up, threads=self._threads, allow_loopback=self._settings.allow_loopback
        )
        opened = open_session(self._settings, resolver=resolver)
        async with opened as session, asyncio.TaskGroup() as senders:
            for _ in range(min(self._settings.concurrency, len(envelopes))):
                senders.create_task(self._work(session, waiting, outcomes))
        return [outcomes[index] for index in range(len(envelopes))]

    async def _work(
        self,
        session: aiohttp.ClientSession,
        waiting: Iterator[tuple[int, Envelope]],
        outcomes: dict[int, Outcome],
    ) -> None:
        for index, envelope in waiting:
            outcomes[index] = await self._attempt(session, envelope)

    async def _attempt(self, session: aiohttp.ClientSession, envelope: Envelope) -> Outcome:
        fault = _fault_of(envelope, self._settings)
        if envelope.vapid_key not in self._keys:
            fault = "vapid-key-unknown"
        if fault is not None:
            kind = OutcomeKind.EXPIRED if fault == "expired" else OutcomeKind.REFUSED
            return Outcome(kind=kind, reason=fault)
        try:
            return await self._post(session, envelope)
        except AddressNotPublic:
            return Outcome(kind=OutcomeKind.REFUSED, reason="address-not-public")
        except TimeoutError:
            return Outcome(kind=OutcomeKind.TRANSIENT, reason="timeout")
        except (aiohttp.ClientError, OSError) as error:
            return Outcome(kind=OutcomeKind.TRANSIENT, reason=type(error).__name__)
        except Exception as error:
            log.exception("push.broke", delivery_id=str(envelope.delivery_id))
            return Outcome(kind=OutcomeKind.TRANSIENT, reason=type(error).__name__)

    async def _post(self, session: aiohttp.ClientSession, envelope: Envelope) -> Outcome:
        try:
            body = encrypt(envelope.payload, p256dh=envelope.p256dh, auth=envelope.auth)
        except ValueError:
            return Outcome(kind=OutcomeKind.REFUSED, reason="keys-unusable")
        request = session.post(
            URL(envelope.endpoint, encoded=True),
            data=body,
            headers=self._headers(envelope),
            allow_redirects=False,
        )
        async with request as response:
            await drain(response)
            return read_answer(response.status, response.headers, at=self._now())

    def _headers(self, envelope: Envelope) -> dict[str, str]:
        """Return the headers of RFC 8030 section 5.2 to 5.4, RFC 8291 section 4, RFC 8292."""
        return {
            "Accept-Encoding": "identity",
            "Authorization": self._tokens.header_for(envelope.endpoint, envelope.vapid_key),
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            "TTL": str(int(max(envelope.ttl, MIN_TTL).total_seconds())),
            "Topic": envelope.topic,
            "Urgency": envelope.urgency,
        }


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
    faults = {
        "expired": envelope.ttl <= timedelta(0),
        "bad-urgency": envelope.urgency not in URGENCIES,
        "bad-topic": not _TOPIC.fullmatch(envelope.topic),
        "keys-unusable": (len(envelope.p256dh), len(envelope.auth)) != (P256DH_LENGTH, AUTH_LENGTH),
        "payload-empty": not envelope.payload,
        "payload-too-large": len(envelope.payload) > MAX_PAYLOAD_BYTES,
    }
    return next((reason for reason, found in faults.items() if found), None)


def _read_retry_after(text: str, *, at: datetime) -> timedelta | None:
    """Read seconds or an HTTP date; nonsense counts as no word at all."""
    if _SECONDS.fullmatch(text):
        wait = timedelta(seconds=int(text))
    else:
        try:
            due_at = parsedate_to_datetime(text)
        except (ValueError, OverflowError):
            return None
        wait = (due_at if due_at.tzinfo else due_at.replace(tzinfo=UTC)) - at
    return min(max(wait, timedelta(0)), MAX_RETRY_AFTER)
