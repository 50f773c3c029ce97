"""Time passes for tasks: claims end, tasks end, and what is overdue is told upwards."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session
from structlog.testing import capture_logs

from geoservices import clock, entrusting, escalating
from geoservices.access.actors import Grant
from geoservices.access.rights import Right, Role
from geoservices.accounts.acting import actor_of
from geoservices.accounts.models import Organisation, Person
from geoservices.database import SessionFactory
from geoservices.deliveries.models import Delivery
from geoservices.members.models import Team
from geoservices.notifications.models import Notification
from geoservices.places.models import Place
from geoservices.tasks import doing, queries, recurring
from geoservices.tasks.models import Escalation, Task, TaskStep
from geoservices.tasks.states import OVER, TaskState
from tests import tasking
from tests.api.world import make_series
from tests.factories import (
    NOON,
    make_organisation,
    make_place,
)
from tests.jobs import runtime
from tests.tasking import HOUR, RULES, hire, make_team
from workers.jobs import tasks as jobs


@pytest.fixture
def organisation(session: Session) -> Organisation:
    """Devon."""
    return make_organisation(session)


@pytest.fixture
def place(session: Session, organisation: Organisation) -> Place:
    """Exeter Library."""
    return make_place(session, organisation)


@pytest.fixture
def team(session: Session, organisation: Organisation) -> Team:
    """The caretakers."""
    return make_team(session, organisation)


def may_do(person: Person) -> Grant:
    """What lets somebody do tasks."""
    return actor_of(person).granted(Right.TASKS_WRITE)


def add_task(session: Session, place: Place, **said: Any) -> Task:
    """Something to be done there, due at noon."""
    return tasking.add_task(session, place, **{"due_at": NOON, **said})


def claim(session: Session, task: Task, person: Person, at: datetime = NOON) -> Task:
    """Let somebody claim it."""
    return entrusting.claim_task(session, task.id, grant=may_do(person), rules=RULES, at=at)


def told(session: Session) -> list[tuple[UUID, str]]:
    """Who was told what."""
    rows = session.execute(select(Notification.person_id, Notification.title))
    return [(person_id, title) for person_id, title in rows]


def test_a_lease_that_is_over_is_written_down_once_and_told(
    session: Session, organisation: Organisation, place: Place
) -> None:
    """At its very end, and not a moment before; the browser is pushed to."""
    ann = hire(session, organisation)
    task = claim(session, add_task(session, place), ann)

    early = escalating.let_time_pass(session, at=NOON + 2 * HOUR - timedelta.resolution, limit=9)
    counts = [
        escalating.let_time_pass(session, at=NOON + at, limit=9) for at in (3 * HOUR, 4 * HOUR)
    ]

    assert (early, counts) == (0, [1, 0])
    assert (task.state, task.claimed_by, task.leased_until) == (TaskState.OPEN, None, None)
    step = queries.steps(session, task.id, after=None, limit=1)[0]
    assert (step.kind, step.by, step.person_id) == ("release", "clock", None)
    assert (step.occurred_at, step.received_at) == (NOON + 2 * HOUR, NOON + 3 * HOUR)
    assert told(session) == [(ann.id, "Change the lamp")]
    assert session.scalar(select(func.count()).select_from(Delivery)) == 1


def test_what_waits_for_others_is_overdue_and_said_to_wait(
    session: Session, organisation: Organisation, place: Place
) -> None:
    """Unless somebody has it, who had it before it had to wait."""
    hire(session, organisation, Role.MANAGER)
    ann = hire(session, organisation)
    power = add_task(session, place, due_at=None)
    had = claim(session, add_task(session, place, title="Had"), ann)
    had.depends_on = [power.id]
    add_task(session, place, title="Kept waiting", depends_on=[power.id])

    escalating.escalate(session, at=NOON, limit=9)

    said = session.execute(select(Notification.title, Notification.body)).all()
    assert sorted(map(tuple, said)) == [
        ("Overdue: Had", "It was due at 12:00 on 04/03/2026 and is claimed."),
        ("Overdue: Kept waiting", "It was due at 12:00 on 04/03/2026 and waits for others."),
    ]


def test_whom_a_withdrawn_task_was_for_is_told(
    session: Session, organisation: Organisation, place: Place
) -> None:
    """Once, if they knew of it; of what ended undone nobody is told who did not have it."""
    ann = hire(session, organisation)
    known = {"assigned_to": ann.id, "told_at": NOON}
    add_task(session, place, withdrawn_at=NOON, **known)
    add_task(session, place, withdrawn_at=NOON, assigned_to=ann.id)
    add_task(session, place, ends_at=NOON + HOUR, **known)

    for at in (NOON + HOUR, NOON + 2 * HOUR):
        escalating.let_time_pass(session, at=at, limit=9)

    assert told(session) == [(ann.id, "Change the lamp")]


def test_a_note_does_not_keep_whoever_had_it_from_hearing_that_the_lease_is_over(
    session: Session, organisation: Organisation, place: Place
) -> None:
    """It is written between the end of the lease and the job."""
    ann, ben = hire(session, organisation), hire(session, organisation)
    task = claim(session, add_task(session, place), ann)
    at = NOON + 2 * HOUR

    note = doing.add_note(session, task.id, "Hello", grant=may_do(ben), rules=RULES, at=at)
    count = escalating.let_time_pass(session, at=at + HOUR, limit=9)

    assert (note.state, count, task.state) == (TaskState.OPEN, 1, TaskState.OPEN)
    assert told(session) == [(ann.id, "Change the lamp")]


@pytest.mark.parametrize(
    ("said", "state"),
    [
        ({"ends_at": NOON + HOUR}, TaskState.EXPIRED),
        ({"withdrawn_at": NOON + HOUR}, TaskState.CANCELLED),
    ],
)
def test_a_task_that_is_over_is_written_down_once(
    session: Session,
    organisation: Organisation,
    place: Place,
    said: dict[str, object],
    state: TaskState,
) -> None:
    """Whoever had it is told, and nobody of what nobody had."""
    ann = hire(session, organisation)
    had = claim(session, add_task(session, place), ann)
    open_ = add_task(session, place)
    for task in (had, open_):
        for name, value in said.items():
            setattr(task, name, value)

    counts = [escalating.let_time_pass(session, at=NOON + HOUR, limit=9) for _ in range(2)]

    assert counts == [2, 0]
    assert {had.state, open_.state} == {state}
    assert [person_id for person_id, _title in told(session)] == [ann.id]


def test_time_passes_for_some_at_once(session: Session, place: Place) -> None:
    """As many as one transaction should have."""
    for _ in range(3):
        add_task(session, place, ends_at=NOON)

    counts = [escalating.let_time_pass(session, at=NOON, limit=2) for _ in range(3)]

    assert counts == [2, 1, 0]


def test_an_overdue_task_is_told_to_the_leads_of_its_team_once(
    session: Session, organisation: Organisation, place: Place, team: Team
) -> None:
    """In the time of their own clock; once more if it is due anew."""
    lead = hire(session, organisation, Role.TEAM_LEAD, team=team)
    hire(session, organisation, Role.TEAM_LEAD)
    hire(session, organisation, Role.MANAGER)
    hire(session, organisation, team=team)
    task = add_task(session, place, team_id=team.id)

    before = escalating.escalate(session, at=NOON - timedelta.resolution, limit=9)
    first, again = (escalating.escalate(session, at=NOON, limit=9) for _ in range(2))
    task.due_at = NOON + HOUR
    anew = escalating.escalate(session, at=NOON + HOUR, limit=9)

    assert [one[:2] for one in (before, first, again, anew)] == [(0, 0), (1, 1), (0, 0), (1, 1)]
    assert told(session) == [(lead.id, "Overdue: Change the lamp")] * 2
    bodies = session.scalars(select(Notification.body)).all()
    assert "It was due at 12:00 on 04/03/2026 and is open." in bodies


@pytest.mark.parametrize("has", ["claimed", "assigned"])
def test_of_what_somebody_has_their_team_leads_are_told(
    session: Session, organisation: Organisation, place: Place, team: Team, has: str
) -> None:
    """Also where it was for whoever comes by."""
    lead = hire(session, organisation, Role.TEAM_LEAD, team=team)
    ann = hire(session, organisation, team=team)
    task = add_task(session, place, assigned_to=ann.id if has == "assigned" else None)
    if has == "claimed":
        claim(session, task, ann, at=NOON - HOUR)

    escalating.escalate(session, at=NOON, limit=9)

    assert [person_id for person_id, _title in told(session)] == [lead.id]


def test_without_a_team_lead_managers_are_told_whose_reach_it_is_in(
    session: Session, organisation: Organisation, place: Place
) -> None:
    """And without any of these the admins; nobody who is let in no more."""
    admin = hire(session, organisation, Role.ADMIN)
    out_of_reach = hire(
        session, organisation, Role.MANAGER, reach={"tags": ["coast"], "area": None}
    )
    task = add_task(session, place)
    assert [one.id for one in escalating.told_of(session, task)] == [admin.id]

    managers = [hire(session, organisation, Role.MANAGER) for _ in range(3)]
    managers[0].disabled_at = NOON
    session.flush()

    found = {one.id for one in escalating.told_of(session, task)}
    assert found == {one.id for one in managers[1:]}
    assert out_of_reach.id not in found


def test_a_task_may_be_for_managers_to_be_told_of_or_for_nobody(
    session: Session, organisation: Organisation, place: Place, team: Team
) -> None:
    """As it says."""
    hire(session, organisation, Role.TEAM_LEAD, team=team)
    manager = hire(session, organisation, Role.MANAGER)
    add_task(session, place, team_id=team.id, escalate_to=Escalation.MANAGER)
    add_task(session, place, team_id=team.id, escalate_to=Escalation.NOBODY)

    assert escalating.escalate(session, at=NOON, limit=9) == (1, 1, [])
    assert [person_id for person_id, _title in told(session)] == [manager.id]


@pytest.mark.parametrize("state", OVER)
def test_what_is_over_is_not_overdue(
    session: Session, organisation: Organisation, place: Place, state: TaskState
) -> None:
    """Nobody is told of what need not be done."""
    hire(session, organisation, Role.MANAGER)
    add_task(session, place, state=state)

    assert escalating.escalate(session, at=NOON + HOUR, limit=9) == (0, 0, [])


def test_where_a_task_stands_is_the_same_for_postgresql(session: Session, place: Place) -> None:
    """For each state, with and without a lease, an end and a withdrawal, before and after it."""
    instants = (None, NOON - HOUR, NOON, NOON + HOUR)
    for state in TaskState:
        held = state in {TaskState.CLAIMED, TaskState.IN_PROGRESS}
        for ends_at in instants:
            for withdrawn_at in instants[:2]:
                for leased_until in instants[1:] if held else instants[:1]:
                    add_task(
                        session,
                        place,
                        state=state,
                        ends_at=ends_at,
                        withdrawn_at=withdrawn_at,
                        leased_until=leased_until,
                        starts_at=NOON - 2 * HOUR,
                    )

    rows = session.execute(select(Task, queries.stands(NOON))).all()

    assert len(rows) > 50
    assert [stands for _task, stands in rows] == [task.stands(NOON) for task, _stands in rows]
    for state in TaskState:
        found = session.scalars(select(Task.id).where(queries.stands_as(state, NOON)))
        assert set(found) == {task.id for task, stands in rows if stands == state}


def test_the_jobs_do_it(
    sessions: SessionFactory,
    organisation: Organisation,
    place: Place,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """By the clock, on sessions of their own; running them twice tells nobody twice."""
    monkeypatch.setattr(runtime, "sessions", lambda: sessions)
    with sessions() as session, session.begin():
        place = session.merge(place)
        ann = hire(session, session.merge(organisation))
        hire(session, session.merge(organisation), Role.MANAGER)
        claim(session, add_task(session, place), ann)
    monkeypatch.setattr(clock, "now", lambda: NOON + 3 * HOUR)

    for _ in range(2):
        jobs.let_time_pass()
        jobs.escalate()

    with sessions() as session:
        titles = sorted(title for _person_id, title in told(session))
        assert titles == ["Change the lamp", "Overdue: Change the lamp"]
        assert session.scalar(select(func.count()).select_from(TaskStep)) == 2


def test_tasks_that_nobody_can_be_told_of_keep_nobody_from_hearing_of_the_others(
    sessions: SessionFactory,
    organisation: Organisation,
    place: Place,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A dozen stand first, due when the manager's clocks show no year; they are named and wait."""
    monkeypatch.setattr(runtime, "sessions", lambda: sessions)
    monkeypatch.setattr(clock, "now", lambda: NOON)
    monkeypatch.setattr(jobs, "AT_ONCE", 13)
    dawn = datetime(1, 1, 1, 0, 1, tzinfo=UTC)
    with sessions() as session, session.begin():
        place = session.merge(place)
        boss = hire(session, session.merge(organisation), Role.MANAGER)
        boss.time_zone = "America/New_York"
        ann = hire(session, session.merge(organisation))
        ann.time_zone = "Pacific/Auckland"
        said: dict[str, Any] = {"assigned_to": ann.id, "starts_at": dawn - timedelta(minutes=1)}
        broken = {tasking.add_task(session, place, due_at=dawn, **said).id for _ in range(12)}
        dusk = datetime.max.replace(tzinfo=UTC)
        unseen = {tasking.add_task(session, place, due_at=dusk, assigned_to=ann.id).id}
        for count in range(14):
            add_task(session, place, title=f"Good {count}", starts_at=NOON - HOUR)

    with capture_logs() as logged:
        jobs.escalate()
    named = {UUID(line["task_id"]) for line in logged if line["event"] == "task_untold"}
    with sessions() as session:
        titles = {title for _person_id, title in told(session)}
    with sessions() as session, session.begin():
        session.execute(delete(Notification))
        # What is told alone has words with its time.
        session.execute(
            update(Task).where(Task.id.in_(broken)).values(told_at=NOON, opened_at=NOON)
        )
    with capture_logs() as logged:
        jobs.open_tasks()
    silent = {UUID(line["task_id"]) for line in logged if line["event"] == "task_untold"}

    assert named == broken
    assert titles == {f"Overdue: Good {count}" for count in range(14)}
    assert silent == unseen
    with sessions() as session:
        opened = session.scalars(select(Task.title).where(Task.opened_at.is_not(None)))
        assert {f"Good {count}" for count in range(14)} <= set(opened)
        assert session.get_one(Task, next(iter(unseen))).told_at is None


