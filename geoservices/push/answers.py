"""What a push service's answer means for the delivery."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Final

MAX_RETRY_AFTER: Final = timedelta(days=1)
MAX_LOCATION_LENGTH: Final = 2048
MAX_DETAIL_LENGTH: Final = 200
# What Apple calls a subscription that was made with another key than the one that signed.
KEY_MISMATCH: Final = b"VapidPkHashMismatch"
WINDOWS_PREFIX: Final = "x-wns-"

_SECONDS = re.compile(r"[0-9]{1,9}")


class OutcomeKind(StrEnum):
    """What a sender has to do next."""

    ACCEPTED = "accepted"
    """The push service has it; whether it is ever shown is another matter (RFC 8030 section 5)."""
    EXPIRED = "expired"
    """Its own deadline had passed before it was sent, so it was not."""
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

    `reason` is a short constant or the name of an exception; it never holds words of the push
    service. `detail` does, for operators only: up to 200 printable characters of the answer's
    body, then Windows' own headers, up to 200 again. `location` names the message at the push
    service, and `ttl_granted` is how long it will be kept there, if the service says so
    (RFC 8030 sections 5 and 5.2).
    """

    kind: OutcomeKind
    reason: str
    status: int | None = None
    retry_after: timedelta | None = None
    location: str | None = None
    ttl_granted: timedelta | None = None
    detail: str | None = None


VAPID_REFUSED: Final = frozenset({401, 403})
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


def read_answer(
    status: int, headers: Mapping[str, str], body: bytes = b"", *, at: datetime
) -> Outcome:
    """Say what a push service's answer means for the delivery.

    2xx is accepted, 404 and 410 end the subscription (RFC 8030 section 7.3), 406 and 429 ask for
    patience (section 8.4), 5xx may pass. Everything else, redirects included, is our own fault.
    `Retry-After` (RFC 9110 section 10.2.3) counts only where waiting helps, and for a day at most.

    Args:
        status: The answer's status.
        headers: Its headers, the names in lower case.
        body: The beginning of its body.
        at: When it came.
    """
    kind, reason = _BY_STATUS.get(status) or _BY_CLASS.get(status // 100) or _UNEXPECTED
    if status == 400 and KEY_MISMATCH in body:  # noqa: PLR2004
        reason = "key-mismatch"
    accepted, wait = kind is OutcomeKind.ACCEPTED, headers.get("retry-after")
    return Outcome(
        kind=kind,
        reason=reason,
        status=status,
        retry_after=_read_retry_after(wait, at=at) if wait and kind in _WAITING else None,
        location=_read_location(headers.get("location")) if accepted else None,
        ttl_granted=_read_ttl(headers.get("ttl")) if accepted else None,
        detail=_detail(headers, body),
    )


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


def _read_location(text: str | None) -> str | None:
    return text if text and len(text) <= MAX_LOCATION_LENGTH else None


def _read_ttl(text: str | None) -> timedelta | None:
    return timedelta(seconds=int(text)) if text and _SECONDS.fullmatch(text) else None


def _detail(headers: Mapping[str, str], body: bytes) -> str | None:
    said = [_printable(body.decode("utf-8", "replace"))] if body else []
    windows = [
        f"{name}: {text}" for name, text in headers.items() if name.startswith(WINDOWS_PREFIX)
    ]
    said += [_printable("; ".join(windows))] if windows else []
    return "; ".join(filter(None, said)) or None


def _printable(text: str) -> str:
    """Return the beginning on one line, without what a terminal or a log would obey."""
    shown = (letter if letter.isprintable() else " " for letter in text)
    return " ".join("".join(shown).split())[:MAX_DETAIL_LENGTH]
