"""Those are told whom tasks are for, once these can be begun, and those who lose them."""

from collections.abc import Callable
from dataclasses import fields
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import delete, func, select, text
from sqlalchemy.orm import Session

from geoservices import clock, entrusting
from geoservices.access.actors import Grant
from geoservices.access.rights import Right, Role
from geoservices.accounts.acting import actor_of
from geoservices.accounts.models import Organisation, Person
from geoservices.database import SessionFactory
from geoservices.deliveries.models import Delivery
from geoservices.entrusting import LOST
from geoservices.members.models import Team
from geoservices.notifications.models import Notification
from geoservices.places.models import Place
from geoservices.tasks import completing, queries, recurring
from geoservices.tasks.assigning import Assignment
from geoservices.tasks.clocks import Said
from geoservices.tasks.completing import Completion
from geoservices.tasks.drafts import TaskDraft
from geoservices.tasks.models import Task
from geoservices.tasks.states import TaskState
from tests.api.world import make_series
from tests.factories import (
    NOON,
    make_organisation,
    make_place,
)
from tests.jobs import runtime
from tests.notifying import pushed
from tests.tasking import HOUR, RULES, add_task, make_team
from tests.tasking import hire as hire_member
from workers.jobs import tasks as jobs

Hire = Callable[..., Person]


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


@pytest.fixture
def hire(session: Session, organisation: Organisation) -> Hire:
    """Makes members, each with a browser that is pushed to."""
    return partial(hire_member, session, organisation)


@pytest.fixture
def boss(hire: Hire) -> Person:
    """Who manages tasks."""
    return hire(Role.MANAGER)


def grant_of(person: Person, right: Right = Right.TASKS_WRITE) -> Grant:
    """What lets somebody do something with tasks."""
    return actor_of(person).granted(right)


def told(session: Session) -> list[tuple[UUID, str, str]]:
    """Who was told what, the latest last."""
    rows = session.execute(
        select(Notification.person_id, Notification.title, Notification.body).order_by(
            Notification.created_at, Notification.title
        )
    )
    return [(person_id, title, body) for person_id, title, body in rows]


def look(session: Session, hours: float = 0) -> list[str]:
    """Look for what has come up; return the titles."""
    found = entrusting.open_tasks(session, at=NOON + hours * HOUR, limit=9)
    return sorted(task.title for task in found.opened)


def finish(session: Session, task: Task, person: Person, hours: float = 0) -> None:
    """Have somebody say that they did it."""
    completing.complete(
        session,
        task.id,
        Completion(id=task.id),
        grant=grant_of(person),
        rules=RULES,
        at=NOON + hours * HOUR,
    )


def test_whom_a_task_is_for_is_told_once(
    session: Session, place: Place, team: Team, hire: Hire, boss: Person
) -> None:
    """One person, or a whole team, by push too; nobody of what is for whoever comes by."""
    ann, ben, _carl = hire(), hire(team=team), hire()
    add_task(session, place, "For Ann", assigned_to=ann.id, due_at=NOON + HOUR)
    add_task(session, place, "For the team", team_id=team.id)
    add_task(session, place, "For anyone")
    hire(team=team, disabled_at=NOON)

    assert look(session) == ["For Ann", "For anyone", "For the team"]
    assert look(session, 1) == []

    assert told(session) == [
        (ann.id, "For Ann", "It is for you. It is due at 13:00 on 04/03/2026."),
        (ben.id, "For the team", "It is for your team."),
    ]
    assert session.scalar(select(func.count()).select_from(Delivery)) == 2
    assert boss.id not in {person_id for person_id, *_ in told(session)}


def test_several_at_once_are_one_message(
    session: Session, place: Place, team: Team, hire: Hire
) -> None:
    """The most urgent first, as a file of many tasks brings them."""
    ann = hire(team=team)
    add_task(session, place, "Low", assigned_to=ann.id, priority="low")
    add_task(session, place, "Urgent", team_id=team.id, priority="urgent")
    add_task(session, place, "Normal", assigned_to=ann.id)

    look(session)

    assert told(session) == [
        (ann.id, "3 tasks are for you or your team", "Urgent\nNormal\nLow"),
    ]


def test_a_message_of_very_many_is_not_too_long(session: Session, place: Place, hire: Hire) -> None:
    """What does not fit is left out by whole titles."""
    ann = hire()
    for number in range(9):
        add_task(session, place, f"{number} {'x' * 100}", assigned_to=ann.id)

    look(session)

    [(_person, title, body)] = told(session)
    assert title == "9 tasks are for you or your team"
    assert len(body) <= 500
    assert body.endswith("x\n\u2026")


