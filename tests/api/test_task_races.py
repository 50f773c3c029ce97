"""Many at one task at the same moment, each on a connection of their own: one gets it."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from threading import Barrier
from typing import Any
from uuid import UUID

import pytest
from fastapi import FastAPI
from sqlalchemy import select
from sqlalchemy.orm import Session

from api.app import create_app
from geoservices.access.rights import Role
from geoservices.database import DatabaseRole, SessionFactory, make_engine, make_session_factory
from geoservices.listings.models import ListingKind
from geoservices.places.models import Place
from geoservices.scopes import confined_sessions
from geoservices.settings.service import Settings
from geoservices.tasks import completing, queries, recurring
from geoservices.tasks.models import Task, TaskStep
from geoservices.tasks.states import StepKind
from geoservices.tasks.stepping import write
from tests.api.asking import listing
from tests.api.conftest import client_of, with_token
from tests.api.world import make_series
from tests.conftest import make_migrated_database
from tests.factories import NOON, make_access_token, make_listing, make_organisation, make_place

CLIENTS = 50
WITHOUT_LOCK = 8


@dataclass(frozen=True, slots=True)
class Depot:
    """A committed world that several connections see, with many who look for work."""

    application: FastAPI
    sessions: SessionFactory
    tokens: tuple[str, ...]
    manager: str
    place_id: UUID

    def add_task(self) -> UUID:
        """Something for whoever comes by."""
        with self.sessions() as session, session.begin():
            place = session.get_one(Place, self.place_id)
            return make_listing(session, place, kind=ListingKind.TASK).id

    def change(self, task_id: UUID, **values: object) -> None:
        """Have something else be so of a task."""
        with self.sessions() as session, session.begin():
            task = session.get_one(Task, task_id)
            for name, value in values.items():
                setattr(task, name, value)

    def claimed(self, task_id: UUID) -> list[UUID | None]:
        """Who has claimed it, by its history."""
        claims = select(TaskStep.person_id).where(
            TaskStep.task_id == task_id, TaskStep.kind == StepKind.CLAIM
        )
        with self.sessions() as session:
            return list(session.scalars(claims))

    def holder(self, task_id: UUID) -> UUID | None:
        """Who has it now."""
        with self.sessions() as session:
            return session.get_one(Task, task_id).claimed_by


@pytest.fixture(scope="module")
def depot(server_url: str, worker_id: str, settings: Settings) -> Iterator[Depot]:
    """A database of this module's own, since what is committed here stays."""
    url = make_migrated_database(server_url, f"test_task_races_{worker_id}")
    engine = make_engine(url)
    callers = make_engine(url, role=DatabaseRole.CALLER, pool_size=CLIENTS // 2)
    sessions = make_session_factory(engine)
    with sessions() as session, session.begin():
        organisation = make_organisation(session)
        made = Depot(
            application=create_app(
                confined_sessions(callers), settings, intake=sessions, at_once=CLIENTS
            ),
            sessions=sessions,
            tokens=tuple(
                make_access_token(session, organisation, Role.STAFF) for _ in range(CLIENTS)
            ),
            manager=make_access_token(session, organisation),
            place_id=make_place(session, organisation).id,
        )
    yield made
    callers.dispose()
    engine.dispose()


def claim_at_once(depot: Depot, task_id: UUID, clients: int) -> list[Any]:
    """Claim a task from several members' clients at the same moment; return the answers."""
    together = Barrier(clients)

    def one(token: str) -> Any:
        client = with_token(client_of(depot.application), token)
        together.wait()
        return client.post(f"/v1/tasks/{task_id}/claim")

    with ThreadPoolExecutor(clients) as threads:
        return list(threads.map(one, depot.tokens[:clients]))


def test_of_fifty_who_claim_a_task_at_once_one_gets_it(depot: Depot) -> None:
    """The others are told that it is claimed; its history has one claim."""
    task_id = depot.add_task()

    answers = claim_at_once(depot, task_id, CLIENTS)

    assert Counter(answer.status_code for answer in answers) == {200: 1, 409: CLIENTS - 1}
    [winner] = [answer.json()["claimed_by"] for answer in answers if answer.status_code == 200]
    refusals = [answer.json() for answer in answers if answer.status_code == 409]
    assert {one["state"] for one in refusals} == {"claimed"}
    assert [str(one) for one in depot.claimed(task_id)] == [winner]
    assert str(depot.holder(task_id)) == winner


def test_without_its_lock_several_would_get_it(
    depot: Depot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that the test before can fail: what it is about is the lock and nothing else."""
    task_id = depot.add_task()
    all_have_read = Barrier(WITHOUT_LOCK)

    def look(session: Session, organisation_id: UUID, task_id: UUID) -> Task | None:
        found = queries.task(session, organisation_id, task_id)
        all_have_read.wait(timeout=30)
        return found

    monkeypatch.setattr(queries, "hold", look)

    answers = claim_at_once(depot, task_id, WITHOUT_LOCK)

    assert Counter(answer.status_code for answer in answers) == {200: WITHOUT_LOCK}
    assert len(depot.claimed(task_id)) == WITHOUT_LOCK


def test_a_task_done_by_all_at_once_is_done_once_with_every_record(depot: Depot) -> None:
    """Whoever did it without claiming it is written down too."""
    task_id = depot.add_task()
    together = Barrier(WITHOUT_LOCK)

    def one(token: str) -> Any:
        client = with_token(client_of(depot.application), token)
        together.wait()
        return client.post(f"/v1/tasks/{task_id}/done", json={})

    with ThreadPoolExecutor(WITHOUT_LOCK) as threads:
        answers = list(threads.map(one, depot.tokens[:WITHOUT_LOCK]))

    assert {answer.status_code for answer in answers} == {200}
    told = sorted(len(answer.json()["records"]) for answer in answers)
    assert told == list(range(1, WITHOUT_LOCK + 1))


def test_nobody_gets_a_task_before_what_it_waits_for_is_done(
    depot: Depot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fifty ask again and again while another is being done: none gets it before that is so."""
    first, second = depot.add_task(), depot.add_task()
    depot.change(second, depends_on=[first])
    to_commit = Barrier(2)

    def pausing(*arguments: Any, **options: Any) -> TaskStep:
        step = write(*arguments, **options)
        if arguments[2] is StepKind.DONE:
            # Written, and not committed: others must not see it yet.
            to_commit.wait(timeout=30)
            to_commit.wait(timeout=30)
        return step

    monkeypatch.setattr(completing, "write", pausing)

    def finish() -> Any:
        client = with_token(client_of(depot.application), depot.tokens[0])
        return client.post(f"/v1/tasks/{first}/done", json={})

    with ThreadPoolExecutor(CLIENTS) as threads:
        finishing = threads.submit(finish)
        to_commit.wait(timeout=30)
        before = claim_at_once(depot, second, CLIENTS - 1)
        to_commit.wait(timeout=30)
        assert finishing.result(timeout=30).status_code == 200
    after = claim_at_once(depot, second, CLIENTS)

    assert {answer.status_code for answer in before} == {409}
    assert {answer.json()["type"] for answer in before} == {"/problems/task-blocked"}
    assert Counter(answer.status_code for answer in after) == {200: 1, 409: CLIENTS - 1}
    assert len(depot.claimed(second)) == 1


def test_two_changes_that_make_a_cycle_together_are_not_both_taken(depot: Depot) -> None:
    """Each alone would be right; whichever comes second is refused, and told of the cycle."""
    for _again in range(5):
        one, two = depot.add_task(), depot.add_task()
        together = Barrier(2)

        def change(pair: tuple[UUID, UUID], together: Barrier = together) -> Any:
            task_id, other = pair
            body = listing(
                depot.place_id, kind="task", title="Lamp", depends_on=[str(other)], id=None
            )
            client = with_token(client_of(depot.application), depot.manager)
            together.wait()
            return client.put(f"/v1/listings/{task_id}", json=body)

        with ThreadPoolExecutor(2) as threads:
            answers = list(threads.map(change, [(one, two), (two, one)]))

        assert sorted(answer.status_code for answer in answers) == [200, 422]
        [refused] = [answer.json() for answer in answers if answer.status_code == 422]
        assert refused["type"] == "/problems/dependency-cycle"


def test_a_series_looked_at_by_several_workers_makes_one_task(depot: Depot) -> None:
    """Whichever comes first makes it."""
    with depot.sessions() as session, session.begin():
        place = session.get_one(Place, depot.place_id)
        series_id = make_series(session, place).id
    together = Barrier(WITHOUT_LOCK)
    at = NOON + timedelta(days=15)

    def look(_number: int) -> int:
        with depot.sessions() as session, session.begin():
            together.wait()
            return len(recurring.make_due(session, at=at, limit=10)[1])

    with ThreadPoolExecutor(WITHOUT_LOCK) as threads:
        made = list(threads.map(look, range(WITHOUT_LOCK)))

    assert sum(made) == 1
    with depot.sessions() as session:
        [task] = session.scalars(select(Task).where(Task.series_id == series_id))
    assert task.occurs_at == NOON + timedelta(days=14)
