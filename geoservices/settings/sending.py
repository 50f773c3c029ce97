"""How messages leave: by push, and by mail."""

import re
from datetime import timedelta
from email.utils import parseaddr
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, Field, SecretStr, model_validator

from geoservices.settings.kinds import KeyText, Span, SpanOrNone

DELIVERIES_A_JOB = 500
"""How many deliveries the relay hands to one job."""
BROADCASTS_A_JOB = 100
"""And how many of those that many get alike: what comes behind such a job waits less."""


class PushSettings(BaseModel, frozen=True, extra="forbid"):
    """How notifications leave for the browsers' push services (RFC 8030, RFC 8292)."""

    vapid_private_key: KeyText
    """P-256 private key: 32 bytes in base64url without padding (`geoservices vapid-key`)."""
    vapid_old_private_keys: tuple[KeyText, ...] = ()
    """Keys of before: what was subscribed with them is still pushed to with them."""
    vapid_contact: Annotated[str, Field(pattern=r"^(mailto:[^\s@]+@[^\s@]+|https://\S+)$")]
    """Where a push service may complain: a real `mailto:` or `https:` address."""
    allowed_hosts: tuple[str, ...] = (
        "fcm.googleapis.com",
        "jmt17.google.com",
        "push.services.mozilla.com",
        "notify.windows.com",
        "push.apple.com",
    )
    """Push services that may be used: each host itself and every host below it."""
    allow_loopback: bool = False
    """Also allow loopback addresses, on any port and by `http` too; for tests and the demo only."""
    timeout: Span = timedelta(seconds=10)
    """The longest one push may take, name look-up and answer included."""
    ca_file: Path | None = None
    """Certificates in PEM that vouch for push services in place of the system's."""
    concurrency: Annotated[int, Field(ge=1, le=2000)] = 500
    """How many pushes one process sends at the same time."""
    lease: Span = timedelta(seconds=30)
    """A claimed delivery falls due again after this long; longer than `timeout`."""
    max_attempts: Annotated[int, Field(ge=1, le=20)] = 6
    age_out_after: Span = timedelta(days=60)
    """A subscription that no browser has renewed for this long may be dead: see the next two."""
    age_out_unseen: Annotated[int, Field(ge=1)] = 5
    """It is if so many pushes in a row were accepted for it, and none was ever shown,"""
    age_out_unseen_over: SpanOrNone = timedelta(days=14)
    """and at least this long lies between the first of those and the last."""

    @model_validator(mode="after")
    def _lease_outlasts_a_job(self) -> Self:
        rounds = -(-DELIVERIES_A_JOB // self.concurrency)
        if self.lease <= rounds * self.timeout:
            raise ValueError(
                f"lease must be longer than {rounds} times timeout: a job sends "
                f"{DELIVERIES_A_JOB} messages, {self.concurrency} at a time, and what it has not "
                "sent when its lease ends is sent twice"
            )
        return self


LETTERS_A_JOB = 10
"""How many letters the relay hands to one job."""


def _sender_shaped(sender: str) -> str:
    _name, address = parseaddr(sender)
    if not sender.isprintable() or not re.fullmatch(r"[^\s@<>]+@[^\s@<>]+", address):
        raise ValueError("must be an address, with or without a name before it: Name <a@b.example>")
    return sender


class MailSettings(BaseModel, frozen=True, extra="forbid"):
    """How letters leave for people's e-mail addresses (RFC 5321); without `host` none do."""

    host: str | None = None
    """The SMTP server that takes our letters."""
    port: Annotated[int, Field(ge=1, le=65535)] = 587
    security: Literal["starttls", "tls", "none"] = "starttls"
    """How the connection is protected; `none` on loopback only. Certificates are verified."""
    username: str | None = None
    password: SecretStr | None = None
    sender: Annotated[str, AfterValidator(_sender_shaped)] | None = None
    """Whom letters are from: an address, or a name and an address."""
    timeout: Span = timedelta(seconds=20)
    """The longest one letter may take, connecting included."""
    lease: Span = timedelta(minutes=5)
    """A claimed letter falls due again after this long."""

    @model_validator(mode="after")
    def _can_be_used(self) -> Self:
        if self.host is not None and self.sender is None:
            raise ValueError("sender must be set where host is")
        if (self.username is None) != (self.password is None):
            raise ValueError("username and password belong together")
        if self.security == "none" and self.host is not None and not _is_loopback(self.host):
            raise ValueError("security may be none only where host is on loopback")
        if self.lease <= LETTERS_A_JOB * self.timeout:
            raise ValueError(
                f"lease must be longer than {LETTERS_A_JOB} times timeout: a job sends "
                f"{LETTERS_A_JOB} letters, one after the other, and what it has not sent when its "
                "lease ends is sent twice"
            )
        return self


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
