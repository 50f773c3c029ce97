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

from geoservices.push.endpoints import LOOPBACK_HOSTS, is_public
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

    def __init__(self, look_up: LookUp, *, allow_loopback: bool, now: Clock) -> None:
        self._look_up = look_up
        self._allow_loopback = allow_loopback
        self._now = now
        self._threads = ThreadPoolExecutor(LOOK_UPS_AT_ONCE, thread_name_prefix="push-names")
        self._asked: dict[tuple[str, int], tuple[datetime, Future[Addresses]]] = {}

    def find(self, host: str, port: int) -> Future[Addresses]:
        """Return every address of a host, now or later; those who ask together share one look-up.

        The future raises `AddressNotPublic` if one address is not: it condemns them all. It raises
        `OSError` if there is none, or whatever else the look-up raised. Only success is remembered.
        """
        now = self._now()
        asked_at, found = self._asked.get((host, port), (now, None))
        if found is not None and (not found.done() or self._is_fresh(found, now - asked_at)):
            return found
        if len(self._asked) >= MAX_REMEMBERED:
            self._asked = {key: one for key, one in self._asked.items() if not one[1].done()}
        found = self._threads.submit(self._look_up_checked, host, port)
        self._asked[host, port] = (now, found)
        return found

    def may_call(self, host: str, address: str) -> bool:
        """Tell whether a connection for this host may be made to this address."""
        if self._allow_loopback and host in LOOPBACK_HOSTS:
            return address in LOOPBACK_HOSTS
        return is_public(address)

    @staticmethod
    def _is_fresh(found: Future[Addresses], age: timedelta) -> bool:
        # A look-up from the future was made while this machine's clock was wrong.
        return found.exception() is None and timedelta(0) <= age < REMEMBERED_FOR

    def _look_up_checked(self, host: str, port: int) -> Addresses:
        found = (host,) if _is_address(host) else tuple(self._look_up(host, port))
        if not found:
            raise OSError("The name has no address.")
        if not all(self.may_call(host, address) for address in found):
            raise AddressNotPublic
        return found


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
