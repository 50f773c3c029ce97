"""The way out: one pool of connections that only ever reach the push services we mean.

What an HTTP client does by default is what an attacker needs: following redirects, obeying
proxies of the environment, reading answers of any length, resolving names behind one's back.
libcurl is told to do none of it, and asks before each connection whether it may be made.
"""

import os
import re
import selectors
import socket
import ssl
import time
from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import Final, Protocol

import pycurl

from geoservices.push.endpoints import MAX_ORIGINS, Origin, read_origin
from geoservices.push.names import Addresses, AddressNotPublic, Names
from geoservices.settings import PushSettings

MAX_ANSWER_BYTES: Final = 4096
MAX_HEAD_BYTES: Final = 16 * 1024
CONNECT_WITHIN: Final = timedelta(seconds=5)
# Once the head has come, its body may take this long; the status has said everything.
BODY_WITHIN: Final = timedelta(seconds=1)
# A name that moved is looked up and connected to anew after this long at the latest, as soon as
# nothing is under way on the connection.
CONNECTION_LIFETIME: Final = timedelta(minutes=5)
IDLE_CONNECTION_LIFETIME: Final = timedelta(minutes=1)
# Services without HTTP/2 get as many connections at once; with it, one carries a hundred pushes.
CONNECTIONS_A_HOST: Final = 200
# So many are encrypted between two looks at the network.
BURST: Final = 64
# How often a look-up under way is asked whether it has ended.
LOOK_AGAIN_S: Final = 0.005

_STATUS_LINE = re.compile(rb"HTTP/[0-9.]+ ([0-9]{3})")
_REASONS: Final[Mapping[int, str]] = {
    pycurl.E_OPERATION_TIMEDOUT: "timeout",
    pycurl.E_COULDNT_CONNECT: "no-connection",
    pycurl.E_GOT_NOTHING: "connection-broken",
    pycurl.E_RECV_ERROR: "connection-broken",
    pycurl.E_SEND_ERROR: "connection-broken",
    pycurl.E_PEER_FAILED_VERIFICATION: "certificate-refused",
    pycurl.E_SSL_CONNECT_ERROR: "tls-failed",
}
_UNREADABLE: Final = "answer-unreadable"


