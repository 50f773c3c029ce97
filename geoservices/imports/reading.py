"""Files of tasks read: CSV as spreadsheets and other systems write it (RFC 4180, and dirt).

What is wrong with one line is told of that line. What is wrong with the file as a whole, such as a
heading that is not known, is refused, as nothing in it could be trusted.
"""

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from io import StringIO

from geoservices.errors import ErrorKind, GeoservicesError
from geoservices.imports.lines import COLUMNS, LONGEST, Fault, TaskLine, read_line

DELIMITERS = ",;\t"
SEPARATOR = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)
"""A first line by which spreadsheets are told what separates cells."""


class ImportRefused(GeoservicesError):
    """The file as a whole cannot be read; nothing was stored."""

    kind = ErrorKind.INVALID
    code = "import-refused"
    title = "The file cannot be read"


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """One line of a file: what it says, or what is wrong with it.

    `number` is the line it begins in, from 1, the heading included; in JSON its place in the list.
    `external_id` is empty where the line does not even say that.
    """

    number: int
    external_id: str
    said: TaskLine | None = None
    faults: tuple[Fault, ...] = ()


def read_csv(data: bytes, *, time_zone: str, most: int) -> list[Read]:
    """Read a CSV file of tasks.

    Args:
        data: The file: UTF-8, UTF-16 with its mark, or else Windows-1252.
        time_zone: Whose clocks times without an offset are by.
        most: How many lines it may have, the heading not counted.

    Raises:
        ImportRefused: It is no text, its heading is not as it should be, or it has too many lines.
    """
    rows = _rows(_text(data))
    heading = next(rows, None)
    if heading is None or heading.fault:
        raise ImportRefused("It has no heading. Begin with a line of column names.")
    columns = _columns(heading.cells)
    read: list[Read] = []
    for row in rows:
        if len(read) == most:
            raise ImportRefused(f"It has more than {most} lines. Split it.")
        read.append(_read(row, columns, time_zone))
    return without_twins(read)


def without_twins(read: Iterable[Read]) -> list[Read]:
    """Return lines such that no two that can be used speak of the same task: the first one does."""
    first: dict[str, int] = {}
    told: list[Read] = []
    for line in read:
        earlier = first.setdefault(line.external_id, line.number)
        if line.said is not None and earlier != line.number:
            twin = Fault("external_id", f"Line {earlier} has it as well. Leave one of them out.")
            told.append(Read(number=line.number, external_id=line.external_id, faults=(twin,)))
        else:
            told.append(line)
    return told


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    number: int
    cells: Sequence[str]
    fault: str | None = None


def _text(data: bytes) -> str:
    """Decode a file: what is no UTF-8 was written by a spreadsheet in western Europe."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        encodings = ["utf-16"]
    else:
        encodings = ["utf-8-sig", "cp1252"]
    for encoding in encodings:
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise ImportRefused("It is no text in UTF-8. Save it as CSV UTF-8.")


def _rows(text: str) -> Iterator[_Row]:
    """Yield the rows that have anything in them."""
    told = SEPARATOR.match(text.split("\n", 1)[0])
    first = text.split("\n", 2)[1] if told and "\n" in text else text.split("\n", 1)[0]
    delimiter = told[1] if told else max(DELIMITERS, key=first.count)
    reader = csv.reader(StringIO(text, newline=""), delimiter=delimiter, strict=True)
    if told:
        with suppress(csv.Error):  # Its quotation mark may never be closed.
            next(reader, None)
    while True:
        number = reader.line_num + 1
        try:
            cells = [cell.strip() for cell in next(reader)]
        except StopIteration:
            return
        except csv.Error:
            yield _Row(number=number, cells=(), fault=_quoting(reader.line_num - number))
            continue
        if any(cells):
            yield _Row(number=number, cells=cells)


def _quoting(further: int) -> str:
    swallowed = f" It and the {further} lines after it could not be read." if further else ""
    return (
        "A quotation mark stands where none may, or one that opens is never closed. Put the cell "
        f'into quotation marks and write "" for each one within it.{swallowed}'
    )


def _columns(cells: Sequence[str]) -> list[str]:
    """Return the columns by their names, whatever their case; an empty one is none.

    Raises:
        ImportRefused: One is not known, or there twice, or there is none to know tasks again by.
    """
    columns = [re.sub(r"[\s_-]+", "_", cell.strip().lower()) for cell in cells]
    unknown = sorted({column[:40] for column in columns if column and column not in COLUMNS})
    if unknown:
        raise ImportRefused(
            f"There is no column {', '.join(map(ascii, unknown[:5]))}. Leave it out, or call it "
            f"one of {', '.join(COLUMNS)}."
        )
    twice = sorted({column for column in columns if column and columns.count(column) > 1})
    if twice:
        raise ImportRefused(f"The column {twice[0]} is there twice. Leave one of them out.")
    if "external_id" not in columns:
        raise ImportRefused("It lacks the column external_id, by which tasks are known again.")
    return columns


def _read(row: _Row, columns: Sequence[str], time_zone: str) -> Read:
    fault = row.fault or _misshapen(row.cells, columns)
    if fault is not None:
        return Read(number=row.number, external_id="", faults=(Fault("", fault),))
    cells = {name: cell for name, cell in zip(columns, row.cells, strict=False) if name}
    external_id = cells["external_id"][: LONGEST["external_id"]].replace("\x00", "")
    said = read_line(cells, time_zone=time_zone)
    if isinstance(said, TaskLine):
        return Read(number=row.number, external_id=external_id, said=said)
    return Read(number=row.number, external_id=external_id, faults=said)


def _misshapen(cells: Sequence[str], columns: Sequence[str]) -> str | None:
    """Say what is wrong with how many cells a line has; empty ones beyond the last are none."""
    if len(cells) < len(columns):
        return f"It has {len(cells)} cells where the heading has {len(columns)}."
    named = [*columns, *[""] * (len(cells) - len(columns))]
    if any(cell and not name for cell, name in zip(cells, named, strict=True)):
        return (
            "Something stands in a cell that has no heading. Put a cell with a comma or a line "
            "break in it into quotation marks."
        )
    return None
