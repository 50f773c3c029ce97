"""Sending to a strict push service over real sockets."""

from datetime import datetime, timedelta

import pytest

from geoservices.push.encryption import MAX_PAYLOAD_BYTES
from geoservices.push.gateway import OutcomeKind, WebPushGateway
from local.browser import Browser
from local.pushservice import Address
from tests.pushing import SETTINGS, logged, make_envelope, plan, send_one

ACCEPTED, EXPIRED, GONE, REFUSED, THROTTLED, TRANSIENT = OutcomeKind


def test_a_message_arrives_and_only_its_browser_can_read_it(browser: Browser) -> None:
    """The whole way: encrypted, signed, taken in, handed over and decrypted."""
    envelope = make_envelope(browser)

    outcome = send_one(envelope)

    assert outcome.kind is ACCEPTED
    assert outcome.status == 201
    assert str(outcome.location).startswith(envelope.endpoint.split("/push/")[0])
    assert outcome.ttl_granted == envelope.ttl
    assert outcome.detail is None
    [message] = browser.messages()
    assert message["notification"] == {"title": "Meter reading", "navigate": "https://x.test/"}
    [entry] = logged(envelope)
    assert (entry["ttl"], entry["urgency"]) == ("600", "high")
    assert entry["topic"] == envelope.topic


def test_nothing_to_send_is_nothing_sent() -> None:
    """An empty batch is an empty answer."""
    assert WebPushGateway(SETTINGS).send([]) == []


def test_outcomes_keep_the_order_of_envelopes_whatever_ends_first(push_service: Address) -> None:
    """The slowest first and the fastest last, each still gets its own answer."""
    statuses = [201, 410, 429, 500, 404, 413, 403]
    envelopes = []
    for index, status in enumerate(statuses):
        with Browser(push_service.url) as browser:
            envelopes.append(make_envelope(browser))
        plan(envelopes[-1], status=status, delay_s=0.3 - 0.04 * index)

    outcomes = WebPushGateway(SETTINGS).send(envelopes)

    assert [outcome.status for outcome in outcomes] == statuses
    assert [outcome.kind for outcome in outcomes] == [
        ACCEPTED,
        GONE,
        THROTTLED,
        TRANSIENT,
        GONE,
        REFUSED,
        REFUSED,
    ]


def test_no_more_are_under_way_than_the_setting_says(push_service: Address) -> None:
    """With three at a time and a second each, a fourth never comes within that second.

    Those who wait their turn, longer than the deadline, lose nothing of it.
    """
    envelopes = []
    for _ in range(12):
        with Browser(push_service.url) as browser:
            envelopes.append(make_envelope(browser))
        plan(envelopes[-1], status=201, delay_s=1)
    changes = {"concurrency": 3, "timeout": timedelta(seconds=2.9)}

    outcomes = WebPushGateway(SETTINGS.model_copy(update=changes)).send(envelopes)

    assert {outcome.kind for outcome in outcomes} == {ACCEPTED}
    came = sorted(
        datetime.fromisoformat(str(entry["at"]))
        for envelope in envelopes
        for entry in logged(envelope)
    )
    gaps = [later - earlier for earlier, later in zip(came, came[3:], strict=False)]
    assert min(gaps) >= timedelta(milliseconds=995)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        pytest.param({"payload": b"x" * 3994}, "payload-too-large", id="one byte too many"),
        pytest.param({"payload": b""}, "payload-empty", id="nothing to say"),
        pytest.param({"ttl": timedelta(0)}, "expired", id="deadline reached"),
        pytest.param({"ttl": timedelta(seconds=-1)}, "expired", id="deadline passed"),
        pytest.param({"topic": "x" * 33}, "bad-topic", id="long topic"),
        pytest.param({"topic": "a\r\nX: y"}, "bad-topic", id="header injection"),
        pytest.param({"urgency": "urgent"}, "bad-urgency", id="unknown urgency"),
        pytest.param({"auth": b"xyz"}, "keys-unusable", id="short secret"),
        pytest.param({"p256dh": b"\x04"}, "keys-unusable", id="short key"),
        pytest.param({"p256dh": b"\x04" + b"\x01" * 64}, "keys-unusable", id="off the curve"),
        pytest.param({"endpoint": "https://10.0.0.1/x"}, "endpoint-refused", id="private host"),
        pytest.param({"endpoint": "not a URL"}, "endpoint-refused", id="no URL"),
        pytest.param({"endpoint": "https://evil.example/"}, "endpoint-refused", id="unknown host"),
        pytest.param({"endpoint": "http://127.0.0.1:1/x"}, "no-connection", id="no server"),
    ],
)
def test_a_bad_envelope_harms_no_other(
    push_service: Address, changes: dict[str, object], reason: str
) -> None:
    """It gets its reason without having been sent; the sound ones beside it arrive."""
    with (
        Browser(push_service.url) as first,
        Browser(push_service.url) as second,
        Browser(push_service.url) as bad,
    ):
        envelopes = [make_envelope(first), make_envelope(bad, **changes), make_envelope(second)]

        outcomes = WebPushGateway(SETTINGS).send(envelopes)

        assert [outcome.kind for outcome in outcomes[::2]] == [ACCEPTED, ACCEPTED]
        assert outcomes[1].reason == reason
        kinds = {"no-connection": TRANSIENT, "expired": EXPIRED}
        assert outcomes[1].kind is kinds.get(reason, REFUSED)
        assert outcomes[1].status is None
        assert [len(logged(envelope)) for envelope in envelopes[::2]] == [1, 1]
        assert bad.messages() == []


def test_the_longest_payload_fits_into_4096_bytes(browser: Browser) -> None:
    """RFC 8030 section 7.2 lets a push service refuse more."""
    envelope = make_envelope(browser, payload=b"x" * MAX_PAYLOAD_BYTES)

    assert send_one(envelope).kind is ACCEPTED
    assert logged(envelope)[0]["body_bytes"] == 4096


def test_a_short_ttl_is_lengthened_to_a_minute(browser: Browser) -> None:
    """Seconds are too few for a phone between two networks, and 0 is refused by Windows."""
    envelope = make_envelope(browser, ttl=timedelta(seconds=0.5))

    assert send_one(envelope).kind is ACCEPTED
    assert logged(envelope)[0]["ttl"] == "60"
