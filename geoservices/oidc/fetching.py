"""Requests to an identity provider, and nowhere else.

Who runs the service names the provider, but what the provider's own documents name is called as
well. So the rules are those of push services: addresses are looked up by ourselves and checked,
connections are made to them alone, redirects are not followed, and no answer is read for long.
"""

import socket
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import TimeoutError as LookUpTimeout
from dataclasses import dataclass
from threading import Semaphore
from typing import Final
from urllib.parse import urlsplit

import pycurl

from geoservices import clock
from geoservices.oidc.refusals import ProviderUnavailable
from geoservices.push.endpoints import LOOPBACK_HOSTS, Origin, read_origin
from geoservices.push.exchanges import REASONS, Address, authorities
from geoservices.push.names import Addresses, AddressNotPublic, Names, look_up
from geoservices.settings.entering import OidcSettings
from geoservices.settings.providers import ProviderSettings

MAX_BODY: Final = 262_144
"""Room for a provider's document and for the keys of many."""
MAX_HEAD: Final = 65_536
AT_ONCE: Final = 8
"""So many requests to a provider are under way; one that hangs must not take every thread."""
OK: Final = 200
FORM: Final = "Content-Type: application/x-www-form-urlencoded"
_UNREADABLE: Final = "answer-unreadable"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a provider answered."""

    status: int
    body: bytes


class Fetcher:
    """Asks one provider, each time on a connection of its own: there are few requests."""

    def __init__(self, settings: OidcSettings, provider: ProviderSettings) -> None:
        self._settings = settings
        self._free = Semaphore(AT_ONCE)
        self._names = Names(
            look_up,
            allow_loopback=settings.allow_loopback,
            allow_private=provider.allow_private,
            now=clock.now,
        )

    def allows(self, url: str) -> bool:
        """Tell whether an address is one that may be called, or that browsers may be sent to."""
        try:
            parts, origin = urlsplit(url), read_origin(url)
        except ValueError:
            return False
        if not origin.host or parts.username is not None or parts.fragment or not url.isascii():
            return False
        by_http = self._settings.allow_loopback and origin.host in LOOPBACK_HOSTS
        return origin.scheme == "https" or (origin.scheme == "http" and by_http)

    def fetch(self, url: str, *, form: str | None = None, headers: Sequence[str] = ()) -> Answer:
        """Get an address, or post a form to it.

        Raises:
            ProviderUnavailable: There was no answer in time, or one that is too long; or too many
                others wait for one.
        """
        if not self.allows(url):
            raise ProviderUnavailable("address-refused")
        if not self._free.acquire(blocking=False):
            raise ProviderUnavailable("busy")
        try:
            return self._fetch(url, form, headers)
        finally:
            self._free.release()

    def _fetch(self, url: str, form: str | None, headers: Sequence[str]) -> Answer:
        due = time.monotonic() + self._settings.timeout.total_seconds()
        origin = read_origin(url)
        addresses = self._look_up(origin, due)
        call = _Call(self._names, origin.host)
        curl = pycurl.Curl()
        try:
            for option, value in self._options(call):
                curl.setopt(option, value)
            curl.setopt(pycurl.URL, url)
            curl.setopt(pycurl.RESOLVE, _pins(origin, addresses))
            curl.setopt(pycurl.TIMEOUT_MS, max(1, int((due - time.monotonic()) * 1000)))
            curl.setopt(pycurl.HTTPHEADER, ["Accept: application/json", *headers])
            if form is not None:
                curl.setopt(pycurl.POSTFIELDS, form.encode())
            curl.perform()
            return Answer(curl.getinfo(pycurl.RESPONSE_CODE), bytes(call.body))
        except pycurl.error as error:
            raise ProviderUnavailable(call.broken_by or _reason(error)) from None
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
            raise ProviderUnavailable("timeout") from None
        except AddressNotPublic:
            raise ProviderUnavailable("address-refused") from None
        except OSError:
            raise ProviderUnavailable("name-unknown") from None

    def _options(self, call: "_Call") -> Iterator[tuple[int, object]]:
        schemes = pycurl.PROTO_HTTPS | (pycurl.PROTO_HTTP if self._settings.allow_loopback else 0)
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
        yield from authorities(self._settings.ca_file)


class _Call:
    """What one request has heard so far."""

    def __init__(self, names: Names, host: str) -> None:
        self._names = names
        self._host = host
        self._head = 0
        self.body = bytearray()
        self.broken_by: str | None = None

    def take_head(self, line: bytes) -> int | None:
        """Pass over a line of the head, and break off where there are too many."""
        self._head += len(line)
        return None if self._head <= MAX_HEAD else self._break("answer-too-long")

    def take_body(self, part: bytes) -> int | None:
        """Take a part of the body, and break off where it is too long."""
        self.body += part
        return None if len(self.body) <= MAX_BODY else self._break("answer-too-long")

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
