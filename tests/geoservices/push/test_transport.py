"""Connections: over TLS to who proves its name, few, kept, and only to addresses that may be."""

import multiprocessing
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from typing_extensions import override

from geoservices import clock
from geoservices.push import exchanges
from geoservices.push.exchanges import Post
from geoservices.push.gateway import Outcome, OutcomeKind, WebPushGateway
from geoservices.push.names import Addresses, AddressNotPublic, Names
from geoservices.push.transport import Transport
from local.browser import Browser
from tests.pushing import IMPATIENT, SETTINGS, address_to, answering, logged, make_envelope, plan
from tests.serving_tls import FLOOD_BYTES, HTTP_1, HTTP_2, TlsService, make_certificate, serving_tls

ACCEPTED, TRANSIENT = OutcomeKind.ACCEPTED, OutcomeKind.TRANSIENT


def make_gateway(service: TlsService, **changes: object) -> WebPushGateway:
    """Make a gateway that trusts the service's own certificate and finds localhost in IPv4."""
    settings = SETTINGS.model_copy(update={"ca_file": service.certificate, **changes})
    return WebPushGateway(settings, look_up=lambda _host, _port: ["127.0.0.1"])


def send(gateway: WebPushGateway, service: TlsService, *paths: str) -> list[Outcome]:
    """Send one envelope to each path."""
    return gateway.send([address_to(service.url + path) for path in paths])


@pytest.mark.parametrize(
    ("offered", "spoken"), [((HTTP_2, HTTP_1), HTTP_2), ((HTTP_1,), HTTP_1), ((HTTP_2,), HTTP_2)]
)
def test_http_2_is_spoken_where_it_is_offered(
    tmp_path: Path, offered: Sequence[str], spoken: str
) -> None:
    """TLS agrees on it (RFC 9113 section 3.3)."""
    with serving_tls(tmp_path, protocols=offered) as service:
        outcomes = send(make_gateway(service), service, "/a?b=../c", "/x/../y")

    assert [outcome.kind for outcome in outcomes] == [ACCEPTED] * 2
    assert service.protocols == {spoken}
    assert sorted(service.paths) == ["/a?b=../c", "/x/../y"]


@pytest.mark.parametrize(("protocol", "most"), [(HTTP_2, 6), (HTTP_1, 200)])
def test_500_pushes_at_once_take_few_connections_which_are_kept(
    tmp_path: Path, protocol: str, most: int
) -> None:
    """One for a hundred streams, or 200 in turns; the next batch needs no new one."""
    with serving_tls(tmp_path, protocols=[protocol]) as service:
        gateway = make_gateway(service, timeout=timedelta(minutes=2))
        first = send(gateway, service, *["/push"] * 500)
        opened = service.connections
        second = send(gateway, service, *["/push"] * 100)

    assert {outcome.kind for outcome in first + second} == {ACCEPTED}
    assert opened <= most
    assert service.connections == opened
    assert len(service.paths) == 600


