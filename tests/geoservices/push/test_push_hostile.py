"""Push services and names that mean us harm, or are merely broken, over real sockets."""

import time
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from threading import Event

import httpx2
import pytest
from structlog.testing import capture_logs

from geoservices import clock
from geoservices.push.gateway import Outcome, OutcomeKind, WebPushGateway
from local.browser import NO_TLS, Browser
from tests.pushing import IMPATIENT, SETTINGS, answering, logged, make_envelope, plan, send_one

ACCEPTED, REFUSED, TRANSIENT = OutcomeKind.ACCEPTED, OutcomeKind.REFUSED, OutcomeKind.TRANSIENT
RELEASED = Event()
"""Ends the look-ups that nobody answers."""


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_not_followed(browser: Browser, status: int) -> None:
    """A push service never redirects; whoever does wants to reach our internal hosts."""
    envelope = make_envelope(browser)
    with answering([b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n"]) as internal:
        plan(envelope, status=status, headers={"Location": internal})

        outcome = send_one(envelope)

        assert outcome == Outcome(kind=REFUSED, reason="redirected", status=status)
        httpx2.post(internal, verify=NO_TLS)  # Nobody had used up its one answer.


def test_a_push_service_that_never_answers_is_left_at_the_deadline(browser: Browser) -> None:
    """The deadline holds for the whole of a push."""
    envelope = make_envelope(browser)
    plan(envelope, delay_s=60)
    started = time.monotonic()

    outcome = send_one(envelope, settings=IMPATIENT)

    assert outcome == Outcome(kind=TRANSIENT, reason="timeout")
    assert time.monotonic() - started < 30


def test_a_dripping_head_is_left_at_the_deadline(browser: Browser) -> None:
    """Each byte comes in time, but the head does not."""
    drops = [bytes([byte]) for byte in b"HTTP/1.1 201 Created\r\n\r\n"]
    with answering(drops, pause_s=0.05) as endpoint:
        outcome = send_one(make_envelope(browser, endpoint=endpoint), settings=IMPATIENT)

    assert outcome == Outcome(kind=TRANSIENT, reason="timeout")


def test_a_dripping_body_changes_nothing(browser: Browser) -> None:
    """The status has been said; the rest is not waited for."""
    envelope = make_envelope(browser)
    plan(envelope, status=201, body_bytes=1000, drip_s=0.05)
    started = time.monotonic()

    assert send_one(envelope).kind is ACCEPTED
    assert time.monotonic() - started < 8


def test_a_huge_answer_is_not_read(browser: Browser) -> None:
    """Of 50 MB, only what fits into the system's own buffers is ever taken."""
    sent = []

    def flood() -> Iterator[bytes]:
        yield b"HTTP/1.1 500 No\r\nContent-Length: 50000000\r\n\r\n"
        for _ in range(50):
            sent.append(1_000_000)
            yield bytes(1_000_000)

    tracemalloc.start()
    try:
        with answering(flood()) as endpoint:
            outcome = send_one(make_envelope(browser, endpoint=endpoint))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert outcome == Outcome(kind=TRANSIENT, reason="push-service-failed", status=500)
    assert sum(sent) < 20_000_000
    assert peak < 5_000_000


@pytest.mark.parametrize(
    ("pieces", "reason"),
    [
        pytest.param([], "connection-broken", id="hangs up"),
        pytest.param([b"SSH-2.0-OpenSSH_9.2\r\n"], "answer-unreadable", id="speaks SSH"),
        pytest.param([b"HTTP/1.1 20 Hm\r\n\r\n"], "answer-unreadable", id="no status"),
        pytest.param([b"\x00" * 100], "answer-unreadable", id="zeros"),
        pytest.param([b"HTTP/1.1 201 C\r\nX: "], "answer-unreadable", id="half a head"),
        pytest.param([b"HTTP/1.1 201 C\r\nX: ", b"x" * 200_000], "answer-unreadable", id="long"),
        pytest.param(
            [b"HTTP/1.1 201 C\r\n", *[b"X: yyyyyyyyyy\r\n"] * 20_000],
            "answer-unreadable",
            id="fields without end",
        ),
        pytest.param(
            [b"HTTP/1.1 103 Early Hints\r\n\r\n"] * 20_000,
            "answer-unreadable",
            id="hints without end",
        ),
    ],
)
def test_an_answer_that_is_none_is_transient(
    browser: Browser, pieces: Sequence[bytes], reason: str
) -> None:
    """The reason is a word of ours; nothing the other side said is repeated."""
    with answering(pieces) as endpoint:
        outcome = send_one(make_envelope(browser, endpoint=endpoint))

    assert outcome == Outcome(kind=TRANSIENT, reason=reason)


def test_nothing_is_sent_twice_in_one_attempt(browser: Browser) -> None:
    """Not even on a kept connection that breaks, where HTTP clients like to try again."""
    gateway, envelope = WebPushGateway(SETTINGS), make_envelope(browser)
    [before] = gateway.send([envelope])
    plan(envelope, store=True, drop_connection=True)

    [broken] = gateway.send([envelope])

    assert before.kind is ACCEPTED
    assert broken == Outcome(kind=TRANSIENT, reason="connection-broken")
    assert len(logged(envelope)) == 2


def test_taken_in_but_hung_up_on_is_sent_again_and_shown_once(browser: Browser) -> None:
    """The sender cannot know; the topic makes the second replace the first."""
    envelope = make_envelope(browser)
    plan(envelope, store=True, drop_connection=True)

    first, second = send_one(envelope), send_one(envelope)

    assert (first.kind, first.status) == (TRANSIENT, None)
    assert second.kind is ACCEPTED
    assert [entry["message_id"] is None for entry in logged(envelope)] == [False, False]
    assert len(browser.messages()) == 1


def test_a_201_before_the_connection_breaks_counts(browser: Browser) -> None:
    """The head came, so the message was accepted."""
    envelope = make_envelope(browser)
    plan(envelope, store=True, status=201, drop_connection=True)

    assert send_one(envelope).kind is ACCEPTED
    assert len(browser.messages()) == 1


def test_proxies_and_passwords_of_the_environment_are_ignored(
    browser: Browser, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Neither HTTP_PROXY nor .netrc may change where a push goes or who signs it."""
    envelope = make_envelope(browser)
    for name in (".netrc", "netrc"):
        (tmp_path / name).write_text("machine 127.0.0.1 login me password secret\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")

    assert send_one(envelope).kind is ACCEPTED


@pytest.mark.parametrize(
    "found",
    [
        ["127.0.0.1"],
        ["10.0.0.1"],
        ["169.254.169.254"],
        ["0.0.0.0"],
        ["100.64.0.1"],
        ["::1"],
        ["fe80::1"],
        ["fd00::1"],
        ["::ffff:10.0.0.1"],
        ["2002:a00:1::"],
        ["64:ff9b::10.0.0.1"],
        ["142.250.180.10", "192.168.1.1"],
    ],
)
def test_an_allowed_name_that_leads_inside_is_not_called(
    browser: Browser, found: list[str]
) -> None:
    """One private address among public ones is enough to refuse."""
    envelope = make_envelope(browser, endpoint="https://fcm.googleapis.com/fcm/send/x")
    gateway = WebPushGateway(SETTINGS, look_up=lambda _host, _port: found)

    assert (
        gateway.send([envelope, envelope])
        == [Outcome(kind=REFUSED, reason="address-not-public")] * 2
    )


@pytest.mark.parametrize("later", [["10.0.0.1"], ["127.0.0.1", "10.0.0.1"]])
def test_a_name_that_rebinds_is_asked_for_again_and_refused(
    browser: Browser, later: list[str]
) -> None:
    """What was harmless is believed for a minute, although the connection to it is still there."""
    answers, asked, times = [["127.0.0.1"], later], [], [clock.now()]

    def rebind(host: str, _port: int) -> list[str]:
        asked.append(host)
        return answers[min(len(asked), 2) - 1]

    gateway = WebPushGateway(SETTINGS, look_up=rebind, now=lambda: times[-1])
    envelope = make_envelope(browser)
    plan(envelope, status=201, times=4)
    envelope = replace(envelope, endpoint=envelope.endpoint.replace("127.0.0.1", "localhost"))

    first = gateway.send([envelope, envelope])
    times.append(times[0] + timedelta(seconds=59))
    second = gateway.send([envelope])
    times.append(times[0] + timedelta(seconds=60))
    third = gateway.send([envelope, envelope])

    assert [outcome.kind for outcome in first + second] == [ACCEPTED] * 3
    assert [outcome.reason for outcome in third] == ["address-not-public"] * 2
    assert len(asked) > 1


def test_the_system_is_asked_for_names(browser: Browser) -> None:
    """The real look-up, by the one name that needs no network."""
    envelope = make_envelope(browser)
    plan(envelope, status=201)
    named = replace(envelope, endpoint=envelope.endpoint.replace("127.0.0.1", "localhost"))

    assert send_one(named).kind is ACCEPTED


def test_loopback_names_lead_nowhere_without_the_setting(browser: Browser) -> None:
    """In production, a loopback endpoint that slipped into the database is not called."""
    production = SETTINGS.model_copy(update={"allow_loopback": False})
    envelope = make_envelope(browser)

    assert send_one(envelope, settings=production).reason == "endpoint-refused"
    assert logged(envelope) == []


@pytest.mark.parametrize(
    ("look_up", "reason"),
    [
        pytest.param(lambda _host, _port: [], "name-unknown", id="no address"),
        pytest.param(lambda _host, _port: RELEASED.wait(60), "timeout", id="nobody answers"),
    ],
)
def test_a_failing_look_up_is_transient_and_held_to_the_deadline(
    browser: Browser, look_up: Callable[[str, int], list[str]], reason: str
) -> None:
    """A stuck name service holds up neither the batch nor its end."""
    named = make_envelope(browser, endpoint="https://fcm.googleapis.com/x")
    RELEASED.clear()
    started = time.monotonic()

    outcomes = WebPushGateway(IMPATIENT, look_up=look_up).send([named, make_envelope(browser)])
    took_s = time.monotonic() - started
    RELEASED.set()

    assert outcomes[0] == Outcome(kind=TRANSIENT, reason=reason)
    assert outcomes[1].kind is ACCEPTED
    assert took_s < 30


def test_our_own_mistake_is_logged_and_harms_no_other_envelope(browser: Browser) -> None:
    """It is settled like a network error, so that it is tried again, and somebody is told."""
    broken = make_envelope(browser, endpoint="https://fcm.googleapis.com/x")

    def break_down(_host: str, _port: int) -> list[str]:
        raise ZeroDivisionError

    gateway = WebPushGateway(SETTINGS, look_up=break_down)
    with capture_logs() as logs:
        outcomes = gateway.send([broken, make_envelope(browser)])

    assert outcomes[0] == Outcome(kind=TRANSIENT, reason="ZeroDivisionError")
    assert outcomes[1].kind is ACCEPTED
    assert [(log["event"], log["delivery_id"]) for log in logs] == [
        ("push.broke", str(broken.delivery_id))
    ]
