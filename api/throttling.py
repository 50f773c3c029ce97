"""How many requests one address may make, whatever they ask for."""

import time

from anyio.to_thread import run_sync
from starlette.requests import Request
from starlette.types import Scope

from api.dependencies import get_address, get_limiter
from geoservices.limiting.limiter import Limit

MINUTE_S = 60.0
UNCOUNTED = 600
"""So many requests of an address in a minute are let through by each process without asking the
database, which is asked about those alone who ask for much."""

AT_MOST = 100_000
"""So many addresses are remembered by a process."""


class Throttle:
    """Counts each address by itself in its process, and with the others from there on."""

    def __init__(self) -> None:
        self._begin()

    def _begin(self) -> None:
        self._since = time.monotonic()
        self._seen: dict[str, int] = {}

    async def admit(self, scope: Scope) -> None:
        """Let a request in.

        Raises:
            TooManyRequests: Its address made too many.
        """
        if time.monotonic() - self._since >= MINUTE_S or len(self._seen) >= AT_MOST:
            self._begin()
        request = Request(scope)
        address = get_address(request)
        seen = self._seen[address] = self._seen.get(address, 0) + 1
        if seen > UNCOUNTED:
            await run_sync(get_limiter(request).spend, Limit.REQUESTS_BY_ADDRESS, address)
