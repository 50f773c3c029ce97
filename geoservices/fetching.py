"""Requests to addresses that somebody else named, and nowhere else.

Who names the address may mean us harm, and what answers may too. So the rules are those of push
services: addresses are looked up by ourselves and checked, connections are made to them alone,
redirects are not followed, and no answer is read for long.
"""

import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import TimeoutError as LookUpTimeout
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from threading import Semaphore
from typing import Final
from urllib.parse import urlsplit

import pycurl

from geoservices import clock
from geoservices.push.endpoints import LOOPBACK_HOSTS, Origin, read_origin
from geoservices.push.exchanges import REASONS, Address, authorities
from geoservices.push.names import Addresses, AddressNotPublic, Names, look_up

MAX_HEAD: Final = 65_536
AT_ONCE: Final = 8
"""So many requests of one fetcher are under way; one that hangs must not take every thread."""
_UNREADABLE: Final = "answer-unreadable"


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered; the fields of its head are named in lower case, each by its last line."""

    status: int
    body: bytes
    fields: Mapping[str, str] = field(default_factory=dict)


class NotFetched(Exception):
    """There was no answer in time, or one that is too long; `reason` says which."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What a fetcher may do.

    Attributes:
        timeout: The longest one request may take, name look-up and answer included.
        max_body: The longest body, in bytes.
        ca_file: Certificates in PEM that vouch for servers in place of the system's.
        allow_loopback: Whether loopback may be called, by `http` too.
        allow_private: Whether the addresses of organisations' own networks may be called.
    """

    timeout: timedelta
    max_body: int
    ca_file: Path | None = None
    allow_loopback: bool = False
    allow_private: bool = False


def allows(url: str, *, allow_loopback: bool) -> bool:
    """Tell whether an address is one that may be called, or that browsers may be sent to."""
    try:
        parts, origin = urlsplit(url), read_origin(url)
    except ValueError:
        return False
    if not origin.host or parts.username is not None or parts.fragment or not url.isascii():
        return False
    by_http = allow_loopback and origin.host in LOOPBACK_HOSTS
    return origin.scheme == "https" or (origin.scheme == "http" and by_http)


class Fetcher:
    """Asks each time on a connection of its own: there are few requests."""

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self._free = Semaphore(AT_ONCE)
        self._names = Names(
            look_up,
            allow_loopback=bounds.allow_loopback,
            allow_private=bounds.allow_private,
            now=clock.now,
        )

    def allows(self, url: str) -> bool:
        """Tell whether an address is one that may be called, or that browsers may be sent to."""
        return allows(url, allow_loopback=self._bounds.allow_loopback)

    def fetch(self, url: str, *, form: str | None = None, headers: Sequence[str] = ()) -> Answer:
        """Get an address, or post a form to it.

        Raises:
            NotFetched: There was no answer in time, or one that is too long; or too many others
                wait for one.
        """
        if not self.allows(url):
            raise NotFetched("address-refused")
        if not self._free.acquire(blocking=False):
            raise NotFetched("busy")
        try:
            return self._fetch(url, form, headers)
        finally:
            self._free.release()

    def _fetch(self, url: str, form: str | None, headers: Sequence[str]) -> Answer:
        due = time.monotonic() + self._bounds.timeout.total_seconds()
        origin = read_origin(url)
        addresses = self._look_up(origin, due)
        call = _Call(self._names, origin.host, self._bounds.max_body)
        curl = pycurl.Curl()
        try:
            for option, value in self._options(call):
                curl.setopt(option, value)
            curl.setopt(pycurl.URL, url)
            curl.setopt(pycurl.RESOLVE, _pins(origin, addresses))
            curl.setopt(pycurl.TIMEOUT_MS, max(1, int((due - time.monotonic()) * 1000)))
            curl.setopt(pycurl.HTTPHEADER, list(headers))
            if form is not None:
                curl.setopt(pycurl.POSTFIELDS, form.encode())
            curl.perform()
            return Answer(curl.getinfo(pycurl.RESPONSE_CODE), bytes(call.body), call.fields)
        except pycurl.error as error:
            raise NotFetched(call.broken_by or _reason(error)) from None
        finally:
            curl.close()

    def _look_up(self, origin: Origin, due: float) -> Addresses:
        known = self._names.known(origin.host, origin.port)
        if known is not None:
            return known
        try:
            found = self._names.find(origin.host, origin.port)
            return found.result(max(0.0, due - time.monotonic()))
        except LookUpTimeout:
            raise NotFetched("timeout") from None
        except AddressNotPublic:
            raise NotFetched("address-refused") from None
        except OSError:
            raise NotFetched("name-unknown") from None

    def _options(self, call: "_Call") -> Iterator[tuple[int, object]]:
        schemes = pycurl.PROTO_HTTPS | (pycurl.PROTO_HTTP if self._bounds.allow_loopback else 0)
        yield pycurl.PROTOCOLS, schemes
        yield pycurl.FOLLOWLOCATION, 0
        yield pycurl.PROXY, ""
        yield pycurl.NOPROXY, "*"
        yield pycurl.NETRC, pycurl.NETRC_IGNORED
        yield pycurl.SSL_VERIFYPEER, 1
        yield pycurl.SSL_VERIFYHOST, 2
        yield pycurl.USERAGENT, ""
        yield pycurl.NOSIGNAL, 1
        yield pycurl.OPENSOCKETFUNCTION, call.open_socket
        yield pycurl.HEADERFUNCTION, call.take_head
        yield pycurl.WRITEFUNCTION, call.take_body
        yield from authorities(self._bounds.ca_file)


class _Call:
    """What one request has heard so far."""

    def __init__(self, names: Names, host: str, max_body: int) -> None:
        self._names = names
        self._host = host
        self._max_body = max_body
        self._head = 0
        self.fields: dict[str, str] = {}
        self.body = bytearray()
        self.broken_by: str | None = None

    def take_head(self, line: bytes) -> int | None:
        """Take a line of the head, and break off where there are too many."""
        self._head += len(line)
        name, colon, value = line.decode("latin-1").partition(":")
        if colon:
            self.fields[name.strip().lower()] = value.strip()
        return None if self._head <= MAX_HEAD else self._break("answer-too-long")

    def take_body(self, part: bytes) -> int | None:
        """Take a part of the body, and break off where it is too long."""
        self.body += part
        return None if len(self.body) <= self._max_body else self._break("answer-too-long")

    def open_socket(self, _purpose: int, address: Address) -> int:
        """Open a socket to a checked address, and to no other."""
        is_internet = address.family in {socket.AF_INET, socket.AF_INET6}
        if not is_internet or not self._names.may_call(self._host, address.addr[0]):
            self.broken_by = "address-refused"
            return int(pycurl.SOCKET_BAD)
        return socket.socket(address.family, address.socktype, address.protocol).detach()

    def _break(self, why: str) -> int:
        self.broken_by = why
        return -1


def _pins(origin: Origin, addresses: Addresses) -> list[str]:
    """Tell libcurl where a host is, so that it never asks."""
    if addresses == (origin.host,):
        return []
    shown = ",".join(f"[{one}]" if ":" in one else one for one in addresses)
    return [f"{origin.host}:{origin.port}:{shown}"]


def _reason(error: pycurl.error) -> str:
    return REASONS.get(error.args[0], _UNREADABLE)
