"""Who signs, for whom and for how long."""

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from py_vapid import jwt
from pydantic import SecretStr

from geoservices import base64url, clock
from geoservices.push.gateway import Outcome, OutcomeKind, WebPushGateway
from geoservices.push.vapid import VapidTokens, make_vapid_key, vapid_public_key
from geoservices.settings.sending import PushSettings
from local.browser import Browser
from local.pushservice import serving
from tests.pushing import SETTINGS, make_envelope, send_one

KEY = vapid_public_key(SETTINGS)
NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
ACCEPTED, REFUSED = OutcomeKind.ACCEPTED, OutcomeKind.REFUSED


def test_each_push_service_gets_a_token_of_its_own(browser: Browser) -> None:
    """`aud` is never carried from one origin to the next, as pywebpush does."""
    with serving() as other, Browser(other.url) as abroad:
        envelopes = [make_envelope(browser), make_envelope(abroad), make_envelope(browser)]

        outcomes = WebPushGateway(SETTINGS).send(envelopes)

    assert {outcome.kind for outcome in outcomes} == {ACCEPTED}


def test_a_token_for_another_audience_is_caught(browser: Browser) -> None:
    """The push service knows itself as 127.0.0.1, so a token for localhost is not for it."""
    envelope = make_envelope(browser)
    elsewhere = replace(envelope, endpoint=envelope.endpoint.replace("127.0.0.1", "localhost"))
    gateway = WebPushGateway(SETTINGS, look_up=lambda _host, _port: ["127.0.0.1"])

    [outcome] = gateway.send([elsewhere])

    assert (outcome.kind, outcome.reason, outcome.status) == (REFUSED, "vapid-refused", 401)


@pytest.mark.parametrize("days", [-1, 1])
def test_a_clock_off_by_a_day_is_our_fault(browser: Browser, days: int) -> None:
    """The token has expired or lasts too long; the subscription is not touched."""
    gateway = WebPushGateway(SETTINGS, now=lambda: clock.now() + timedelta(days=days))

    [outcome] = gateway.send([make_envelope(browser)])

    assert (outcome.kind, outcome.reason, outcome.status) == (REFUSED, "vapid-refused", 401)


def test_another_key_is_our_fault(browser: Browser) -> None:
    """A subscription belongs to one application server key for life."""
    other = SETTINGS.model_copy(update={"vapid_private_key": SecretStr(make_vapid_key())})
    envelope = make_envelope(browser)

    with_ours = send_one(replace(envelope, vapid_key=vapid_public_key(other)), settings=other)
    unknown = send_one(envelope, settings=other)

    assert (with_ours.kind, with_ours.reason) == (REFUSED, "vapid-refused")
    assert with_ours.status == 403
    assert "another application server key" in str(with_ours.detail)
    assert unknown == Outcome(kind=REFUSED, reason="vapid-key-unknown")


def test_a_subscription_made_with_a_key_of_before_is_pushed_to_with_it(browser: Browser) -> None:
    """For as long as the old key is kept among the settings."""
    rotated = SETTINGS.model_copy(
        update={
            "vapid_private_key": SecretStr(make_vapid_key()),
            "vapid_old_private_keys": (SETTINGS.vapid_private_key,),
        }
    )

    outcome = send_one(make_envelope(browser), settings=rotated)

    assert outcome.kind is OutcomeKind.ACCEPTED


def test_a_token_is_signed_once_for_each_origin_and_renewed_in_time() -> None:
    """Eleven hours serve with one signature; a token from a wrong clock's future does not."""
    times = [NOON]
    tokens = VapidTokens(SETTINGS, now=lambda: times[-1])
    made = [tokens.header_for("https://web.push.apple.com/a", KEY)]
    for moved in (timedelta(hours=10), timedelta(hours=11), timedelta(hours=9)):
        times.append(NOON + moved)
        made.append(tokens.header_for("https://web.push.apple.com/b", KEY))

    changed = [earlier != later for earlier, later in pairwise(made)]
    assert changed == [False, True, True]
    assert tokens.header_for("https://fcm.googleapis.com/a", KEY) not in made


