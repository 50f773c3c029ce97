"""The way out: one pool of connections that only ever reach the push services we mean.

What an HTTP client does by default is what an attacker needs: following redirects, obeying
proxies of the environment, reading answers of any length, resolving names behind one's back.
libcurl is told to do none of it, and asks before each connection whether it may be made.
"""

import os
import selectors
import socket
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import timedelta
from io import BytesIO
from typing import Final

import pycurl

from geoservices.push.endpoints import MAX_ORIGINS, Origin, read_origin
from geoservices.push.exchanges import Address, Ending, Exchange, NoAnswer, Post
from geoservices.push.names import Addresses, Names
from geoservices.settings.sending import PushSettings

# Once the head has come, its body may take this long; the status has said everything.
BODY_WITHIN: Final = timedelta(seconds=1)
# Services without HTTP/2 get as many connections at once; with it, one carries a hundred pushes.
CONNECTIONS_A_HOST: Final = 200
# So many are encrypted between two looks at the network.
BURST: Final = 64
# How often a look-up under way is asked whether it has ended.
LOOK_AGAIN_S: Final = 0.005


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
        self._idle: list[Exchange] = []
        self._under_way: dict[pycurl.Curl, Exchange] = {}
        self._parked: dict[Future[Addresses], list[_Parked]] = {}
        self._bodies: deque[tuple[float, Exchange, int]] = deque()
        self._timer_due: float | None = None
        self._told: dict[Origin, Addresses] = {}
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

    def _expect_end(self, exchange: Exchange) -> None:
        """Hold the body of an answer whose head has come to its own, shorter time."""
        due = time.monotonic() + BODY_WITHIN.total_seconds()
        self._bodies.append((due, exchange, exchange.number))

    def _may_connect(self, host: str, address: Address) -> bool:
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
        curl.setopt(pycurl.POSTFIELDSIZE, len(one.post.body))
        # Read once and never again: else libcurl would by itself send a second time what it sent
        # on a connection that then broke, and nobody would know.
        curl.setopt(pycurl.READFUNCTION, BytesIO(one.post.body).read)
        curl.setopt(pycurl.TIMEOUT_MS, max(1, int(left_s * 1000)))
        pins = self._new_pins(one.origin, addresses)
        if pins or exchange.pinned:
            curl.setopt(pycurl.RESOLVE, pins)
            exchange.pinned = bool(pins)
        exchange.begin(one.number, one.origin.host)
        self._under_way[curl] = exchange
        self._multi.add_handle(curl)
        if pins:
            # Read now, so that whatever is begun next for this host finds them.
            self._multi.socket_action(pycurl.SOCKET_TIMEOUT, 0)

    def _new_pins(self, origin: Origin, addresses: Addresses) -> list[str]:
        """Tell libcurl where a host is, unless it was told before, so that it never asks."""
        if self._told.get(origin) == addresses or addresses == (origin.host,):
            return []
        if len(self._told) >= MAX_ORIGINS:
            self._told.clear()
        self._told[origin] = addresses
        shown = ",".join(f"[{one}]" if ":" in one else one for one in addresses)
        return [f"{origin.host}:{origin.port}:{shown}"]

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

    def _is_open(self, body: tuple[float, Exchange, int]) -> bool:
        _, exchange, number = body
        return exchange.number == number and exchange.curl in self._under_way

    def _release(self, exchange: Exchange) -> None:
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

    def _make_exchange(self) -> Exchange:
        return Exchange(self._settings, answered=self._expect_end, may_connect=self._may_connect)
