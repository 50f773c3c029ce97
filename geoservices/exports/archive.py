"""The file of an export: a zip with one JSON document, a CSV file for each kind, and a README."""

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from io import RawIOBase, TextIOWrapper
from typing import IO, Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from pydantic_core import to_jsonable_python
from typing_extensions import Buffer, override

from geoservices.exports.cells import cell
from geoservices.holdings.inventory import Holding

FORMAT = "geoservices-export"
VERSION = 1
"""Changes whenever a reader of the JSON document would have to."""
CHUNK_BYTES = 256 * 1024

Rows = Callable[[Holding], Iterable[Sequence[Mapping[str, Any]]]]
"""Gives the rows of a kind, some at a time; it is asked twice for each kind."""


class Chunks(RawIOBase):
    """A file that is only written on, and goes off in parts of one length."""

    def __init__(self, store: Callable[[bytes], None]) -> None:
        """Write to whatever stores parts.

        Args:
            store: Takes the next part.
        """
        self._store = store
        self._waiting = bytearray()

    @override
    def writable(self) -> bool:
        """Tell that it can be written on."""
        return True

    @override
    def write(self, data: Buffer, /) -> int:
        """Take bytes."""
        taken = bytes(data)
        self._waiting += taken
        while len(self._waiting) >= CHUNK_BYTES:
            self._store(bytes(self._waiting[:CHUNK_BYTES]))
            del self._waiting[:CHUNK_BYTES]
        return len(taken)

    def finish(self) -> None:
        """Store what is left."""
        if self._waiting:
            self._store(bytes(self._waiting))
            self._waiting.clear()


def write_archive(
    file: IO[bytes] | RawIOBase,
    holdings: Sequence[Holding],
    rows: Rows,
    *,
    at: datetime,
    wrote: Callable[[int], None],
) -> None:
    """Write everything that is held about a person, never more than some rows of it in memory.

    Args:
        file: Where to; it need not be one that can be gone back in.
        holdings: The kinds, in the order in which they are told.
        rows: What there is of each.
        at: The instant of which it speaks.
        wrote: Told after some rows how many they were; each row is written twice.
    """
    with ZipFile(file, "w", ZIP_DEFLATED) as archive:
        with _entry(archive, "README.txt", at) as entry:
            entry.write(_readme(holdings, at).replace("\n", "\r\n").encode())
        with _entry(archive, "data.json", at) as entry:
            for text in _json(holdings, rows, at, wrote):
                entry.write(text.encode())
        for holding in holdings:
            with _entry(archive, f"{holding.kind}.csv", at) as entry:
                _write_csv(entry, holding, rows, wrote)


def _entry(archive: ZipFile, name: str, at: datetime) -> IO[bytes]:
    told = ZipInfo(name, at.timetuple()[:6])
    told.compress_type = ZIP_DEFLATED
    # Of a stream nobody knows how long it will be.
    return archive.open(told, "w", force_zip64=True)


def _json(
    holdings: Sequence[Holding], rows: Rows, at: datetime, wrote: Callable[[int], None]
) -> Iterator[str]:
    head = {"format": FORMAT, "version": VERSION, "made_at": at.isoformat()}
    yield f'{{{_line(head)[1:-1]}, "kinds": {{'
    for number, holding in enumerate(holdings):
        about = {
            "title": holding.title,
            "why": holding.why,
            "correction": holding.correction,
            "columns": holding.explained,
            "not_told": dict(holding.withheld),
        }
        yield f'{"," * bool(number)}\n{_line(holding.kind)}: {{{_line(about)[1:-1]}, "rows": ['
        between = "\n"
        for some in rows(holding):
            yield between + ",\n".join(_line(to_jsonable_python(row)) for row in some)
            between = ",\n"
            wrote(len(some))
        yield "\n]}"
    yield "\n}}\n"


def _line(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _write_csv(
    entry: IO[bytes], holding: Holding, rows: Rows, wrote: Callable[[int], None]
) -> None:
    # With a byte order mark, spreadsheets know that it is UTF-8. RFC 4180 ends lines with CRLF.
    text = TextIOWrapper(entry, encoding="utf-8-sig", newline="")
    writer = csv.writer(text)
    titles: list[str] | None = None
    for some in rows(holding):
        if titles is None:
            titles = list(some[0])
            writer.writerow(titles)
        for row in some:
            told = to_jsonable_python(row)
            writer.writerow([cell(told[name]) for name in titles])
        wrote(len(some))
    if titles is None:
        writer.writerow(list(holding.explained))
    text.flush()
    text.detach()


def _readme(holdings: Sequence[Holding], at: datetime) -> str:
    kinds = "\n\n".join(
        f"{holding.kind}.csv: {holding.title}\n  {holding.why}\n"
        + "\n".join(f"    {name}: {words}" for name, words in holding.explained.items())
        for holding in holdings
    )
    return f"""Everything we hold about you, as of {at:%d %B %Y, %H:%M} UTC.

data.json has it all in one file, for programs. Each .csv file has one kind of it, for a
spreadsheet. Both say the same. Times are in UTC. What is empty we do not know.

Keep this file safe: it shows where you were. We delete our copy of it by ourselves.

To put something right, to have everything erased, or to see it again, use the app or the
address where you got this. What is not in here: secrets of which we keep only marks, and the
logs of our machines, which hold no positions and no names.

{kinds}
"""
