"""What is kept of who does which work: by whom it is seen, for how long, and without whom."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from geoservices import clock
from geoservices.accounts.models import Organisation, Person
from geoservices.database import SessionFactory
from geoservices.erasures import service as erasures
from geoservices.holdings.kinds import INVENTORY
from geoservices.holdings.queries import count
from geoservices.listings import queries as listings
from geoservices.listings.models import ListingKind
from geoservices.places.models import Place
from geoservices.retention import service as retention
from geoservices.scopes import confine
from geoservices.tasks.models import Task, TaskStep
from geoservices.tasks.states import Standing, StepKind, TaskState
from tests.factories import NOON, make_listing, make_organisation, make_person, make_place
from tests.writing import SETTINGS

KINDS = ("tasks-you-have", "tasks-for-you", "work-on-tasks")


@pytest.fixture
def organisation(session: Session) -> Organisation:
    """Devon."""
    return make_organisation(session)


@pytest.fixture
def place(session: Session, organisation: Organisation) -> Place:
    """Exeter Library."""
    return make_place(session, organisation)


def add_task(session: Session, place: Place, person: Person) -> Task:
    """Something that somebody has, that is for them alone, with a note of theirs."""
    task = make_listing(session, place, kind=ListingKind.TASK)
    assert isinstance(task, Task)
    task.assigned_to = task.claimed_by = person.id
    task.state, task.leased_until = TaskState.CLAIMED, NOON
    add_step(session, task, person.id)
    return task


def add_step(session: Session, task: Task, person_id: UUID, *, days: int = 0) -> None:
    """A note of somebody's, so many days after noon."""
    at = NOON + timedelta(days=days)
    session.add(
        TaskStep(
            id=uuid4(),
            organisation_id=task.organisation_id,
            task_id=task.id,
            person_id=person_id,
            by=Standing.HOLDER,
            kind=StepKind.NOTE,
            state=TaskState.CLAIMED,
            note="Bring a ladder",
            occurred_at=at,
            received_at=at,
        )
    )
    session.flush()


def test_whoever_is_erased_is_taken_out_and_the_record_stays(
    sessions: SessionFactory, session: Session, organisation: Organisation, place: Place
) -> None:
    """Of what they have, of what is for them, and of what they did; of nobody else."""
    ann, ben = (make_person(session, organisation=organisation) for _ in range(2))
    anns, bens = add_task(session, place, ann), add_task(session, place, ben)
    session.commit()
    ann_id = ann.id
    assert [count(session, INVENTORY[kind], ann_id) for kind in KINDS] == [1, 1, 1]

    erasure = erasures.ask_for(session, ann_id, settings=SETTINGS, at=clock.now())
    session.commit()
    erasures.carry_out(sessions, erasure.id)

    session.expire_all()
    assert session.get(Person, ann_id) is None
    assert (anns.assigned_to, anns.claimed_by, bens.claimed_by) == (None, None, ben.id)
    kept = session.execute(
        select(TaskStep.task_id, TaskStep.person_id, TaskStep.note).order_by(TaskStep.number)
    ).all()
    assert kept == [(anns.id, None, "Bring a ladder"), (bens.id, ben.id, "Bring a ladder")]
    assert [count(session, INVENTORY[kind], ben.id) for kind in KINDS] == [1, 1, 1]


def test_the_history_goes_after_a_year_and_the_task_stays(
    sessions: SessionFactory, session: Session, organisation: Organisation, place: Place
) -> None:
    """By default, step by step."""
    ann = make_person(session, organisation=organisation)
    task = add_task(session, place, ann)
    add_step(session, task, ann.id, days=1)
    session.commit()

    at = NOON + SETTINGS.retention.task_steps + timedelta(seconds=1)
    gone = [retention.apply(sessions, settings=SETTINGS, at=at) for _ in range(2)]

    assert [one.get("task_steps") for one in gone] == [1, None]
    assert session.scalar(select(func.count()).select_from(TaskStep)) == 1
    assert session.scalar(select(func.count()).select_from(Task)) == 1


def test_who_does_which_work_is_shown_to_their_organisation_alone(
    confined: SessionFactory, session: Session, organisation: Organisation, place: Place
) -> None:
    """By PostgreSQL, whatever a query forgets; what is on at a place leaves others' tasks out."""
    ann = make_person(session, organisation=organisation)
    add_task(session, place, ann)
    offer = make_listing(session, place)
    elsewhere = make_organisation(session, "dorset")
    session.commit()
    table = Task.__table__

    seen = []
    for asker in (organisation.id, elsewhere.id, None):
        with confined() as other, other.begin():
            confine(other, organisation_id=asker, person_id=None)
            rows = other.execute(select(table)).all()
            on = listings.current_at(other, place.id, tasks_of=asker, at=NOON)
            seen.append((len(rows), sorted(one.kind for one in on)))

    assert seen == [(1, ["offer", "task"]), (0, ["offer"]), (0, ["offer"])]
    assert offer.kind == ListingKind.OFFER
