"""Files too long for a request: worked through by one worker at a time, whatever dies meanwhile."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select

from geoservices import clock
from geoservices.access.actors import by_operator
from geoservices.access.rights import Right
from geoservices.accounts.models import Organisation
from geoservices.database import SessionFactory, transaction
from geoservices.imports import applying, queries, service
from geoservices.imports.models import ImportMode, ImportState, TaskImport, TaskImportLine
from geoservices.imports.reading import read_csv
from geoservices.imports.service import AT_ONCE, LEASE, MOST_ATTEMPTS
from geoservices.tasks.models import Task
from tests.factories import make_organisation, make_place

MANY = 2 * AT_ONCE + 50


@pytest.fixture
def organisation_id(committed: SessionFactory) -> UUID:
    """Devon, with a library."""
    with transaction(committed) as session:
        organisation = make_organisation(session)
        make_place(session, organisation)
        return organisation.id


def asked(
    sessions: SessionFactory,
    *,
    mode: ImportMode = ImportMode.WHAT_IS_GOOD,
    dry_run: bool = False,
    bad: Sequence[int] = (),
    title: str = "Boiler",
) -> UUID:
    """The id of an import of many lines, some of them at a place that nobody knows."""
    rows = [
        f"A{number},{'Nowhere' if number in bad else 'Exeter Library'},{title} {number}"
        for number in range(MANY)
    ]
    text = "\n".join(["external_id,place,title", *rows])
    with transaction(sessions) as session:
        organisation = session.scalars(select(Organisation)).one()
        return service.ask_for(
            session,
            read_csv(text.encode(), time_zone="Europe/London", most=MANY),
            mode=mode,
            dry_run=dry_run,
            time_zone="Europe/London",
            grant=by_operator(organisation.id, Right.LISTINGS_WRITE),
            at=clock.now(),
        ).id


def seen(sessions: SessionFactory, import_id: UUID) -> tuple[TaskImport, dict[str, int]]:
    """An import as it stands, and how many lines came to what."""
    with transaction(sessions) as session:
        found = session.get_one(TaskImport, import_id)
        return found, queries.count_outcomes(session, [import_id])[import_id]


def count(sessions: SessionFactory, thing: type) -> int:
    """How many there are."""
    with transaction(sessions) as session:
        return session.scalars(select(func.count()).select_from(thing)).one()


def let_lease_end(sessions: SessionFactory, import_id: UUID) -> None:
    """As if the worker had not been heard of for long."""
    with transaction(sessions) as session:
        session.get_one(TaskImport, import_id).leased_until = clock.now() - timedelta(seconds=1)


@pytest.mark.usefixtures("organisation_id")
@pytest.mark.parametrize("mode", ImportMode)
def test_a_long_file_waits_for_a_worker(committed: SessionFactory, mode: ImportMode) -> None:
    """Who does all of it; again there is nothing to do."""
    import_id = asked(committed, mode=mode)
    assert seen(committed, import_id)[0].state == ImportState.QUEUED
    with transaction(committed) as session:
        handed = queries.hand_out(session, at=clock.now(), lease=LEASE, limit=5)
        again = queries.hand_out(session, at=clock.now(), lease=LEASE, limit=5)
    assert (handed, again) == ([import_id], [])

    assert service.carry_out(committed, import_id)
    assert not service.carry_out(committed, import_id)

    done, counted = seen(committed, import_id)
    assert (done.state, done.applied, done.lines_done) == (ImportState.DONE, True, MANY)
    assert counted == {"made": MANY}
    assert count(committed, Task) == MANY
    same = asked(committed, mode=mode)
    service.carry_out(committed, same)
    assert seen(committed, same)[1] == {"same": MANY}


@pytest.mark.usefixtures("organisation_id")
@pytest.mark.parametrize("dry_run", [False, True])
@pytest.mark.parametrize("mode", ImportMode)
def test_refused_lines_of_a_long_file(
    committed: SessionFactory, mode: ImportMode, *, dry_run: bool
) -> None:
    """Keep out all the others or none, and nothing is done for show."""
    import_id = asked(committed, mode=mode, dry_run=dry_run, bad=[7, MANY - 1])

    service.carry_out(committed, import_id)

    kept = mode is ImportMode.WHAT_IS_GOOD and not dry_run
    done, counted = seen(committed, import_id)
    assert (done.state, done.applied) == (ImportState.DONE, kept)
    assert counted == {"made": MANY - 2, "refused": 2}
    assert count(committed, Task) == (MANY - 2 if kept else 0)
    with transaction(committed) as session:
        lines = session.scalars(select(TaskImportLine)).all()
    assert all(line.said is None for line in lines)
    assert all((line.task_id is not None) == (kept and line.outcome == "made") for line in lines)


class Died(Exception):
    """The worker is no more."""


@pytest.mark.usefixtures("organisation_id")
@pytest.mark.parametrize("mode", ImportMode)
def test_another_worker_goes_on_where_one_died(
    committed: SessionFactory, monkeypatch: pytest.MonkeyPatch, mode: ImportMode
) -> None:
    """What was taken in stays, or nothing was; while the lease lasts nobody else begins."""
    import_id = asked(committed, mode=mode)
    apply_lines, calls = applying.apply_lines, 0

    def apply_once(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise Died
        return apply_lines(*args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(service, "apply_lines", apply_once)
        with pytest.raises(Died):
            service.carry_out(committed, import_id)

    taken = AT_ONCE if mode is ImportMode.WHAT_IS_GOOD else 0
    assert (count(committed, Task), seen(committed, import_id)[0].lines_done) == (taken, AT_ONCE)
    assert not service.carry_out(committed, import_id)
    let_lease_end(committed, import_id)
    assert service.carry_out(committed, import_id)
    done, counted = seen(committed, import_id)
    assert (done.lines_done, done.attempt_count) == (MANY, 2)
    assert counted == {"made": MANY}
    assert count(committed, Task) == MANY


@pytest.mark.usefixtures("organisation_id")
@pytest.mark.parametrize("mode", ImportMode)
def test_a_worker_that_comes_back_to_life_does_nothing_more(
    committed: SessionFactory, mode: ImportMode
) -> None:
    """Another one has the import by then."""
    import_id = asked(committed, mode=mode)
    with transaction(committed) as session:
        begun = service._begin(session, import_id, at=clock.now())
    assert begun is not None
    late = service._Working(committed, import_id, attempt=begun.attempt_count)
    let_lease_end(committed, import_id)
    with transaction(committed) as session:
        assert service._begin(session, import_id, at=clock.now()) is not None

    with pytest.raises(service.Superseded):
        late.take_what_is_good() if mode is ImportMode.WHAT_IS_GOOD else late.take_as_a_whole()

    assert count(committed, Task) == 0


@pytest.mark.usefixtures("organisation_id")
def test_what_breaks_off_too_often_is_given_up(
    committed: SessionFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And says so, instead of being tried for ever."""
    import_id = asked(committed)

    def die(*_args: Any, **_kwargs: Any) -> Any:
        raise Died

    monkeypatch.setattr(service, "apply_lines", die)
    for _ in range(MOST_ATTEMPTS):
        with pytest.raises(Died):
            service.carry_out(committed, import_id)
        let_lease_end(committed, import_id)

    assert not service.carry_out(committed, import_id)
    assert seen(committed, import_id)[0].state == ImportState.FAILED
    with transaction(committed) as session:
        assert queries.hand_out(session, at=_later(), lease=LEASE, limit=5) == []


def _later() -> datetime:
    return clock.now() + timedelta(days=1)


@pytest.mark.usefixtures("organisation_id")
def test_a_chunk_takes_a_handful_of_statements(
    committed: SessionFactory, statements: list[str]
) -> None:
    """However many lines it has."""
    import_id = asked(committed)
    statements.clear()

    service.carry_out(committed, import_id)

    assert len(statements) < 30 * (MANY // AT_ONCE + 1)
