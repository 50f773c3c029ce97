"""Tiles, each drawn once for all who look at it until something on the map changes."""

from concurrent.futures import Future
from dataclasses import dataclass
from threading import Lock
from typing import Final

from cachetools import LRUCache
from sqlalchemy.orm import Session

from geoservices.errors import NotFound
from geoservices.geometry.boxes import Bbox
from geoservices.scopes import everywhere
from geoservices.tiles import queries
from geoservices.tiles.addresses import WORLD, TileAddress, within_projection

Key = tuple[str, TileAddress]

ENTRY_BYTES: Final = 500
"""What it takes to remember a tile besides its content, which may be none."""


@dataclass(frozen=True, slots=True)
class Overview:
    """The map as a whole: its revision, and the box it shows something in."""

    revision: str
    bounds: Bbox


@dataclass(frozen=True, slots=True)
class Tile:
    """A drawn tile; `lasting` if it is what its revision shows, and always will be."""

    data: bytes
    lasting: bool


class Tiles:
    """The tiles that a process drew, those forgotten first that nobody asked for longest."""

    def __init__(self, *, most_bytes: int) -> None:
        """Hold as many as fit.

        Args:
            most_bytes: How much they may take together.
        """
        self._drawn: LRUCache[Key, bytes] = LRUCache(most_bytes, _weight)
        self._drawing: dict[Key, Future[bytes]] = {}
        self._lock = Lock()
        self._overview: Overview | None = None

    def overview(self, session: Session) -> Overview:
        """Return the revision of the map now and where its places lie; without any, the world."""
        with everywhere(session):
            revision = queries.revision(session)
            known = self._overview
            if known is None or known.revision != revision:
                extent = queries.extent(session)
                known = Overview(revision, within_projection(extent) if extent else WORLD)
                self._overview = known
        return known

    def read(self, session: Session, address: TileAddress, *, revision: str) -> Tile:
        """Return a tile as a revision shows it, or as it is now if that is another one.

        Raises:
            NotFound: There is no such tile.
        """
        if not address.exists:
            raise NotFound("tile")
        with self._lock:
            known = self._drawn.get((revision, address))
        if known is not None:
            return Tile(known, lasting=True)
        with everywhere(session):
            # Before it is drawn: what is drawn may then be newer than its revision, never older.
            present = queries.revision(session)
            data = self._draw(session, (present, address))
        return Tile(data, lasting=present == revision)

    def _draw(self, session: Session, key: Key) -> bytes:
        """Draw a tile, unless it is known by now; whoever wants it meanwhile waits for it.

        If it cannot be drawn they are told so too: one after the other would wait as long.
        """
        with self._lock:
            known = self._drawn.get(key)
            if known is not None:
                return known
            others = self._drawing.get(key)
            drawing = self._drawing.setdefault(key, Future())
        if others is not None:
            return others.result()
        try:
            data = queries.draw(session, key[1])
        except BaseException as error:
            self._end(key)
            drawing.set_exception(error)
            raise
        self._end(key, data)
        drawing.set_result(data)
        return data

    def _end(self, key: Key, data: bytes | None = None) -> None:
        with self._lock:
            del self._drawing[key]
            if data is not None and _weight(data) <= self._drawn.maxsize:
                self._drawn[key] = data


def _weight(data: bytes) -> int:
    return ENTRY_BYTES + len(data)
