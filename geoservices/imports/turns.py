"""In which order the lines of a file are applied: each after those that it depends on."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from geoservices.imports.lines import Fault
from geoservices.imports.reading import Read
from geoservices.tasks.ordering import in_order
from geoservices.tasks.waiting import in_words


def in_turn(read: Sequence[Read]) -> Sequence[tuple[Read, int]]:
    """Return the lines of a file in their order, each with its turn.

    Lines that would wait for one another are refused, whatever there was before: each is told which
    lines they are.
    """
    usable = {line.external_id: line for line in read if line.said is not None}
    ordered = in_order(
        {
            name: [one for one in line.said.depends_on if one in usable]
            for name, line in usable.items()
            if line.said is not None
        }
    )
    turns = {name: turn for turn, name in enumerate(ordered.order, start=1)}
    told = dict(one for cycle in ordered.cycles for one in _told(cycle, usable).items())
    return [(_refused(line, told), turns.get(line.external_id, 0)) for line in read]


def _told(cycle: Sequence[str], lines: Mapping[str, Read]) -> dict[str, Fault]:
    """Return for each line of a cycle what is wrong with it, seen from there."""
    names = [f"{one} (line {lines[one].number})" for one in cycle]
    return {
        one: Fault("depends_on", in_words([*names[number:], *names[:number]]))
        for number, one in enumerate(cycle)
    }


def _refused(line: Read, told: Mapping[str, Fault]) -> Read:
    fault = told.get(line.external_id)
    return line if fault is None or line.said is None else replace(line, said=None, faults=(fault,))
