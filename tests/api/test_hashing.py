"""Work with passwords keeps to its own threads, and to so many at once."""

import asyncio
import threading
import time

import pytest

from api import hashing
from api.hashing import Hashing
from api.problems import Unavailable
from tests.signing import CHEAP


def test_no_more_are_hashed_at_once_than_are_set() -> None:
    """Whoever else wants to waits, and the event loop serves others meanwhile."""
    running, most, guard = 0, 0, threading.Lock()

    def work() -> str:
        nonlocal running, most
        with guard:
            running += 1
            most = max(most, running)
        time.sleep(0.02)
        with guard:
            running -= 1
        return threading.current_thread().name

    async def many() -> list[str]:
        desk = Hashing(CHEAP.model_copy(update={"hashes_at_once": 3}))
        return await asyncio.gather(*(desk.run(work) for _ in range(20)))

    names = asyncio.run(many())

    assert most == 3
    assert all(name.startswith("hashing") for name in names)


def test_so_many_wait_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """The others are told to come back at once; when the work is done there is room again."""
    monkeypatch.setattr(hashing, "WAITING_LIMIT", 4)
    done = threading.Event()

    async def many() -> list[bool | BaseException]:
        desk = Hashing(CHEAP.model_copy(update={"hashes_at_once": 1}))
        first = [asyncio.create_task(desk.run(done.wait, 10)) for _ in range(4)]
        await asyncio.sleep(0)
        with pytest.raises(Unavailable):
            await desk.run(done.wait, 10)
        done.set()
        told = await asyncio.gather(*first, return_exceptions=True)
        return [*told, await desk.run(done.wait, 10)]

    assert asyncio.run(many()) == [True] * 5


def test_what_goes_wrong_is_passed_on() -> None:
    """And gives its place free."""

    def work() -> None:
        raise KeyError("gone")

    async def often() -> None:
        desk = Hashing(CHEAP)
        for _ in range(hashing.WAITING_LIMIT + 1):
            with pytest.raises(KeyError):
                await desk.run(work)

    asyncio.run(often())
