"""Which tiles a process keeps, and how often it draws one."""

from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event, Semaphore

import pytest
from typing_extensions import override

from geoservices.database import SessionFactory, transaction
from geoservices.tiles import queries, service
from geoservices.tiles.addresses import TileAddress
from geoservices.tiles.service import ENTRY_BYTES, Tiles

WORLD = TileAddress(0, 0, 0)


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[TileAddress]:
    """The tiles that were drawn, on each of which is nothing."""
    drawn: list[TileAddress] = []

    def draw(_session: object, address: TileAddress) -> bytes:
        drawn.append(address)
        return b""

    monkeypatch.setattr(queries, "draw", draw)
    return drawn


def test_empty_tiles_take_room_too(sessions: SessionFactory, drawn: list[TileAddress]) -> None:
    """Else whoever asks for the whole ocean fills the memory with them."""
    tiles = Tiles(most_bytes=2 * ENTRY_BYTES)
    addresses = [TileAddress(16, x, 0) for x in range(3)]
    with transaction(sessions) as session:
        revision = tiles.overview(session).revision
        for address in (*addresses, addresses[0], addresses[2]):
            tiles.read(session, address, revision=revision)

    assert drawn == [*addresses, addresses[0]]


def test_a_revision_made_up_has_nothing_drawn_again(
    sessions: SessionFactory, drawn: list[TileAddress]
) -> None:
    """What is there now was drawn before, or is kept for whoever asks by the right one."""
    tiles = Tiles(most_bytes=10_000)
    with transaction(sessions) as session:
        revision = tiles.overview(session).revision
        made_up = [tiles.read(session, WORLD, revision=f"{number}") for number in range(3)]
        right = tiles.read(session, WORLD, revision=revision)

    assert drawn == [WORLD]
    assert [tile.lasting for tile in (*made_up, right)] == [False, False, False, True]


def test_whoever_wants_a_tile_while_it_is_drawn_waits_for_it(
    committed: SessionFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If it cannot be drawn they hear of it too; whoever comes later has it drawn."""
    tiles, drawn, begun, go_on = Tiles(most_bytes=10_000), list[int](), Event(), Event()
    waiting = Semaphore(0)

    class Watched(Future[bytes]):
        """A tile that others are seen to wait for."""

        @override
        def result(self, timeout: float | None = None) -> bytes:
            waiting.release()
            return super().result(timeout)

    def draw(_session: object, _address: TileAddress) -> bytes:
        drawn.append(len(drawn))
        begun.set()
        assert go_on.wait(10)
        if len(drawn) == 1:
            raise RuntimeError
        return b"drawn"

    def read() -> bytes:
        with transaction(committed) as session:
            return tiles.read(session, WORLD, revision="any").data

    monkeypatch.setattr(queries, "draw", draw)
    monkeypatch.setattr(service, "Future", Watched)
    with ThreadPoolExecutor(3) as pool:
        for _ in range(2):
            begun.clear()
            go_on.clear()
            reading = [pool.submit(read)]
            assert begun.wait(10)
            reading += [pool.submit(read) for _ in range(2)]
            assert all(waiting.acquire(timeout=10) for _ in range(2))
            go_on.set()
            ends = [one.exception(10) or one.result() for one in reading]
            assert len(set(map(repr, ends))) == 1

    assert ends == [b"drawn"] * 3
    assert drawn == [0, 1]