def test_nobody_is_told_before_it_can_be_begun(session: Session, place: Place, hire: Hire) -> None:
    """When its start has come, and the last of what it waits for is done."""
    ann = hire()
    power = add_task(session, place, "Switch off")
    ladder = add_task(session, place, "Bring the ladder")
    add_task(session, place, "Lamp", assigned_to=ann.id, depends_on=[power.id, ladder.id])
    add_task(session, place, "Later", assigned_to=ann.id, starts_at=NOON + HOUR)

    assert look(session) == ["Bring the ladder", "Switch off"]
    finish(session, power, ann)
    assert look(session) == []
    assert told(session) == []
    finish(session, ladder, ann)
    assert look(session) == ["Lamp"]
    assert look(session, 1) == ["Later"]

    assert [title for _person, title, _body in told(session)] == ["Lamp", "Later"]


def test_what_came_to_wait_again_comes_up_again(session: Session, place: Place, hire: Hire) -> None:
    """Whom it is for is told once more that it can be begun."""
    ann = hire()
    lamp = add_task(session, place, "Lamp", assigned_to=ann.id)
    assert look(session) == ["Lamp"]
    power = add_task(session, place, "Switch off")
    lamp.depends_on = [power.id]
    session.flush()
    assert look(session) == ["Switch off"]
    finish(session, power, ann)

    assert look(session, 1) == ["Lamp"]
    assert len(told(session)) == 2


def test_what_others_hold_is_looked_at_the_next_time(committed: SessionFactory) -> None:
    """Nobody who looks for what came up waits for them, nor they for whoever looks."""
    with committed() as session, session.begin():
        place = make_place(session, make_organisation(session))
        power = add_task(session, place, "Switch off")
        lamp_id = add_task(session, place, "Lamp", depends_on=[power.id], opened_at=NOON).id

    with committed() as holding, holding.begin():
        holding.get_one(Task, lamp_id, with_for_update=True)
        with committed() as session, session.begin():
            session.execute(text("SET LOCAL lock_timeout = '1s'"))
            assert look(session, 1) == ["Switch off"]
    with committed() as session, session.begin():
        assert look(session, 2) == []
        assert session.get_one(Task, lamp_id).opened_at is None


def test_whoever_it_is_given_to_and_taken_from_is_told(
    session: Session, place: Place, hire: Hire, boss: Person
) -> None:
    """Both the one who had it and the one whom it was for alone; not who did it."""
    ann, ben = hire(), hire()
    task = add_task(session, place, assigned_to=ann.id)
    look(session)
    entrusting.claim_task(session, task.id, grant=grant_of(ann), rules=RULES, at=NOON)
    manages = grant_of(boss, Right.TASKS_ASSIGN)

    for _again in range(2):
        entrusting.assign_task(
            session,
            task.id,
            Assignment(person_id=ben.id),
            note="",
            grant=manages,
            at=NOON + HOUR,
        )
    look(session, 2)
    entrusting.assign_task(
        session, task.id, Assignment(person_id=boss.id), note="", grant=manages, at=NOON + 3 * HOUR
    )
    look(session, 4)

    assert [(person_id, body) for person_id, _title, body in told(session)] == [
        (ann.id, "It is for you."),
        (ann.id, entrusting.REASSIGNED),
        (ben.id, "It is for you."),
        (ben.id, entrusting.REASSIGNED),
    ]


@pytest.mark.parametrize("is_claimed", [False, True])
def test_whoever_loses_what_is_cancelled_is_told(
    session: Session, place: Place, hire: Hire, boss: Person, *, is_claimed: bool
) -> None:
    """Once; whoever had it, or else whom it was for, if they knew of it.

    What they were told before is not pushed after it.
    """
    ann = hire()
    task = add_task(session, place, assigned_to=ann.id)
    unknown = add_task(session, place, assigned_to=ann.id, starts_at=NOON + HOUR)
    look(session)
    if is_claimed:
        entrusting.claim_task(session, task.id, grant=grant_of(ann), rules=RULES, at=NOON)

    for one in (task, task, unknown):
        entrusting.cancel_task(
            session, one.id, note="", grant=grant_of(boss, Right.LISTINGS_WRITE), at=NOON + HOUR
        )

    assert [(person_id, body) for person_id, _title, body in told(session)] == [
        (ann.id, "It is for you."),
        (ann.id, "It was cancelled."),
    ]
    assert pushed(session, at=NOON + HOUR) == [(task.title, "It was cancelled.")]