def test_a_token_that_was_refused_is_signed_anew_at_most_once_a_minute() -> None:
    """However many are refused with it; those for another origin or key stay."""
    endpoint, times = "https://web.push.apple.com/a", [NOON]
    tokens = VapidTokens(SETTINGS, now=lambda: times[-1])
    made = [tokens.header_for(endpoint, KEY)]
    other = tokens.header_for("https://fcm.googleapis.com/a", KEY)
    for seconds in (59, 60, 61, 119, 120):
        times.append(NOON + timedelta(seconds=seconds))
        tokens.forget(endpoint, KEY)
        made.append(tokens.header_for(endpoint, KEY))

    changed = [earlier != later for earlier, later in pairwise(made)]
    assert changed == [False, True, False, False, True]
    assert tokens.header_for("https://fcm.googleapis.com/a", KEY) == other


def test_a_push_service_that_refuses_gets_a_new_token_at_the_next_attempt(
    browser: Browser,
) -> None:
    """It may have lost the first, or our clock may have been wrong."""
    times = [clock.now() - timedelta(days=2)]
    gateway = WebPushGateway(SETTINGS, now=lambda: times[-1])
    envelope = make_envelope(browser)

    first = gateway.send([envelope])
    times.append(clock.now())
    second = gateway.send([envelope])

    assert [outcome.status for outcome in first + second] == [401, 201]


def test_another_library_finds_our_signature_valid() -> None:
    """py_vapid, which knows nothing of how it was made."""
    header = VapidTokens(SETTINGS, now=lambda: NOON).header_for("https://fcm.googleapis.com/a", KEY)
    token = header.removeprefix("vapid t=").partition(",")[0]

    assert jwt.decode(token, KEY)["aud"] == "https://fcm.googleapis.com"


def test_a_contact_page_with_a_path_and_an_ipv6_audience_can_be_signed() -> None:
    """Both are valid (RFC 8292 section 2), though py_vapid refuses them."""
    settings = SETTINGS.model_copy(update={"vapid_contact": "https://geoservices.example/contact"})
    header = VapidTokens(settings, now=lambda: NOON).header_for("http://[::1]:8000/push/x", KEY)

    claims = json.loads(base64url.decode(header.split(".")[1]))
    assert claims == {
        "aud": "http://[::1]:8000",
        "exp": int((NOON + timedelta(hours=12)).timestamp()),
        "sub": "https://geoservices.example/contact",
    }


def test_a_made_key_is_a_valid_setting_and_shows_its_public_point() -> None:
    """32 bytes in, the 65 bytes for `PushManager.subscribe()` out, no padding in either."""
    settings = PushSettings(
        vapid_private_key=SecretStr(make_vapid_key()), vapid_contact="mailto:a@b.example"
    )

    public = base64url.decode(vapid_public_key(settings))

    assert "=" not in vapid_public_key(settings) + settings.vapid_private_key.get_secret_value()
    ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), public)


@pytest.mark.parametrize(
    "key", ["", "AAAA", "not base64!", base64.b64encode(b"\xfb" * 32).decode()]
)
def test_a_key_of_the_wrong_form_is_found_at_the_start(key: str) -> None:
    """Not at the first push; and the message does not repeat it."""
    settings = SETTINGS.model_copy(update={"vapid_private_key": SecretStr(key)})

    with pytest.raises(ValueError, match=r"base64url") as refusal:
        WebPushGateway(settings)
    assert not key or key not in str(refusal.value)


def test_an_envelope_keeps_its_secrets_out_of_logs(browser: Browser) -> None:
    """Whoever knows the endpoint may push, whoever knows the keys may forge."""
    envelope = make_envelope(browser)

    assert envelope.endpoint not in repr(envelope)
    assert "Meter" not in repr(envelope)
