"""Files too long for a request: worked through by one worker at a time, whatever dies meanwhile."""

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from geoservices import clock
from geoservices.access.actors import by_operator
from geoservices.access.rights import Right
from geoservices.accounts.models import Organisation
from geoservices.database import SessionFactory, transaction
from geoservices.imports import applying, queries, service
from geoservices.imports.lines import TaskLine
from geoservices.imports.models import (
    ImportMode,
    ImportState,
    Outcome,
    TaskImport,
    TaskImportLine,
)
from geoservices.imports.reading import read_csv
from geoservices.imports.service import AT_ONCE, WORK
from geoservices.leasing.models import Reason
from geoservices.leasing.work import Superseded
from geoservices.places.models import Place
from geoservices.tasks.models import Task
from tests.eventually import eventually
from tests.factories import make_organisation, make_place

MANY = 2 * AT_ONCE + 50
PARTS = 3


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
        handed = WORK.queue.hand_out(session, at=clock.now(), lease=WORK.lease, limit=5)
        again = WORK.queue.hand_out(session, at=clock.now(), lease=WORK.lease, limit=5)
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


@dataclass
class Dying:
    """Applies so many parts of a file, and from then on dies."""

    parts: int
    applied: int = 0

    def __call__(self, *args: Any, **told: Any) -> Any:
        """Apply a part."""
        if self.applied == self.parts:
            raise Died
        self.applied += 1
        return applying.apply_lines(*args, **told)


@pytest.mark.usefixtures("organisation_id")
@pytest.mark.parametrize(
    ("mode", "parts", "state", "taken"),
    [
        (ImportMode.WHAT_IS_GOOD, 1, ImportState.WORKING, AT_ONCE),
        (ImportMode.ALL_OR_NOTHING, 1, ImportState.CHECKING, 0),
        (ImportMode.ALL_OR_NOTHING, PARTS + 1, ImportState.WORKING, AT_ONCE),
    ],
)
def test_another_worker_goes_on_where_one_died(
    committed: SessionFactory,
    monkeypatch: pytest.MonkeyPatch,
    mode: ImportMode,
    parts: int,
    state: ImportState,
    taken: int,
) -> None:
    """What was gone through is not gone through again; while the lease lasts nobody begins."""
    import_id = asked(committed, mode=mode)
    dying = Dying(parts)
    with monkeypatch.context() as patch:
        patch.setattr(service, "apply_lines", dying)
        with pytest.raises(Died):
            service.carry_out(committed, import_id)

    half = seen(committed, import_id)[0]
    assert (half.state, half.lines_done) == (state, AT_ONCE)
    assert count(committed, Task) == taken
    assert not service.carry_out(committed, import_id)
    let_lease_end(committed, import_id)
    dying.parts = 100
    with monkeypatch.context() as patch:
        patch.setattr(service, "apply_lines", dying)
        assert service.carry_out(committed, import_id)
    assert dying.applied == (PARTS if mode is ImportMode.WHAT_IS_GOOD else 2 * PARTS)
    done, counted = seen(committed, import_id)
    assert (done.lines_done, done.attempt_count) == (MANY, 2)
    assert counted == {"made": MANY}
    assert count(committed, Task) == MANY


