"""Tasks that wait for others: which they may wait for, and that none waits for itself."""

from collections.abc import Collection, Mapping, Sequence
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from geoservices.access.actors import Grant
from geoservices.errors import ErrorKind, GeoservicesError
from geoservices.tasks import waiting_queries as queries
from geoservices.tasks.ordering import cycle_through
from geoservices.tasks.waiting_queries import Node

MOST: Final = 50
"""How many tasks one may wait for."""


class DependencyUnknown(GeoservicesError):
    """A task that it shall wait for is not there; nothing was changed."""

    kind = ErrorKind.INVALID
    code = "dependency-unknown"
    title = "There is no such task to wait for"

    def __init__(self, ids: Collection[UUID]) -> None:
        super().__init__(
            f"You manage no task {', '.join(sorted(map(str, ids)))}. Leave it out, or give the id "
            "of a task of your organisation's.",
            field="/depends_on",
        )


class DependencyCycle(GeoservicesError):
    """Tasks would wait for one another for ever; nothing was changed."""

    kind = ErrorKind.INVALID
    code = "dependency-cycle"
    title = "The tasks would wait for one another"

    def __init__(self, ids: Sequence[UUID], names: Sequence[str]) -> None:
        super().__init__(in_words(names), field="/depends_on")
        self.ids = ids

    def extra(self) -> Mapping[str, object]:
        """Name them: each waits for the next, and the last for the first."""
        return {"cycle": [str(one) for one in self.ids]}


def in_words(names: Sequence[str]) -> str:
    """Say of some that each would wait for the next, and the last for the first."""
    if len(names) == 1:
        return f"{names[0]} would wait for itself. Leave it out."
    ring = ", which waits for ".join([*names[1:], names[0]])
    return f"{names[0]} would wait for {ring}. Leave one of them out."


def check_dependencies(
    session: Session, task_id: UUID, depends_on: Collection[UUID], *, grant: Grant
) -> None:
    """Refuse to have a task wait for what is not there, or for itself by way of others.

    Where it comes to wait for more than before, nobody else has tasks of the organisation's wait
    for others until the transaction ends: so of two changes that together make a cycle one is
    refused. What it waits for already may be out of reach.

    Raises:
        DependencyUnknown: One is not the organisation's, or out of reach.
        DependencyCycle: It would wait for itself.
    """
    if not depends_on:
        return
    queries.hold_order(session, grant.organisation_id)
    own = queries.nodes(session, grant, [task_id]).get(task_id)
    added = set(depends_on) - set(own.depends_on if own else ())
    if not added:
        return
    found = queries.waiting(session, grant) | queries.nodes(session, grant, {*added, task_id})
    unknown = {one for one in added if one not in found or not found[one].is_reached}
    if unknown - {task_id}:
        raise DependencyUnknown(unknown - {task_id})
    check_cycle(task_id, depends_on, found)


def check_cycle(task_id: UUID, depends_on: Collection[UUID], awaited: Mapping[UUID, Node]) -> None:
    """Refuse to have a task wait for itself.

    Args:
        task_id: It.
        depends_on: What it shall wait for.
        awaited: What those wait for, and so on; what is done is in nobody's way.

    Raises:
        DependencyCycle: It would.
    """
    waits = {one: node.depends_on for one, node in awaited.items()} | {task_id: depends_on}
    cycle = cycle_through(task_id, waits)
    if cycle:
        raise DependencyCycle(cycle, [_name(awaited.get(one)) for one in cycle])


def _name(node: Node | None) -> str:
    if node is None:
        return "this task"
    return f"\u201c{node.title}\u201d" if node.is_reached else "a task at another place"
