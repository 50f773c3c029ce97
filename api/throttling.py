"""How many requests one address and one token may make, whatever they ask for."""

import time
from hashlib import sha256

from anyio.to_thread import run_sync
from starlette.requests import Request
from starlette.types import Scope

from api.dependencies import get_address
from geoservices.limiting.limiter import Limit, Limiter

MINUTE_S = 60.0
UNCOUNTED = 600
"""So many requests in a minute are let through by each process without asking the database, which
is asked about those alone who ask for much."""
AT_MOST = 100_000
"""So many who ask are remembered by a process."""
CREDENTIALS = (b"authorization", b"cookie")


class Throttle:
    """Counts whoever asks by themselves in its process, and with the others from there on."""

    def __init__(self, limiter: Limiter) -> None:
        self._limiter = limiter
        self._begin()

    def _begin(self) -> None:
        self._since = time.monotonic()
        self._seen: dict[tuple[Limit, str], int] = {}

    async def admit(self, scope: Scope) -> None:
        """Let a request in.

        Raises:
            TooManyRequests: Its address or its token made too many.
        """
        await self._count(Limit.REQUESTS_BY_ADDRESS, get_address(Request(scope)))
        for name, value in scope["headers"]:
            if name in CREDENTIALS:
                await self.count_token(value)

    async def count_token(self, header: bytes) -> None:
        """Count one request that was made with a token.

        Args:
            header: What stands in the header that brought it.

        Raises:
            TooManyRequests: It made too many.
        """
        await self._count(Limit.REQUESTS_BY_TOKEN, sha256(header).hexdigest())

    async def _count(self, limit: Limit, who: str) -> None:
        if time.monotonic() - self._since >= MINUTE_S or len(self._seen) >= AT_MOST:
            self._begin()
        seen = self._seen[limit, who] = self._seen.get((limit, who), 0) + 1
        if seen > UNCOUNTED:
            await run_sync(self._limiter.spend, limit, who)