def test_a_single_task_gets_in_between(
    committed: SessionFactory, organisation_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever comes while some lines are gone through waits for those, and not for the file."""
    import_id = asked(committed, mode=ImportMode.ALL_OR_NOTHING)
    apply_lines, singles = applying.apply_lines, list[Future[Outcome]]()
    grant = by_operator(organisation_id, Right.LISTINGS_WRITE)

    def put() -> Outcome:
        line = TaskLine(external_id="B1", place="Exeter Library", title="Lamp")
        with transaction(committed) as session:
            return service.put_task(session, line, grant=grant, at=clock.now())[1]

    def apply_and_look(session: Session, lines: Sequence[TaskLine], **told: Any) -> Any:
        applied = apply_lines(session, lines, **told)
        if len(lines) > 1 and not singles:
            singles.append(pool.submit(put))
            waiting = text(
                "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
            )
            eventually(lambda: session.scalar(waiting), within=timedelta(minutes=1))
        elif len(lines) > 1:
            assert singles[0].result(timeout=60) is Outcome.MADE
        return applied

    with ThreadPoolExecutor(1) as pool:
        monkeypatch.setattr(service, "apply_lines", apply_and_look)
        assert service.carry_out(committed, import_id)
    assert seen(committed, import_id)[1] == {"made": MANY}


def test_what_became_impossible_since_it_was_checked_is_refused_alone(
    committed: SessionFactory, organisation_id: UUID
) -> None:
    """It is told of, and the others are taken in."""
    import_id = asked(committed, mode=ImportMode.ALL_OR_NOTHING)
    with transaction(committed) as session:
        begun = service._begin(session, import_id, at=clock.now())
    assert begun is not None
    working = service._Working(committed, import_id, attempt=begun.attempt_count)
    while seen(committed, import_id)[0].turn < AT_ONCE or (
        seen(committed, import_id)[0].state != ImportState.WORKING
    ):
        assert working.goes_on()
    with transaction(committed) as session:
        session.scalars(select(Place)).one().name = "Another name"
    while working.goes_on():
        pass

    done, counted = seen(committed, import_id)
    assert (done.state, done.applied) == (ImportState.DONE, True)
    assert counted == {"made": AT_ONCE, "refused": MANY - AT_ONCE}
    assert count(committed, Task) == AT_ONCE
    assert organisation_id == done.organisation_id


REFERENCES = "ABCDEF"
SOME_LINES = st.dictionaries(
    st.sampled_from(REFERENCES),
    st.tuples(st.booleans(), st.sets(st.sampled_from(REFERENCES), max_size=3)),
    min_size=1,
)
"""For each reference whether its line is good, and for what its task waits."""


@given(SOME_LINES, SOME_LINES)
@settings(
    max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
def test_in_parts_it_comes_to_the_same_as_at_once(
    sessions: SessionFactory,
    before: dict[str, tuple[bool, set[str]]],
    after: dict[str, tuple[bool, set[str]]],
) -> None:
    """Whatever waits for what in the file and was there before; checking foretells taking in."""
    with transaction(sessions) as session:
        organisation = make_organisation(session, f"devon-{uuid4()}")
        make_place(session, organisation)
    take(sessions, organisation, before, mode=ImportMode.WHAT_IS_GOOD, at_once=AT_ONCE)

    at_once, in_parts = (
        take(sessions, organisation, after, dry_run=True, at_once=some) for some in (AT_ONCE, 1)
    )
    real = take(sessions, organisation, after, at_once=2)

    assert at_once == in_parts
    assert [one[1] for one in real] == [one[1] for one in at_once]


def take(
    sessions: SessionFactory,
    organisation: Organisation,
    lines: dict[str, tuple[bool, set[str]]],
    *,
    at_once: int,
    mode: ImportMode = ImportMode.ALL_OR_NOTHING,
    dry_run: bool = False,
) -> list[tuple[str, str | None, list[dict[str, str]]]]:
    """What becomes of the lines of a file, so many of which are gone through at once."""
    rows = [
        f"{name},{'Exeter Library' if good else 'Nowhere'},{name},{'|'.join(sorted(awaited))}"
        for name, (good, awaited) in lines.items()
    ]
    text = "\n".join(["external_id,place,title,depends_on", *rows])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(service, "AT_ONCE", at_once)
        with transaction(sessions) as session:
            import_id = service.ask_for(
                session,
                read_csv(text.encode(), time_zone="Europe/London", most=10),
                mode=mode,
                dry_run=dry_run,
                time_zone="Europe/London",
                grant=by_operator(organisation.id, Right.LISTINGS_WRITE),
                at=clock.now(),
            ).id
        service.carry_out(sessions, import_id)
    with transaction(sessions) as session:
        found = queries.lines_of(session, import_id, outcome=None, after=0, limit=10)
        return [(one.external_id, one.outcome, one.problems) for one in found]


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

    with pytest.raises(Superseded):
        late.goes_on()

    assert count(committed, Task) == 0


@pytest.mark.usefixtures("organisation_id")
@pytest.mark.parametrize(("parts", "made"), [(PARTS, {}), (PARTS + 1, {"made": AT_ONCE})])
def test_what_breaks_off_too_often_is_given_up(
    committed: SessionFactory, monkeypatch: pytest.MonkeyPatch, parts: int, made: dict[str, int]
) -> None:
    """And says so, and whether some was taken in before, instead of being tried for ever."""
    import_id = asked(committed, mode=ImportMode.ALL_OR_NOTHING)
    monkeypatch.setattr(service, "apply_lines", Dying(parts))
    for _ in range(WORK.most_attempts):
        with pytest.raises(Died):
            service.carry_out(committed, import_id)
        let_lease_end(committed, import_id)

    assert not service.carry_out(committed, import_id)
    given_up, counted = seen(committed, import_id)
    assert (given_up.state, given_up.reason) == (ImportState.FAILED, Reason.BROKE_OFF)
    assert (given_up.applied, counted) == (bool(made), made)
    with transaction(committed) as session:
        assert WORK.queue.hand_out(session, at=_later(), lease=WORK.lease, limit=5) == []
        assert all(line.said is None for line in session.scalars(select(TaskImportLine)))


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
