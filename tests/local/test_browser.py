"""The browser of the demo reads what was encrypted for it, once, and nothing else."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import http_ece
import httpx2
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from geoservices import clock
from geoservices.push.endpoints import check_keys
from geoservices.push.gateway import OutcomeKind
from geoservices.push.vapid import make_vapid_key, vapid_public_key
from local.browser import Browser, decrypt
from local.pushrules import decode
from local.pushservice import serving
from tests.pushing import SETTINGS, make_envelope, send_one

VECTOR = json.loads(Path("tests/data/webpush/rfc-vectors.json").read_text(encoding="utf-8"))[
    "rfc8291"
]


@pytest.fixture(scope="module")
def push_service_url() -> Iterator[str]:
    """One push service for the module."""
    with serving() as address:
        yield address.url


@pytest.fixture
def browser(push_service_url: str) -> Iterator[Browser]:
    """A browser at the push service."""
    with Browser(push_service_url) as browser:
        yield browser


def test_the_message_of_the_rfc_is_read() -> None:
    """RFC 8291 section 5, with the browser's keys of appendix A."""
    key = ec.derive_private_key(int.from_bytes(decode(VECTOR["ua_private"])), ec.SECP256R1())

    plain = decrypt(decode(VECTOR["body"]), private_key=key, auth=decode(VECTOR["auth_secret"]))

    assert plain.decode() == VECTOR["plaintext"]


def test_a_subscription_has_the_form_that_browsers_give(
    browser: Browser, push_service_url: str
) -> None:
    """Endpoint, no expiry, and two keys that registration accepts."""
    subscription = browser.subscribe(vapid_public_key(SETTINGS))

    assert str(subscription["endpoint"]).startswith(f"{push_service_url}/push/")
    assert subscription["expirationTime"] is None
    keys = subscription["keys"]
    assert isinstance(keys, dict)
    check_keys(keys["p256dh"], keys["auth"])


def test_each_message_comes_once_with_the_time_it_was_taken_in(browser: Browser) -> None:
    """Messages keep their order and are acknowledged on reading."""
    first = make_envelope(browser, payload='{"title": "Größe ✓"}'.encode(), topic="a")
    before = clock.now() - timedelta(milliseconds=1)
    send_one(first)
    send_one(replace(first, payload=b'{"title": "second"}', topic="b"))

    one, two = browser.wait_for(2)

    assert (one["title"], one["topic"]) == ("Größe ✓", "a")
    assert (two["title"], two["topic"]) == ("second", "b")
    received_at = datetime.fromisoformat(str(one["received_at"]))
    assert before <= received_at <= clock.now()
    assert browser.messages() == []


def test_waiting_ends_with_the_message_or_with_the_time(browser: Browser) -> None:
    """Whoever waits in vain is told how many came."""
    envelope = make_envelope(browser)
    send_one(envelope)

    with pytest.raises(TimeoutError, match="1 of 2"):
        browser.wait_for(2, within=timedelta(seconds=0.2))


def test_subscribing_again_makes_earlier_messages_unreadable(browser: Browser) -> None:
    """New keys belong to the new subscription; a message for the old ones does not open."""
    old = make_envelope(browser)
    new = browser.subscribe(vapid_public_key(SETTINGS))
    outcome = send_one(replace(old, endpoint=str(new["endpoint"])))

    assert outcome.kind is OutcomeKind.ACCEPTED
    with pytest.raises(http_ece.ECEException):
        browser.messages()


def test_after_unsubscribing_pushes_are_answered_with_gone(browser: Browser) -> None:
    """And the browser has no more messages."""
    envelope = make_envelope(browser)
    send_one(envelope)

    browser.unsubscribe()

    assert send_one(envelope).kind is OutcomeKind.GONE
    assert browser.messages() == []


def test_a_key_that_is_none_is_refused_by_the_push_service(browser: Browser) -> None:
    """A private key shown by mistake is not a point."""
    with pytest.raises(httpx2.HTTPStatusError, match="400"):
        browser.subscribe(make_vapid_key())
