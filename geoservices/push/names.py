"""Where a push service's name leads: looked up by ourselves, and checked.

A name that was harmless when it was registered may lead elsewhere now (DNS rebinding), so what
is asked here is what connections are then made to, and nothing else is.
"""

import socket
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import Final

from geoservices.push.endpoints import LOOPBACK_HOSTS, is_private, is_public
from geoservices.push.vapid import Clock

LOOK_UPS_AT_ONCE: Final = 16
REMEMBERED_FOR: Final = timedelta(seconds=60)
MAX_REMEMBERED: Final = 1024

LookUp = Callable[[str, int], Sequence[str]]
Addresses = tuple[str, ...]


def look_up(host: str, port: int) -> list[str]:
    """Ask the system for every address of a host.

    Raises:
        OSError: The name is unknown, or nobody answers.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


class AddressNotPublic(Exception):
    """A push service's name leads to an address that no push service can have."""


class Names:
    """The addresses of push services, each looked up in a thread and remembered for a minute.

    A look-up cannot be broken off, so it must not hold up whoever waits for another name. Made
    after forking: threads do not survive one.
    """

    def __init__(
        self, look_up: LookUp, *, allow_loopback: bool, now: Clock, allow_private: bool = False
    ) -> None:
        self._look_up = look_up
        self._allow_loopback = allow_loopback
        self._allow_private = allow_private
        self._now = now
        self._threads = ThreadPoolExecutor(LOOK_UPS_AT_ONCE, thread_name_prefix="push-names")
        self._known: dict[tuple[str, int], tuple[datetime, Addresses]] = {}
        self._under_way: dict[tuple[str, int], Future[Addresses]] = {}

    def known(self, host: str, port: int) -> Addresses | None:
        """Return every address of a host if it was looked up within the last minute."""
        found_at, addresses = self._known.get((host, port), (None, None))
        # A look-up from the future was made while this machine's clock was wrong.
        if found_at is None or not timedelta(0) <= self._now() - found_at < REMEMBERED_FOR:
            return None
        return addresses

    def find(self, host: str, port: int) -> Future[Addresses]:
        """Look up every address of a host; those who ask meanwhile share the look-up.

        The future raises `AddressNotPublic` if one address is not: it condemns them all. It raises
        `OSError` if there is none, or whatever else the look-up raised. Only success is remembered.
        """
        under_way = self._under_way.get((host, port))
        if under_way is None or under_way.done():
            under_way = self._threads.submit(self._look_up_checked, host, port, self._now())
            if len(self._under_way) >= MAX_REMEMBERED:
                self._under_way = {
                    key: one for key, one in self._under_way.items() if not one.done()
                }
            self._under_way[host, port] = under_way
        return under_way

    def may_call(self, host: str, address: str) -> bool:
        """Tell whether a connection for this host may be made to this address."""
        if self._allow_loopback and host in LOOPBACK_HOSTS:
            return address in LOOPBACK_HOSTS
        return is_public(address) or (self._allow_private and is_private(address))

    def _look_up_checked(self, host: str, port: int, at: datetime) -> Addresses:
        found = (host,) if _is_address(host) else tuple(self._look_up(host, port))
        if not found:
            raise OSError("The name has no address.")
        if not all(self.may_call(host, address) for address in found):
            raise AddressNotPublic
        if len(self._known) >= MAX_REMEMBERED:
            self._known.clear()
        self._known[host, port] = (at, found)
        return found


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