def test_what_is_declined_waits_and_is_still_told_of(
    session: Session, organisation: Organisation, place: Place
) -> None:
    """It is not done because somebody will not do it."""
    ann = hire(session, organisation)
    manager = hire(session, organisation, Role.MANAGER)
    task = add_task(session, place, assigned_to=ann.id)
    doing.decline(session, task.id, reason="On leave", grant=may_do(ann), at=NOON - HOUR)

    escalating.escalate(session, at=NOON, limit=9)

    assert task.state == TaskState.DECLINED
    assert [person_id for person_id, _title in told(session)] == [manager.id]


def test_what_is_for_who_left_is_handed_back(
    session: Session, organisation: Organisation, place: Place
) -> None:
    """Declined or not; what they have, once their lease is over. Managers are told together."""
    ann, ben = (hire(session, organisation) for _ in range(2))
    boss = hire(session, organisation, Role.MANAGER)
    titles = ("Bins", "Doors", "Lamp", "Roof", "Sign")
    bins, doors, lamp, roof, sign = (
        tasking.add_task(session, place, title, assigned_to=ann.id) for title in titles
    )
    doing.decline(session, doors.id, reason="On leave", grant=may_do(ann), at=NOON)
    claim(session, lamp, ann)
    roof.assigned_to, sign.state = ben.id, TaskState.DONE
    ann.disabled_at = NOON
    session.flush()

    counts = [escalating.hand_back(session, at=NOON, limit=9) for _ in range(2)]
    escalating.let_time_pass(session, at=NOON + 2 * HOUR, limit=9)
    later = escalating.hand_back(session, at=NOON + 2 * HOUR, limit=9)

    assert (counts, later) == ([2, 0], 1)
    assert [one.assigned_to for one in (bins, doors, lamp)] == [None] * 3
    assert [one.assigned_to for one in (roof, sign)] == [ben.id, ann.id]
    assert claim(session, doors, ben, at=NOON + 2 * HOUR).claimed_by == ben.id
    words = session.execute(
        select(Notification.title, Notification.body)
        .where(Notification.person_id == boss.id)
        .order_by(Notification.created_at)
    ).all()
    assert words[0].title == "2 tasks are for nobody now"
    assert sorted(words[0].body.splitlines()) == ["Bins", "Doors"]
    assert words[1] == ("For nobody now: Lamp", escalating.HANDED_BACK)


