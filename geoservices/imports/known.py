"""What lines may speak of, looked up for many at once."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypedDict, TypeVar
from uuid import UUID

from sqlalchemy.orm import Session

from geoservices.access.actors import Grant
from geoservices.errors import GeoservicesError, NotFound
from geoservices.imports import queries
from geoservices.imports.lines import Fault, TaskLine, items_of
from geoservices.members.models import Team
from geoservices.places import service as places
from geoservices.places.models import Place
from geoservices.tasks import waiting_queries
from geoservices.tasks.models import Task, TaskSeries
from geoservices.tasks.waiting_queries import Node

Thing = TypeVar("Thing")

COLUMN_OF = {"/assigned_to": "assignee", "/due_after": "due_at", "/lasts": "ends_at"}
"""What a line calls what a draft calls otherwise."""


class LineRefused(Exception):
    """A line cannot be applied."""

    def __init__(self, *faults: Fault) -> None:
        self.faults = faults
        super().__init__()


@contextmanager
def refusals() -> Iterator[None]:
    """Refuse a line for what the domain refuses of it, under the name of its column."""
    try:
        yield
    except GeoservicesError as refused:
        column = COLUMN_OF.get(refused.field or "", (refused.field or "").strip("/"))
        raise LineRefused(Fault(column, str(refused))) from refused


class Named(TypedDict):
    """What a line says of single tasks and of series alike, with what it names looked up."""

    place_id: UUID
    title: str
    text: str
    priority: str
    assigned_to: UUID | None
    team_id: UUID | None
    skill: str | None
    checklist: list[dict[str, str]]


@dataclass(slots=True, kw_only=True)
class Known:
    """What lines may speak of."""

    tasks: Mapping[str, Task]
    series: Mapping[str, TaskSeries]
    references: dict[str, UUID]
    """By what lines name tasks that others depend on; those made since are added."""
    awaited: dict[UUID, Node]
    """Those, as lines have changed them since."""
    has_order: bool = False
    """Whether `awaited` has all that wait for others."""
    checked_in: UUID | None = None
    """The import whose lines that were checked before count as if they had been taken in."""
    places: Mapping[str, Collection[Place]]
    teams: Mapping[str, Collection[Team]]
    workers: Mapping[str, Collection[UUID]]

    @classmethod
    def of(
        cls,
        session: Session,
        lines: Sequence[TaskLine],
        grant: Grant,
        *,
        checked_in: UUID | None = None,
    ) -> "Known":
        """Look up what the lines speak of."""
        own = grant.organisation_id
        tasks = queries.tasks_by_reference(session, own, [line.external_id for line in lines])
        called = queries.places_called(session, grant, _words(line.place for line in lines))
        open_to = [place for place in called if _is_open(session, place, grant)]
        teams = queries.teams_called(session, own, _words(line.team for line in lines))
        workers = queries.workers_at(session, own, _words(line.assignee for line in lines))
        names = {name for line in lines for name in line.depends_on}
        references = queries.task_ids_of(session, own, names)
        awaited = waiting_queries.nodes(session, grant, references.values())
        if checked_in is not None:
            checked = queries.checked_lines(session, checked_in, names)
            references |= {name: id_ for name, (id_, _node) in checked.items()}
            awaited |= dict(checked.values())
        return cls(
            tasks=tasks,
            series=queries.series_by_reference(session, own, [line.external_id for line in lines]),
            references=references,
            awaited=awaited,
            checked_in=checked_in,
            # An id says more than a reference, and that more than a name.
            places=_by_words(
                open_to,
                lambda place: str(place.id),
                lambda place: place.external_id.lower(),
                lambda place: place.name.lower(),
            ),
            teams=_by_words(teams, lambda team: str(team.id), lambda team: team.name.lower()),
            workers={address: [person_id] for address, person_id in workers.items()},
        )

    def learn_order(self, session: Session, grant: Grant) -> None:
        """Look up once what waits for what, for a line that changes it."""
        if not self.has_order:
            session.flush()
            self.awaited |= waiting_queries.waiting(session, grant)
            if self.checked_in is not None:
                self.awaited |= queries.checked_order(session, self.checked_in)
            self.has_order = True

    def named_by(self, line: TaskLine) -> Named:
        """Look up what a line names.

        Raises:
            LineRefused: Something is not there, or several are called so.
        """
        faults: list[Fault] = []

        def found(column: str, things: Mapping[str, Collection[Thing]], word: str) -> Thing | None:
            there = things.get(word.lower(), ()) if word else ()
            if word and len(there) != 1:
                faults.append(Fault(column, _ambiguous(column, len(there))))
            return next(iter(there), None)

        place = found("place", self.places, line.place)
        team = found("team", self.teams, line.team)
        assigned_to = found("assignee", self.workers, line.assignee)
        if faults or place is None:
            raise LineRefused(*faults)
        return Named(
            place_id=place.id,
            title=line.title,
            text=line.text,
            priority=line.priority,
            assigned_to=assigned_to,
            team_id=None if team is None else team.id,
            skill=line.skill or None,
            checklist=items_of(line.checklist),
        )


def _ambiguous(column: str, count: int) -> str:
    if count:
        return f"There are {count} that are called so. Write the id of the one you mean."
    match column:
        case "place":
            return "You manage tasks at no place with this id, reference or name."
        case "team":
            return "The organisation has no team of this name."
        case _:
            return "Nobody with this address does the organisation's work."


def _is_open(session: Session, place: Place, grant: Grant) -> bool:
    """Tell whether tasks may be put on at a place; a partner's stays shared until then."""
    if place.organisation_id == grant.organisation_id:
        return True
    try:
        places.get_place_for(session, place.id, grant)
    except NotFound:
        return False
    return True


def _words(texts: Iterable[str]) -> set[str]:
    return {text.lower() for text in texts if text}


def _by_words(
    things: Iterable[Thing], *ways: Callable[[Thing], str]
) -> dict[str, Collection[Thing]]:
    """Return things by what they are called; what they are called in an earlier way wins."""
    found: dict[str, Collection[Thing]] = {}
    for way in ways:
        called: dict[str, list[Thing]] = defaultdict(list)
        for thing in things:
            called[way(thing)].append(thing)
        found = {**called, **found}
    return found
