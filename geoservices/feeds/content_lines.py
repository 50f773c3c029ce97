"""The lines and components of iCalendar text (RFC 5545 section 3.1), each with its line's number.

The library reads a text whole or not at all. Here each line is read by it alone, so that what is
broken is left out and named, and nothing else suffers.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from icalendar.parser import Contentline, Parameters

from geoservices.feeds.reading import Fault

DEEPEST = 8
LONGEST_LINE = 100_000
"""Characters; pictures are sent as longer ones, and are not wanted."""
OF_INTEREST = frozenset({"VCALENDAR", "VEVENT", "VTIMEZONE", "STANDARD", "DAYLIGHT"})
_BREAK = re.compile(r"\r?\n")
_ESCAPED = re.compile(r"\\([\\;,nN])")
_SHOWN = 60


class Property(NamedTuple):
    """One content line; `value` is as it is written."""

    line: int
    name: str
    parameters: Parameters
    value: str

    def parameter(self, name: str) -> str:
        """Return a parameter as one text, empty if it is not there."""
        told = self.parameters.get(name, "")
        return str(told[0] if isinstance(told, list) and told else told)


@dataclass(slots=True)
class Component:
    """What stands between a BEGIN and its END."""

    name: str
    line: int
    properties: list[Property] = field(default_factory=list)
    components: list["Component"] = field(default_factory=list)

    def all(self, name: str) -> list[Property]:
        """Return the properties of a name, in their order."""
        return [one for one in self.properties if one.name == name]

    def first(self, name: str) -> Property | None:
        """Return the first property of a name."""
        return next((one for one in self.properties if one.name == name), None)


@dataclass(slots=True)
class Outline:
    """The components of a text; `closed` tells whether each had its end."""

    root: Component
    faults: list[Fault]
    closed: bool


def read_outline(text: str) -> Outline:
    """Read the lines of a text into components; what is not one is a fault, and passed over."""
    root = Component("", 1)
    path, faults = [root], list[Fault]()
    for number, line in _unfold(text):
        if not line.strip():
            continue
        name, _, value = line.partition(":")
        marker, told = name.strip().upper(), value.strip().upper()
        if marker == "BEGIN":
            _begin(path, told, number, faults)
        elif marker == "END":
            _end(path, told, number, faults)
        elif all(one.name in OF_INTEREST for one in path[1:]):
            read = _read_line(line, number)
            if isinstance(read, Fault):
                faults.append(read)
            else:
                path[-1].properties.append(read)
    faults += [
        Fault(line=one.line, what=f"BEGIN:{one.name} has no END; the feed may be cut short.")
        for one in path[1:]
    ]
    return Outline(root, faults, closed=len(path) == 1)


def plain_text(value: str) -> str:
    """Return a text as it was before it was escaped (RFC 5545 section 3.3.11)."""
    return _ESCAPED.sub(lambda found: "\n" if found[1] in "nN" else found[1], value)


def _begin(path: list[Component], name: str, number: int, faults: list[Fault]) -> None:
    component = Component(name, number)
    if len(path) <= DEEPEST:
        path[-1].components.append(component)
    elif len(path) == DEEPEST + 1:
        faults.append(Fault(line=number, what="Components within components: too deep."))
    path.append(component)


def _end(path: list[Component], name: str, number: int, faults: list[Fault]) -> None:
    open_ = [one.name for one in path[1:]]
    if name not in open_:
        faults.append(Fault(line=number, what=f"END:{_cut(name)} without a BEGIN before it."))
        return
    while path[-1].name != name:
        lost = path.pop()
        faults.append(Fault(line=lost.line, what=f"BEGIN:{_cut(lost.name)} has no END."))
    path.pop()


def _read_line(line: str, number: int) -> Property | Fault:
    if len(line) > LONGEST_LINE:
        return Fault(line=number, what=f"The line is longer than {LONGEST_LINE} characters.")
    try:
        name, parameters, value = Contentline(line).raw_parts()
    except ValueError:
        return Fault(line=number, what=f"This is not `NAME:value`: {_cut(line)}")
    return Property(number, name.upper(), parameters, value)


def _unfold(text: str) -> Iterator[tuple[int, str]]:
    """Yield each content line with the number of the line on which it begins."""
    parts: list[str] = []
    begun = 1
    for number, line in enumerate(_BREAK.split(text.removeprefix("\ufeff")), start=1):
        if not line:
            # Some programs break twice where they fold.
            continue
        if line.startswith((" ", "\t")) and parts:
            parts.append(line[1:])
            continue
        if parts:
            yield begun, "".join(parts)
        parts, begun = [line], number
    if parts:
        yield begun, "".join(parts)


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
