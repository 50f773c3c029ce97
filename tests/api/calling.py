"""A client that calls the application in its own thread.

Starlette's starts a thread and an event loop for each request, and goes from one to the other a
dozen times in it, which takes as long as many a request.
"""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterable, Iterator
from contextlib import contextmanager
from threading import get_ident
from typing import Any

from anyio import create_task_group
from fastapi import FastAPI
from httpx2 import (
    ASGITransport,
    AsyncByteStream,
    BaseTransport,
    ByteStream,
    Client,
    Request,
    Response,
)

Work = Coroutine[Any, Any, Response]


class StandingLoop:
    """An event loop that runs while a request is answered, and stands still in between.

    All is done within one task that never ends, because anyio ends its threads with the task that
    asked for them first.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.waiting = asyncio.Queue[
            tuple[Coroutine[Any, Any, Response], asyncio.Future[Response]]
        ]()
        self.serving = loop.create_task(self._serve())

    def run(self, work: Work) -> Response:
        """Do the work, and whatever it has begun meanwhile."""
        answer: asyncio.Future[Response] = self.loop.create_future()
        self.waiting.put_nowait((work, answer))
        self.loop.run_until_complete(answer)
        if begun := asyncio.all_tasks(self.loop) - {self.serving}:
            self.loop.run_until_complete(self._end_of(begun))
        return answer.result()

    async def _serve(self) -> None:
        async with create_task_group() as group:
            while True:
                group.start_soon(self._answer, *await self.waiting.get())

    @staticmethod
    async def _answer(work: Work, answer: asyncio.Future[Response]) -> None:
        try:
            answer.set_result(await work)
        except Exception as error:  # noqa: BLE001  # Whoever asked gets it.
            answer.set_exception(error)

    @staticmethod
    async def _end_of(begun: set[asyncio.Task[Any]]) -> None:
        await asyncio.wait(begun)


STANDING: dict[int, StandingLoop] = {}
"""The loops that stand while the tests of a process run, by their thread."""


@contextmanager
def standing_loop() -> Iterator[None]:
    """Let the requests of this thread share an event loop; those of others have one each."""
    with asyncio.Runner() as runner:
        STANDING[get_ident()] = StandingLoop(runner.get_loop())
        yield
        del STANDING[get_ident()]


class Chunks(AsyncByteStream):
    """A body that is made while it is sent."""

    def __init__(self, made: Iterable[bytes]) -> None:
        self.made = made

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self.made:
            yield chunk


class InProcess(BaseTransport):
    """Has requests answered by the application itself; what it lets escape is a bare 500."""

    def __init__(self, app: FastAPI) -> None:
        self.app = ASGITransport(app, raise_app_exceptions=False, client=("testclient", 50000))

    def handle_request(self, request: Request) -> Response:
        """Have one request answered."""
        if not isinstance(request.stream, AsyncByteStream):
            request.stream = Chunks(request.stream)
        standing = STANDING.get(get_ident())
        run = standing.run if standing else asyncio.run
        return run(self._answer(request))

    async def _answer(self, request: Request) -> Response:
        answer = await self.app.handle_async_request(request)
        content = ByteStream(await answer.aread())
        return Response(answer.status_code, headers=answer.headers.raw, stream=content)


class AppClient(Client):
    """A client of one application, which follows where it is sent and keeps cookies."""

    def __init__(self, app: FastAPI, *, base_url: str = "http://testserver") -> None:
        super().__init__(
            base_url=base_url, transport=InProcess(app), follow_redirects=True, trust_env=False
        )
        self.app = app
