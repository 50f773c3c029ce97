"""Work with passwords, done by a few threads of its own.

Hashing a password takes some 20 MB and 20 ms of a core on purpose. Whoever sends many shall wait
for each other, and not keep the threads and database connections busy that serve everyone else.
"""

import asyncio
import contextvars
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import BoundedSemaphore
from typing import Annotated, ParamSpec, TypeVar

from fastapi import Depends, Request

from api.problems import Unavailable
from geoservices.credentials.hashing import Hasher
from geoservices.credentials.service import Desk
from geoservices.letters import changes
from geoservices.settings.entering import SignInSettings
from geoservices.settings.service import Settings

Given = ParamSpec("Given")
Found = TypeVar("Found")

WAITING_LIMIT = 64
"""So many requests hash or wait to; more are told to come back."""


class Hashing:
    """The hasher of a process, and the threads that may use it."""

    def __init__(self, settings: SignInSettings) -> None:
        self.hasher = Hasher(settings)
        self._threads = ThreadPoolExecutor(settings.hashes_at_once, "hashing")
        self._places = BoundedSemaphore(WAITING_LIMIT)

    async def run(
        self, work: Callable[Given, Found], *args: Given.args, **kwargs: Given.kwargs
    ) -> Found:
        """Do the work in one of the threads, when its turn comes.

        Raises:
            Unavailable: Too many wait already.
        """
        if not self._places.acquire(blocking=False):
            raise Unavailable
        try:
            call = partial(contextvars.copy_context().run, work, *args, **kwargs)
            return await asyncio.get_running_loop().run_in_executor(self._threads, call)
        finally:
            self._places.release()


def get_hashing(request: Request) -> Hashing:
    """The threads that work with passwords."""
    hashing: Hashing = request.app.state.hashing
    return hashing


def get_desk(request: Request, hashing: Annotated[Hashing, Depends(get_hashing)]) -> Desk:
    """What it takes to look at passwords."""
    state = request.app.state
    settings: Settings = state.settings
    return Desk(
        sessions=state.sessions,
        hasher=hashing.hasher,
        limiter=state.limiter,
        settings=settings,
        tell=partial(changes.tell, settings=settings),
    )


HashingDep = Annotated[Hashing, Depends(get_hashing)]
DeskDep = Annotated[Desk, Depends(get_desk)]
