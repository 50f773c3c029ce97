"""The way out: connections that only ever reach the push services we mean.

What an HTTP client does by default is what an attacker needs: following redirects, obeying
proxies of the environment, reading answers of any length, resolving names behind one's back.
"""

import asyncio
import socket
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from typing import Final

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from typing_extensions import override

from geoservices.push.endpoints import LOOPBACK_HOSTS, is_public
from geoservices.settings import PushSettings

MAX_ANSWER_BYTES: Final = 4096
# An answer's body is read only so that its connection can carry the next push.
DRAIN_WITHIN: Final = timedelta(seconds=1)

LookUp = Callable[[str, int], Sequence[str]]


def look_up(host: str, port: int) -> list[str]:
    """Ask the system for every address of a host.

    Raises:
        OSError: The name is unknown, or nobody answers.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


class AddressNotPublic(Exception):
    """A push service's name leads to an address that no push service can have."""


class CheckedResolver(AbstractResolver):
    """Looks names up for the connection itself, so that what was checked is what is called.

    A name that was harmless when it was registered may lead elsewhere now (DNS rebinding). One
    address that is not public condemns them all.
    """

    def __init__(
        self, look_up: LookUp, *, threads: ThreadPoolExecutor, allow_loopback: bool
    ) -> None:
        self._look_up = look_up
        self._threads = threads
        self._allow_loopback = allow_loopback

    @override
    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(self._threads, self._look_up, host, port)
        if not found:
            raise OSError("The name has no address.")
        if not all(self._may_call(host, address) for address in found):
            raise AddressNotPublic
        return [_result(host, port, address) for address in found]

    @override
    async def close(self) -> None:
        """Leave the threads to the gateway: they outlive this loop."""

    def _may_call(self, host: str, address: str) -> bool:
        if self._allow_loopback and host in LOOPBACK_HOSTS:
            return address in LOOPBACK_HOSTS
        return is_public(address)


def open_session(settings: PushSettings, *, resolver: AbstractResolver) -> aiohttp.ClientSession:
    """Open a session without cookies, proxies, .netrc or decompression, and with a deadline."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(resolver=resolver, limit=settings.concurrency),
        timeout=aiohttp.ClientTimeout(total=settings.timeout.total_seconds()),
        cookie_jar=aiohttp.DummyCookieJar(),
        skip_auto_headers=("User-Agent",),
        trust_env=False,
        auto_decompress=False,
        read_bufsize=MAX_ANSWER_BYTES,
    )


async def drain(response: aiohttp.ClientResponse) -> None:
    """Read a short, prompt body; of any other the rest is left, which closes the connection.

    The status has said everything, so a body that fails to arrive changes no outcome.
    """
    left = MAX_ANSWER_BYTES
    with suppress(TimeoutError, aiohttp.ClientError):
        async with asyncio.timeout(DRAIN_WITHIN.total_seconds()):
            while left > 0 and (part := await response.content.read(left)):
                left -= len(part)


def _result(host: str, port: int, address: str) -> ResolveResult:
    return ResolveResult(
        hostname=host,
        host=address,
        port=port,
        family=socket.AF_INET6 if ":" in address else socket.AF_INET,
        proto=socket.IPPROTO_TCP,
        flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
    )