def test_what_comes_again_for_who_left_is_handed_back(
    session: Session, organisation: Organisation, place: Place
) -> None:
    """The occurrence and those after it are for whoever comes by; a manager is told once."""
    ann, ben = (hire(session, organisation) for _ in range(2))
    boss = hire(session, organisation, Role.MANAGER)
    hire(session, organisation, Role.MANAGER, reach={"tags": ["moor"], "area": None})
    anns, bens = make_series(session, place), make_series(session, place)
    anns.assigned_to, bens.assigned_to = ann.id, ben.id
    ended = make_series(session, place)
    ended.assigned_to, ended.lasts = ann.id, HOUR
    ann.disabled_at = NOON
    recurring.make_due(session, at=NOON + 168 * HOUR, limit=9)
    [over] = session.scalars(select(Task).where(Task.series_id == ended.id))
    ended.next_at = None

    # One is over by then, though nobody has written that down yet.
    handed_back = [escalating.hand_back(session, at=NOON + 169 * HOUR, limit=9) for _ in range(2)]

    assert handed_back == [1, 0]
    made = {task.series_id: task for task in session.scalars(select(Task)) if task.series_id}
    assert [made[one.id].assigned_to for one in (anns, bens)] == [None, ben.id]
    assert [one.assigned_to for one in (anns, bens)] == [None, ben.id]
    assert (ended.assigned_to, over.assigned_to) == (ann.id, ann.id)
    assert [(one.person_id, one.body) for one in session.scalars(select(Notification))] == [
        (boss.id, escalating.SERIES_HANDED_BACK)
    ]
    [step] = session.scalars(select(TaskStep))
    assert (step.task_id, step.kind, step.by) == (made[anns.id].id, "assign", "clock")
    made[anns.id].state = TaskState.DONE
    recurring.make_due(session, at=NOON + 336 * HOUR, limit=9)
    assert escalating.hand_back(session, at=NOON + 336 * HOUR, limit=9) == 0