@dataclass(frozen=True, slots=True)
class Post:
    """One request: where to, its headers as `Name: value`, and its body."""

    url: str
    headers: list[str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """What a push service said: names of headers in lower case, 4096 bytes of its body at most."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class NoAnswer(Exception):
    """The network failed before the head of an answer had come; `reason` says how."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


Ending = Answer | Exception


class _Address(Protocol):
    """What libcurl is about to connect to, as pycurl tells it."""

    family: int
    socktype: int
    protocol: int
    addr: tuple[str, int]


class _Exchange:
    """One easy handle of libcurl's, used again and again, and what its present post has heard."""

    def __init__(self, transport: "Transport") -> None:
        self.curl = pycurl.Curl()
        self.number = -1
        self.host = ""
        self.barred = False
        self.head: list[bytes] = []
        self.head_bytes = 0
        self.status = 0
        self.body = b""
        self.transport = transport

    def begin(self, number: int, host: str) -> None:
        """Forget the post before."""
        self.number, self.host, self.barred = number, host, False
        self.head, self.head_bytes, self.status, self.body = [], 0, 0, b""

    def take_head(self, line: bytes) -> int | None:
        """Take a line of the head; interim answers (RFC 9110 section 15.2) are dropped."""
        self.head_bytes += len(line)
        if self.head_bytes > MAX_HEAD_BYTES:
            return -1
        if self.status:
            return None  # A trailer.
        if line != b"\r\n":
            self.head.append(line)
            return None
        said = _STATUS_LINE.match(self.head[0]) if self.head else None
        status = int(said[1]) if said else 0
        if status < 200:  # noqa: PLR2004
            self.head = []
            return None
        self.status = status
        self.transport.expect_end(self)
        return None

    def take_body(self, part: bytes) -> int | None:
        """Take a part of the body, and break off where it is too long."""
        self.body = (self.body + part)[:MAX_ANSWER_BYTES]
        return -1 if len(self.body) == MAX_ANSWER_BYTES else None

    def open_socket(self, _purpose: int, address: _Address) -> int:
        """Open a socket to a checked address, and to no other."""
        if not self.transport.may_connect(self.host, address):
            self.barred = True
            return int(pycurl.SOCKET_BAD)
        return socket.socket(address.family, address.socktype, address.protocol).detach()

    def ending(self, code: int) -> Ending:
        """Say how it ended; a status that has come counts, whatever happened afterwards."""
        if self.status:
            return Answer(self.status, _fields(self.head), self.body)
        if self.barred:
            return AddressNotPublic()
        return NoAnswer(_REASONS.get(code, _UNREADABLE))


@dataclass(frozen=True, slots=True)
class _Parked:
    """A post that waits for its name to be looked up, at most until `due` (monotonic seconds)."""

    number: int
    post: Post
    origin: Origin
    due: float


class Transport:
    """Posts to push services over connections that are kept from one call to the next.

    HTTP/2 where TLS negotiates it, up to a hundred requests on one connection, else HTTP/1.1 with
    keep-alive. Belongs to the process and the one thread that made it.
    """

    def __init__(self, settings: PushSettings, names: Names) -> None:
        self._settings = settings
        self._names = names
        self._timeout_s = settings.timeout.total_seconds()
        self._process = os.getpid()
        self._selector = selectors.DefaultSelector()
        self._idle: list[_Exchange] = []
        self._under_way: dict[pycurl.Curl, _Exchange] = {}
        self._parked: dict[Future[Addresses], list[_Parked]] = {}
        self._bodies: deque[tuple[float, _Exchange, int]] = deque()
        self._timer_due: float | None = None
        self._multi = pycurl.CurlMulti()
        self._multi.setopt(pycurl.M_PIPELINING, pycurl.PIPE_MULTIPLEX)
        self._multi.setopt(pycurl.M_MAXCONNECTS, settings.concurrency)
        self._multi.setopt(pycurl.M_MAX_HOST_CONNECTIONS, CONNECTIONS_A_HOST)
        self._multi.setopt(pycurl.M_SOCKETFUNCTION, self._watch)
        self._multi.setopt(pycurl.M_TIMERFUNCTION, self._set_timer)

    def exchange(self, posts: Iterator[tuple[int, Post]]) -> Iterator[tuple[int, Ending]]:
        """Make each post once; yield its number and how it ended, in the order of their ends.

        Up to `settings.concurrency` are under way at once, each for `settings.timeout` at most;
        the next is only asked for when it can be begun.

        Raises:
            RuntimeError: The process has forked since. Two processes that use one TLS connection
                would use its keys twice.
        """
        if os.getpid() != self._process:
            raise RuntimeError("A transport belongs to the process that made it.")
        try:
            yield from self._exchange(posts)
        finally:
            # Whoever stops listening leaves nothing behind that a later call would hear of.
            self._parked.clear()
            self._bodies.clear()
            for exchange in list(self._under_way.values()):
                self._release(exchange)

    def expect_end(self, exchange: _Exchange) -> None:
        """Hold the body of an answer whose head has come to its own, shorter time."""
        due = time.monotonic() + BODY_WITHIN.total_seconds()
        self._bodies.append((due, exchange, exchange.number))

    def may_connect(self, host: str, address: _Address) -> bool:
        """Tell whether libcurl may connect to an address: one of the internet that is allowed."""
        internet = address.family in {socket.AF_INET, socket.AF_INET6}
        return internet and self._names.may_call(host, address.addr[0])

    def _exchange(self, posts: Iterator[tuple[int, Post]]) -> Iterator[tuple[int, Ending]]:
        more = True
        while more or self._under_way or self._parked:
            for _ in range(BURST):
                if not more or self._full():
                    break
                taken = next(posts, None)
                if taken is None:
                    more = False
                else:
                    self._begin(*taken)
            yield from self._unparked()
            if self._under_way or self._parked:
                self._turn(wait=not more or self._full())
                yield from self._ended()

    def _full(self) -> bool:
        waiting = sum(map(len, self._parked.values())) if self._parked else 0
        return len(self._under_way) + waiting >= self._settings.concurrency

    def _begin(self, number: int, post: Post) -> None:
        origin, due = read_origin(post.url), time.monotonic() + self._timeout_s
        parked = _Parked(number, post, origin, due)
        addresses = self._names.known(origin.host, origin.port)
        if addresses is not None:
            self._start(parked, addresses)
        else:
            found = self._names.find(origin.host, origin.port)
            self._parked.setdefault(found, []).append(parked)

    def _unparked(self) -> Iterator[tuple[int, Ending]]:
        """Start what has its addresses; end what has waited for too long, or in vain."""
        for found in [found for found in self._parked if found.done()]:
            error = found.exception()
            for one in self._parked.pop(found):
                if error is not None:
                    yield one.number, error if isinstance(error, Exception) else NoAnswer("stopped")
                else:
                    self._start(one, found.result())
        now = time.monotonic()
        for found, waiting in list(self._parked.items()):
            late = [one for one in waiting if one.due <= now]
            yield from ((one.number, NoAnswer("timeout")) for one in late)
            del waiting[: len(late)]
            if not waiting:
                del self._parked[found]

    def _start(self, one: _Parked, addresses: Addresses) -> None:
        exchange = self._idle.pop() if self._idle else self._make_exchange()
        curl, left_s = exchange.curl, one.due - time.monotonic()
        curl.setopt(pycurl.URL, one.post.url)
        curl.setopt(pycurl.HTTPHEADER, one.post.headers)
        curl.setopt(pycurl.POSTFIELDS, one.post.body)
        curl.setopt(pycurl.TIMEOUT_MS, max(1, int(left_s * 1000)))
        curl.setopt(pycurl.RESOLVE, _pins(one.origin, addresses))
        exchange.begin(one.number, one.origin.host)
        self._under_way[curl] = exchange
        self._multi.add_handle(curl)

    def _turn(self, *, wait: bool) -> None:
        """Let libcurl do what can be done, waiting for the network if there is nothing else."""
        for key, events in self._selector.select(self._pause_s() if wait else 0):
            mask = pycurl.CSELECT_IN if events & selectors.EVENT_READ else 0
            mask |= pycurl.CSELECT_OUT if events & selectors.EVENT_WRITE else 0
            self._multi.socket_action(key.fd, mask)
        if self._timer_due is not None and self._timer_due <= time.monotonic():
            self._timer_due = None
            self._multi.socket_action(pycurl.SOCKET_TIMEOUT, 0)

    def _pause_s(self) -> float:
        now = time.monotonic()
        pauses = [self._timeout_s]
        if self._parked:
            pauses.append(LOOK_AGAIN_S)
        if self._timer_due is not None:
            pauses.append(self._timer_due - now)
        if self._bodies:
            pauses.append(self._bodies[0][0] - now)
        return max(0, min(pauses))

    def _ended(self) -> Iterator[tuple[int, Ending]]:
        left = 1
        while left:
            left, done, failed = self._multi.info_read()
            codes = [(curl, 0) for curl in done] + [(curl, code) for curl, code, _ in failed]
            for curl, code in codes:
                exchange = self._under_way[curl]
                self._release(exchange)
                yield exchange.number, exchange.ending(code)
        now = time.monotonic()
        while self._bodies and (self._bodies[0][0] <= now or not self._is_open(self._bodies[0])):
            body = self._bodies.popleft()
            if self._is_open(body):
                _, exchange, number = body
                self._release(exchange)
                yield number, exchange.ending(pycurl.E_OPERATION_TIMEDOUT)

    def _is_open(self, body: tuple[float, _Exchange, int]) -> bool:
        _, exchange, number = body
        return exchange.number == number and exchange.curl in self._under_way

    def _release(self, exchange: _Exchange) -> None:
        del self._under_way[exchange.curl]
        self._multi.remove_handle(exchange.curl)
        self._idle.append(exchange)

    def _watch(self, event: int, fd: int, _multi: object, _data: object) -> None:
        """Watch a socket for what libcurl waits for."""
        wanted = selectors.EVENT_READ if event & pycurl.POLL_IN else 0
        wanted |= selectors.EVENT_WRITE if event & pycurl.POLL_OUT else 0
        watched = fd in self._selector.get_map()
        if event == pycurl.POLL_REMOVE:
            if watched:
                self._selector.unregister(fd)
        elif watched:
            self._selector.modify(fd, wanted)
        else:
            self._selector.register(fd, wanted)

    def _set_timer(self, pause_ms: int) -> None:
        self._timer_due = None if pause_ms < 0 else time.monotonic() + pause_ms / 1000

    def _make_exchange(self) -> _Exchange:
        exchange, settings = _Exchange(self), self._settings
        curl = exchange.curl
        schemes = pycurl.PROTO_HTTPS | (pycurl.PROTO_HTTP if settings.allow_loopback else 0)
        for option, value in (
            (pycurl.POST, 1),
            (pycurl.PROTOCOLS, schemes),
            (pycurl.FOLLOWLOCATION, 0),
            (pycurl.PROXY, ""),
            (pycurl.NOPROXY, "*"),
            (pycurl.NETRC, pycurl.NETRC_IGNORED),
            (pycurl.SSL_VERIFYPEER, 1),
            (pycurl.SSL_VERIFYHOST, 2),
            (pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_2TLS),
            (pycurl.PIPEWAIT, 1),
            (pycurl.PATH_AS_IS, 1),
            (pycurl.USERAGENT, ""),
            (pycurl.NOSIGNAL, 1),
            (pycurl.CONNECTTIMEOUT_MS, int(CONNECT_WITHIN.total_seconds() * 1000)),
            (pycurl.MAXAGE_CONN, int(IDLE_CONNECTION_LIFETIME.total_seconds())),
            (pycurl.MAXLIFETIME_CONN, int(CONNECTION_LIFETIME.total_seconds())),
            (pycurl.OPENSOCKETFUNCTION, exchange.open_socket),
            (pycurl.HEADERFUNCTION, exchange.take_head),
            (pycurl.WRITEFUNCTION, exchange.take_body),
        ):
            curl.setopt(option, value)
        for option, path in _authorities(settings):
            curl.setopt(option, path)
        return exchange


def _authorities(settings: PushSettings) -> Iterator[tuple[int, str]]:
    """Return who may vouch for a push service: those of the setting, else the system's."""
    if settings.ca_file is not None:
        yield pycurl.CAINFO, str(settings.ca_file)
        return
    system = ssl.get_default_verify_paths()
    if system.cafile:
        yield pycurl.CAINFO, system.cafile
    if system.capath:
        yield pycurl.CAPATH, system.capath


@lru_cache(MAX_ORIGINS)
def _pins(origin: Origin, addresses: Addresses) -> list[str]:
    """Tell libcurl where a host is, so that it does not ask by itself."""
    if addresses == (origin.host,):
        return []
    shown = ",".join(f"[{one}]" if ":" in one else one for one in addresses)
    return [f"{origin.host}:{origin.port}:{shown}"]


def _fields(head: list[bytes]) -> dict[str, str]:
    """Read the fields of a head (RFC 9110 section 5); of one that is repeated the last counts."""
    fields = {}
    for line in head[1:]:
        name, _, value = line.decode("latin-1").partition(":")
        fields[name.lower()] = value.strip()
    return fields
