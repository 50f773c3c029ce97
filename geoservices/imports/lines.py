"""What a line says of a task, and how its cells are read."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from itertools import chain, count
from typing import TypeVar

from geoservices.access.reach import LONGEST_TAG, normal_tag
from geoservices.calendars.recurrence import local_instant
from geoservices.instants import is_plannable
from geoservices.tasks.models import Priority
from geoservices.tasks.waiting import MOST

Read = TypeVar("Read")

LONGEST = {
    "external_id": 120,
    "place": 200,
    "title": 120,
    "text": 5000,
    "team": 120,
    "skill": LONGEST_TAG,
    "assignee": 254,
    "rule": 500,
}
"""How many characters the text of a column may have."""
MOST_ITEMS = 100
MOST_DEPENDENCIES = MOST
LONGEST_ITEM = 120
YES = ("yes", "y", "true", "1", "x")
NO = ("no", "n", "false", "0")
BRITISH = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})(?:[ T]+(\d{1,2}):(\d{2})(?::(\d{2}))?)?")
DATE_ALONE = re.compile(r"\d{4}-\d{2}-\d{2}")
ANOTHER_AGE = "Check the year: it lies between 1970 and 2200."
START, END = time(0, 0), time(23, 59)
"""What a day alone stands for, where something begins and where it is due or ends."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a line: in which column (empty for the whole), and what to change."""

    field: str
    detail: str


class CellRefused(ValueError):
    """A cell does not say what its column asks for; the message says what would."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskLine:
    """All that a line says of a task; a default says that it is so, and not that nothing is said.

    The exception is `starts_at`: without it a task begins when it is made, or before it was due if
    that is earlier, and stays so. `place` is an id, a reference or a name, `team` an id or a name
    and `assignee` an e-mail address. One that is `cancelled` needs to say nothing more than that.
    `depends_on` has references or ids. What has a `rule` is a series of tasks: the line says when
    the first begins, is due and ends.
    """

    external_id: str
    place: str = ""
    title: str = ""
    text: str = ""
    priority: Priority = Priority.NORMAL
    due_at: datetime | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    team: str = ""
    skill: str = ""
    assignee: str = ""
    checklist: tuple[str, ...] = ()
    cancelled: bool = False
    depends_on: tuple[str, ...] = ()
    rule: str = ""


COLUMNS = tuple(TaskLine.__dataclass_fields__)
"""What columns may be called."""


def read_line(cells: Mapping[str, str], *, time_zone: str) -> TaskLine | tuple[Fault, ...]:
    """Read a line of text, or say all that is wrong with it.

    Args:
        cells: The text of each column, without what is round it; what is missing is as if empty.
        time_zone: Whose clocks times without an offset are by.
    """
    readers: Mapping[str, Callable[[str], object]] = {
        "priority": _priority,
        "due_at": lambda text: _instant(text, time_zone, alone=END),
        "starts_at": lambda text: _instant(text, time_zone, alone=START),
        "ends_at": lambda text: _instant(text, time_zone, alone=END),
        "skill": normal_tag,
        "checklist": _items,
        "cancelled": _truth,
        "depends_on": _references,
    }
    said: dict[str, object] = {}
    faults: list[Fault] = []
    for column, text in cells.items():
        try:
            said[column] = readers.get(column, str)(_checked(column, text)) if text else None
        except CellRefused as refused:
            faults.append(Fault(column, str(refused)))
    told = {column: value for column, value in said.items() if value is not None}
    faults += _lacking(told, {fault.field for fault in faults})
    if faults:
        return tuple(faults)
    return TaskLine(**told)  # type: ignore[arg-type]  # Each reader returns what its column has.


def check_line(line: TaskLine) -> tuple[Fault, ...]:
    """Return what is wrong with a line that was not read from text."""
    told = {"external_id": line.external_id, "place": line.place, "title": line.title}
    told = {column: text for column, text in told.items() if text}
    return (*_lacking({**told, "cancelled": line.cancelled}, set()), *_years(line))


def items_of(texts: Sequence[str]) -> list[dict[str, str]]:
    """Return the items of a checklist, each with an id that follows from its text.

    So what is ticked stays so when the items are put into another order.
    """
    ids: dict[str, str] = {}
    for text in texts:
        slug = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:40] or "item"
        names = chain([slug], (f"{slug}-{number}" for number in count(2)))
        ids[next(name for name in names if name not in ids)] = text
    return [{"id": id_, "text": text} for id_, text in ids.items()]


def _lacking(told: Mapping[str, object], refused: set[str]) -> Iterator[Fault]:
    needed = ["external_id"] if told.get("cancelled") else ["external_id", "place", "title"]
    for column in needed:
        if column not in told and column not in refused:
            yield Fault(column, "It must not be empty.")


def _years(line: TaskLine) -> Iterator[Fault]:
    for column in ("due_at", "starts_at", "ends_at"):
        at = getattr(line, column)
        if at is not None and not is_plannable(at):
            yield Fault(column, ANOTHER_AGE)


def _checked(column: str, text: str) -> str:
    if "\x00" in text:
        raise CellRefused("It must not contain the character U+0000.")
    most = LONGEST.get(column)
    if most is not None and len(text) > most:
        raise CellRefused(f"It has {len(text)} characters; {most} are the most.")
    return text


def _priority(text: str) -> Priority:
    try:
        return Priority(text.lower())
    except ValueError as error:
        raise CellRefused(f"Write one of {', '.join(Priority)}.") from error


def _truth(text: str) -> bool:
    word = text.lower()
    if word not in {*YES, *NO}:
        raise CellRefused("Write yes or no.")
    return word in YES


def _items(text: str) -> tuple[str, ...]:
    items = tuple(item.strip() for item in re.split(r"[\n\r|]+", text))
    items = tuple(item for item in items if item)
    if len(items) > MOST_ITEMS:
        raise CellRefused(f"It has {len(items)} items; {MOST_ITEMS} are the most.")
    if any(len(item) > LONGEST_ITEM for item in items):
        raise CellRefused(f"An item has {LONGEST_ITEM} characters at most.")
    return items


def _references(text: str) -> tuple[str, ...]:
    said = [name.strip() for name in re.split(r"[\n\r|]+", text)]
    names = tuple(dict.fromkeys(name for name in said if name))
    if len(names) > MOST_DEPENDENCIES:
        raise CellRefused(f"It names {len(names)} tasks; {MOST_DEPENDENCIES} are the most.")
    return names


def _instant(text: str, time_zone: str, *, alone: time) -> datetime:
    """Read an instant, by the clocks of the time zone unless it has an offset; in UTC."""
    try:
        instant = _read_instant(text, time_zone, alone=alone)
    except (ValueError, OverflowError) as error:
        raise CellRefused(
            "Write it as 2026-03-04T09:30, with or without an offset, or as 04/03/2026 09:30, "
            "the day before the month."
        ) from error
    if not is_plannable(instant):
        raise CellRefused(ANOTHER_AGE)
    return instant


def _read_instant(text: str, time_zone: str, *, alone: time) -> datetime:
    british = BRITISH.fullmatch(text)
    if british:
        day, month, year, hour, minute, second = (int(part or 0) for part in british.groups())
        at = time(hour, minute, second) if british[4] else alone
        return local_instant(date(year, month, day), at, time_zone)
    if DATE_ALONE.fullmatch(text):
        return local_instant(date.fromisoformat(text), alone, time_zone)
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is not None:
        return instant.astimezone(UTC)
    return local_instant(instant.date(), instant.time(), time_zone)