def test_whoever_has_it_taken_back_is_told(
    session: Session, place: Place, hire: Hire, boss: Person
) -> None:
    """By somebody else; who gives it back knows."""
    ann = hire()
    task = add_task(session, place)
    for person, count in ((ann, 0), (boss, 1)):
        entrusting.claim_task(session, task.id, grant=grant_of(ann), rules=RULES, at=NOON)
        entrusting.release_task(session, task.id, note="", grant=grant_of(person), at=NOON)
        assert [one[0] for one in told(session)] == [ann.id] * count


def test_whoever_declined_is_told_when_it_is_given_to_them_anew(
    session: Session, place: Place, hire: Hire, boss: Person
) -> None:
    """And not while it waits for somebody."""
    ann = hire()
    task = add_task(session, place, assigned_to=ann.id)
    look(session)
    task.state = TaskState.DECLINED
    session.flush()
    assert look(session, 1) == []

    entrusting.assign_task(
        session,
        task.id,
        Assignment(person_id=ann.id),
        note="",
        grant=grant_of(boss, Right.TASKS_ASSIGN),
        at=NOON + HOUR,
    )
    look(session, 2)

    assert [one[0] for one in told(session)] == [ann.id, ann.id]


def said_of(task: Task, **changes: Any) -> TaskDraft:
    """What a manager says of a task, with something else in it."""
    said = {one.name: getattr(task, one.name) for one in fields(TaskDraft)}
    return TaskDraft(**said | changes)


@pytest.mark.parametrize("is_claimed", [False, True])
def test_whoever_loses_what_is_said_anew_is_told(
    session: Session, place: Place, hire: Hire, boss: Person, *, is_claimed: bool
) -> None:
    """As if it were assigned, which stands in the history; another title concerns nobody."""
    ann, ben = hire(), hire()
    task = add_task(session, place, assigned_to=ann.id)
    look(session)
    if is_claimed:
        entrusting.claim_task(session, task.id, grant=grant_of(ann), rules=RULES, at=NOON)
    grant = grant_of(boss, Right.LISTINGS_WRITE)

    for changes in ({"title": "Lamp"}, {"title": "Lamp", "assigned_to": ben.id}):
        draft = said_of(task, **changes)
        entrusting.replace_listing(session, task.id, draft, grant=grant, at=NOON + HOUR)
    look(session, 2)

    assert [(person_id, body) for person_id, _title, body in told(session)] == [
        (ann.id, "It is for you."),
        (ann.id, entrusting.REASSIGNED),
        (ben.id, "It is for you."),
    ]
    assert (task.assigned_to, task.claimed_by, task.state) == (ben.id, None, TaskState.OPEN)
    assert queries.steps(session, task.id, after=None, limit=1)[0].for_person_id == ben.id


def test_what_was_declined_is_open_when_it_is_said_to_be_for_another(
    session: Session, place: Place, hire: Hire, boss: Person
) -> None:
    """Who is told; of what is over, that is written down alone."""
    ann, ben = hire(), hire()
    declined = add_task(session, place, assigned_to=ann.id, state=TaskState.DECLINED)
    done = add_task(session, place, assigned_to=ann.id, state=TaskState.DONE)
    grant = grant_of(boss, Right.LISTINGS_WRITE)

    for task in (declined, done):
        draft = said_of(task, assigned_to=ben.id)
        entrusting.replace_listing(session, task.id, draft, grant=grant, at=NOON)
    look(session)

    assert (declined.state, done.state) == (TaskState.OPEN, TaskState.DONE)
    assert [person_id for person_id, *_ in told(session)] == [ben.id]


@pytest.mark.parametrize("is_cancelled", [False, True])
def test_whose_claim_ended_unseen_is_told_by_whoever_sees_it_first(
    session: Session, place: Place, hire: Hire, boss: Person, *, is_cancelled: bool
) -> None:
    """Before the job comes round, somebody cancels the task or gives it away."""
    ann, ben = hire(), hire()
    task = add_task(session, place)
    entrusting.claim_task(session, task.id, grant=grant_of(ann), rules=RULES, at=NOON)
    at = NOON + 2 * HOUR
    if is_cancelled:
        grant = grant_of(boss, Right.LISTINGS_WRITE)
        entrusting.cancel_task(session, task.id, note="", grant=grant, at=at)
    else:
        grant = grant_of(boss, Right.TASKS_ASSIGN)
        to_ben = Assignment(person_id=ben.id)
        entrusting.assign_task(session, task.id, to_ben, note="", grant=grant, at=at)

    words = LOST[TaskState.CANCELLED if is_cancelled else TaskState.OPEN]
    assert [(one[0], one[2]) for one in told(session)] == [(ann.id, words)]


