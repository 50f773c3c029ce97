"""What a push service's answers mean."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoservices.push.answers import MAX_RETRY_AFTER, Outcome, OutcomeKind, read_answer

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
ACCEPTED, EXPIRED, GONE, REFUSED, THROTTLED, TRANSIENT = OutcomeKind


@pytest.mark.parametrize(
    ("status", "headers", "expected"),
    [
        (200, {}, Outcome(kind=ACCEPTED, reason="accepted", status=200)),
        (
            201,
            {"location": "https://push.example/m/1", "retry-after": "5"},
            Outcome(
                kind=ACCEPTED, reason="accepted", status=201, location="https://push.example/m/1"
            ),
        ),
        (201, {"location": "x" * 2049}, Outcome(kind=ACCEPTED, reason="accepted", status=201)),
        (202, {}, Outcome(kind=ACCEPTED, reason="accepted", status=202)),
        (204, {}, Outcome(kind=ACCEPTED, reason="accepted", status=204)),
        (
            307,
            {"location": "http://10.0.0.1/"},
            Outcome(kind=REFUSED, reason="redirected", status=307),
        ),
        (400, {"retry-after": "5"}, Outcome(kind=REFUSED, reason="bad-request", status=400)),
        (401, {}, Outcome(kind=REFUSED, reason="vapid-refused", status=401)),
        (403, {}, Outcome(kind=REFUSED, reason="vapid-refused", status=403)),
        (404, {}, Outcome(kind=GONE, reason="subscription-expired", status=404)),
        (406, {}, Outcome(kind=THROTTLED, reason="throttled", status=406)),
        (410, {}, Outcome(kind=GONE, reason="subscription-ended", status=410)),
        (413, {}, Outcome(kind=REFUSED, reason="payload-too-large", status=413)),
        (418, {}, Outcome(kind=REFUSED, reason="unexpected-status", status=418)),
        (429, {}, Outcome(kind=THROTTLED, reason="throttled", status=429)),
        (500, {}, Outcome(kind=TRANSIENT, reason="push-service-failed", status=500)),
        (502, {}, Outcome(kind=TRANSIENT, reason="push-service-failed", status=502)),
        (101, {}, Outcome(kind=REFUSED, reason="unexpected-status", status=101)),
        (999, {}, Outcome(kind=REFUSED, reason="unexpected-status", status=999)),
    ],
)
def test_what_each_status_means(status: int, headers: dict[str, str], expected: Outcome) -> None:
    """The table of outcomes, status by status."""
    assert read_answer(status, headers, at=NOON) == expected


@pytest.mark.parametrize(
    ("text", "granted"),
    [
        ("60", timedelta(minutes=1)),
        ("0", timedelta(0)),
        ("-1", None),
        ("soon", None),
        ("", None),
        ("9" * 10, None),
    ],
)
def test_how_long_a_message_will_be_kept(text: str, granted: timedelta | None) -> None:
    """A push service may grant less than was asked for (RFC 8030 section 5.2)."""
    assert read_answer(201, {"ttl": text}, at=NOON).ttl_granted == granted
    assert read_answer(429, {"ttl": text}, at=NOON).ttl_granted is None


@pytest.mark.parametrize(
    ("headers", "body", "detail"),
    [
        ({"server": "x"}, b"", None),
        ({}, b" \r\n", None),
        ({}, b'{"reason":"BadJwtToken"}', '{"reason":"BadJwtToken"}'),
        ({}, b"a\x1b[2J\r\nX: y\x00z", "a [2J X: y z"),
        ({}, "gr\u00fc\u00df \u202egott".encode(), "gr\u00fc\u00df gott"),
        ({}, b"\xff\xfe", "\ufffd\ufffd"),
        ({}, b"x" * 4096, "x" * 200),
        (
            {"x-wns-status": "dropped", "x-wns-error-description": "Ttl value\tconflicts"},
            b"",
            "x-wns-status: dropped; x-wns-error-description: Ttl value conflicts",
        ),
        ({"x-wns-status": "x" * 4096}, b"no", "no; x-wns-status: " + "x" * 186),
    ],
)
def test_what_operators_are_shown_of_an_answer(
    headers: dict[str, str], body: bytes, detail: str | None
) -> None:
    """One line of what can be printed, and no more than fits on it."""
    assert read_answer(400, headers, body, at=NOON).detail == detail


def test_apples_word_for_another_key_is_understood() -> None:
    """The subscription has to be made anew; a 400 of any other kind is a fault of the request."""
    body = b'{"reason":"VapidPkHashMismatch"}'

    assert read_answer(400, {}, body, at=NOON).reason == "key-mismatch"
    assert read_answer(400, {}, b'{"reason":"BadTopic"}', at=NOON).reason == "bad-request"
    assert read_answer(410, {}, body, at=NOON).kind is GONE


@pytest.mark.parametrize(
    ("text", "wait"),
    [
        pytest.param("0", timedelta(0), id="at once"),
        pytest.param("120", timedelta(minutes=2), id="seconds"),
        pytest.param("999999999", MAX_RETRY_AFTER, id="years"),
        pytest.param("9" * 5000, None, id="digits without end"),
        pytest.param("-5", None, id="negative"),
        pytest.param("1.5", None, id="fraction"),
        pytest.param("\u0663", None, id="digits of another script"),
        pytest.param("soon", None, id="a word"),
        pytest.param("", None, id="empty"),
        pytest.param("Sun, 01 Mar 2026 12:01:30 GMT", timedelta(seconds=90), id="date"),
        pytest.param("Sunday, 01-Mar-26 12:01:30 GMT", timedelta(seconds=90), id="RFC 850 date"),
        pytest.param("Sun, 01 Mar 2026 11:00:00 GMT", timedelta(0), id="date gone by"),
        pytest.param("Sun, 01 Mar 2027 12:00:00 GMT", MAX_RETRY_AFTER, id="date next year"),
        pytest.param("Sun, 01 Mar 2026 12:01:30", timedelta(seconds=90), id="date without zone"),
    ],
)
def test_how_long_to_wait(text: str, wait: timedelta | None) -> None:
    """Seconds or a date, within bounds; nonsense is no word at all."""
    for status in (429, 503):
        assert read_answer(status, {"retry-after": text}, at=NOON).retry_after == wait


@given(st.text(max_size=60) | st.from_regex(r"[A-Z][a-z]{2}, \d+ [A-Z][a-z]{2} \d+ \d+:\d+ .*"))
def test_no_retry_after_breaks_anything(text: str) -> None:
    """Whatever a push service says, the wait is bounded."""
    wait = read_answer(429, {"retry-after": text}, at=NOON).retry_after

    assert wait is None or timedelta(0) <= wait <= MAX_RETRY_AFTER
