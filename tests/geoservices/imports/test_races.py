"""One reference, brought by many at the same moment: one task."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from sqlalchemy import func, select

from geoservices import clock
from geoservices.access.actors import by_operator
from geoservices.access.rights import Right
from geoservices.database import SessionFactory, transaction
from geoservices.imports import service
from geoservices.imports.lines import TaskLine
from geoservices.imports.models import Outcome
from geoservices.tasks.models import Task
from tests.factories import make_organisation, make_place

AT_ONCE = 8


def test_many_who_bring_the_same_task_make_it_once(committed: SessionFactory) -> None:
    """The others find that it is so already."""
    with transaction(committed) as session:
        organisation = make_organisation(session)
        make_place(session, organisation)
        grant = by_operator(organisation.id, Right.LISTINGS_WRITE)
    line = TaskLine(external_id="A1", place="Exeter Library", title="Boiler")
    together = Barrier(AT_ONCE)

    def bring(_number: int) -> Outcome:
        with transaction(committed) as session:
            together.wait()
            return service.put_task(session, line, grant=grant, at=clock.now())[1]

    with ThreadPoolExecutor(AT_ONCE) as threads:
        outcomes = Counter(threads.map(bring, range(AT_ONCE)))

    assert outcomes == {Outcome.MADE: 1, Outcome.SAME: AT_ONCE - 1}
    with transaction(committed) as session:
        assert session.scalar(select(func.count()).select_from(Task)) == 1