def test_whose_claim_ended_unseen_is_told_whatever_another_does_first(
    session: Session, place: Place, team: Team, hire: Hire
) -> None:
    """Ben declines what the team may do, begins or ticks what he had before, or does it."""
    ann, ben = hire(team=team), hire(team=team)
    anns, bens = grant_of(ann), grant_of(ben)
    late = Said(id=None, occurred_at=NOON + HOUR, field="/started_at")
    at = NOON + 5 * HOUR
    tasks = [
        add_task(session, place, title, team_id=team.id, checklist=[{"id": "a", "text": "A"}])
        for title in ("Begun", "Declined", "Done", "Ticked")
    ]
    for task in tasks:
        for grant, hours in ((bens, 0), (anns, 2)):
            entrusting.claim_task(
                session, task.id, grant=grant, rules=RULES, at=NOON + hours * HOUR
            )
    session.execute(delete(Notification))
    begun, declined, done, ticked = tasks
    entrusting.start_task(session, begun.id, late, grant=bens, rules=RULES, at=at)
    entrusting.decline_task(session, declined.id, reason="", grant=bens, at=at)
    completion = Completion(id=done.id, checklist=["a"])
    for _ in range(2):
        entrusting.complete_task(session, done.id, completion, grant=bens, rules=RULES, at=at)
    entrusting.tick_task(session, ticked.id, {"a": True}, late, grant=bens, rules=RULES, at=at)

    ended, finished = LOST[TaskState.OPEN], LOST[TaskState.DONE]
    assert sorted(told(session)) == [
        (ann.id, "Begun", ended),
        (ann.id, "Declined", ended),
        (ann.id, "Done", finished),
        (ann.id, "Ticked", ended),
    ]


def test_whoever_has_what_another_does_is_told(session: Session, place: Place, hire: Hire) -> None:
    """They need not go there; whoever did it knows."""
    ann, ben = hire(), hire()
    task = add_task(session, place)
    for person, hours in ((ben, 0), (ann, 2)):
        entrusting.claim_task(
            session, task.id, grant=grant_of(person), rules=RULES, at=NOON + hours * HOUR
        )
    session.execute(delete(Notification))
    entrusting.complete_task(
        session,
        task.id,
        Completion(id=task.id),
        grant=grant_of(ben),
        rules=RULES,
        at=NOON + 3 * HOUR,
    )

    assert [(one[0], one[2]) for one in told(session)] == [(ann.id, LOST[TaskState.DONE])]


def test_as_many_statements_for_many_people_as_for_few(
    session: Session,
    organisation: Organisation,
    place: Place,
    team: Team,
    hire: Hire,
    statements: list[str],
) -> None:
    """However many of them have a reach of their own, and each is told of what is within it."""
    inland = make_place(session, organisation, name="Inland")
    place.tags = ["coast"]
    counts = []
    for people in (2, 20):
        session.execute(delete(Notification))
        near, away = (
            [hire(Role.MANAGER, team=team, reach=_reach(number, tag)) for number in range(people)]
            for tag in ("coast", "moor")
        )
        for number in range(people):
            add_task(session, place, f"At the coast {number}", team_id=team.id)
            add_task(session, inland, f"Inland {number}", team_id=team.id)
        session.flush()
        statements.clear()
        entrusting.open_tasks(session, at=NOON, limit=99)
        counts.append(len(statements))
        theirs = {person_id: body for person_id, _title, body in told(session)}
        assert {one.id for one in near} <= set(theirs)
        assert not {one.id for one in away} & set(theirs)
        assert all("Inland" not in theirs[one.id] for one in near)

    assert counts[0] == counts[1]


def _reach(number: int, tag: str) -> dict[str, Any]:
    """A reach that is nobody else's, by a tag and by an area in the middle of the ocean."""
    west = -30 + number / 10
    ring = [[west, 0], [west + 0.01, 0], [west, 0.01], [west, 0]]
    return {"tags": [tag], "area": {"type": "MultiPolygon", "coordinates": [[ring]]}}


def test_an_occurrence_comes_up_as_every_task_does(
    session: Session, place: Place, hire: Hire
) -> None:
    """Whom the series is for is told of each."""
    ann = hire()
    make_series(session, place).assigned_to = ann.id
    session.flush()
    recurring.make_due(session, at=NOON + timedelta(days=7), limit=9)

    [title] = look(session, 7 * 24)

    assert told(session) == [(ann.id, title, "It is for you.")]


def test_the_job_tells(
    sessions: SessionFactory,
    place: Place,
    hire: Hire,
    session: Session,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Running it twice tells nobody twice."""
    monkeypatch.setattr(runtime, "sessions", lambda: sessions)
    add_task(session, place, assigned_to=hire().id)
    session.commit()
    monkeypatch.setattr(clock, "now", lambda: NOON)

    for _ in range(2):
        jobs.open_tasks()

    with sessions() as fresh:
        assert len(told(fresh)) == 1