def test_an_old_connection_is_not_used_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that a name that moved is followed."""
    monkeypatch.setattr(exchanges, "CONNECTION_LIFETIME", timedelta(seconds=1))
    with serving_tls(tmp_path) as service:
        gateway = make_gateway(service)
        for pause_s in (0, 0, 2.1):
            time.sleep(pause_s)
            assert send(gateway, service, "/push")[0].kind is ACCEPTED

    assert service.connections == 2


def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path: Path) -> None:
    """Neither one signed by itself, nor one that another authority would have had to sign."""
    other = make_certificate(tmp_path, host="other.example")
    with serving_tls(tmp_path) as service:
        by_system = make_gateway(service, ca_file=None)
        by_another = make_gateway(service, ca_file=other)
        outcomes = [*send(by_system, service, "/push"), *send(by_another, service, "/push")]

    assert outcomes == [Outcome(kind=TRANSIENT, reason="certificate-refused")] * 2
    assert service.paths == []


def test_the_certificate_of_another_host_is_refused(tmp_path: Path) -> None:
    """The address is checked, and so is the name."""
    with serving_tls(tmp_path, host="push.example") as service:
        outcomes = send(make_gateway(service), service, "/push")

    assert outcomes == [Outcome(kind=TRANSIENT, reason="certificate-refused")]
    assert service.paths == []


def test_who_speaks_no_tls_is_left(browser: Browser) -> None:
    """An answer in the clear to a greeting in TLS."""
    with answering([b"HTTP/1.1 201 Created\r\n\r\n"]) as endpoint:
        envelope = make_envelope(browser, endpoint=endpoint.replace("http:", "https:"))
        [outcome] = WebPushGateway(IMPATIENT).send([envelope])

    assert outcome == Outcome(kind=TRANSIENT, reason="tls-failed")


def test_a_stream_that_misbehaves_harms_no_other_on_its_connection(tmp_path: Path) -> None:
    """One never answered, one dripping, one with 50 MB; each costs at most its bound."""
    with serving_tls(tmp_path, protocols=[HTTP_2]) as service:
        gateway = make_gateway(service, timeout=timedelta(seconds=5))
        started = time.monotonic()
        outcomes = send(gateway, service, "/silent", "/drip", "/flood", "/push", "/push")
        took_s = time.monotonic() - started
        again = send(gateway, service, "/push")

    assert outcomes[0] == Outcome(kind=TRANSIENT, reason="timeout")
    assert [outcome.kind for outcome in [*outcomes[1:], *again]] == [ACCEPTED] * 5
    assert took_s < 20
    assert service.sent_bytes < FLOOD_BYTES / 2


def test_libcurl_connects_where_we_found_the_name_and_asks_nobody_else(browser: Browser) -> None:
    """Localhost is 127.0.0.1 to the system; who looks it up as ::1 finds no push service there.

    A minute later the name has moved, and all are sent to where it is now.
    """
    found, times = [["::1"], ["127.0.0.1"]], [clock.now()]
    gateway = WebPushGateway(
        SETTINGS, look_up=lambda _host, _port: found[len(times) - 1], now=lambda: times[-1]
    )
    envelope = make_envelope(browser)
    plan(envelope, status=201, times=40)
    envelope = replace(envelope, endpoint=envelope.endpoint.replace("127.0.0.1", "localhost"))

    before = gateway.send([envelope] * 40)
    times.append(times[0] + timedelta(minutes=1))
    after = gateway.send([envelope] * 40)

    assert {outcome.reason for outcome in before} == {"no-connection"}
    assert {outcome.reason for outcome in after} == {"accepted"}


class Mistaken(Names):
    """Names that forget to check what they found."""

    @override
    def known(self, host: str, port: int) -> Addresses:
        return ("127.0.0.1",)


def test_the_very_address_is_checked_that_is_connected_to(browser: Browser) -> None:
    """Even if everything before had failed, no connection leads inside."""
    envelope = make_envelope(browser)
    port = envelope.endpoint.split(":")[2].split("/")[0]
    names = Mistaken(lambda _host, _port: [], allow_loopback=True, now=clock.now)
    post = Post(f"http://fcm.googleapis.com:{port}/push/x", [], b"x")

    [(_, ending)] = Transport(SETTINGS, names).exchange(iter([(0, post)]))

    assert isinstance(ending, AddressNotPublic)


def test_whoever_stops_listening_leaves_nothing_behind(browser: Browser) -> None:
    """What was under way is dropped, and the next call hears only of its own."""
    names = Names(lambda _host, _port: ["127.0.0.1"], allow_loopback=True, now=clock.now)
    sender = Transport(SETTINGS, names)
    posts = [Post(make_envelope(browser).endpoint, [], b"x") for _ in range(20)]

    first = sender.exchange(iter(enumerate(posts)))
    next(first)
    first.close()  # type: ignore[attr-defined]
    rest = dict(sender.exchange(iter([(100, posts[0])])))

    assert list(rest) == [100]


def test_threads_that_share_a_gateway_take_turns(browser: Browser) -> None:
    """Nothing is mixed up, and everything arrives."""
    gateway, envelope = WebPushGateway(SETTINGS), make_envelope(browser)
    with ThreadPoolExecutor(4) as threads:
        batches = list(threads.map(lambda _: gateway.send([envelope] * 5), range(8)))

    assert {outcome.kind for batch in batches for outcome in batch} == {ACCEPTED}
    assert len(logged(envelope)) == 40


def in_a_fork(work: Callable[[], bool]) -> bool:
    """Do something in a forked process, as Celery's prefork pool does; tell what came of it."""
    context = multiprocessing.get_context("fork")
    told = context.SimpleQueue()
    process = context.Process(target=lambda: told.put(work()))
    process.start()
    result = bool(told.get())
    process.join()
    return result


def test_a_forked_process_sends_with_a_gateway_of_its_own(browser: Browser) -> None:
    """The parent has imported everything, and even sent something itself."""
    envelope = make_envelope(browser)
    assert WebPushGateway(SETTINGS).send([envelope])[0].kind is ACCEPTED

    assert in_a_fork(lambda: WebPushGateway(SETTINGS).send([envelope])[0].kind is ACCEPTED)
    assert len(logged(envelope)) == 2


def test_a_gateway_is_not_carried_over_a_fork(browser: Browser) -> None:
    """Two processes on one TLS connection would use its keys twice."""
    gateway, envelope = WebPushGateway(SETTINGS), make_envelope(browser)
    gateway.send([envelope])

    def is_refused() -> bool:
        with pytest.raises(RuntimeError, match="process that made it"):
            gateway.send([envelope])
        return True

    assert in_a_fork(is_refused)
    assert gateway.send([envelope])[0].kind is ACCEPTED
    assert threading.active_count() < 100
