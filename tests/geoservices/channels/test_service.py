"""A person chooses by which ways they are told."""

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from geoservices.accounts.models import Purpose
from geoservices.channels import queries, service
from geoservices.channels.service import Choice
from geoservices.deliveries.models import Delivery
from geoservices.errors import Forbidden
from geoservices.notifications.models import Notification
from tests.factories import make_organisation, make_person
from tests.notifying import World


def test_push_is_on_and_email_off_unless_chosen(session: Session) -> None:
    """For every purpose there is for a citizen, without a row."""
    person = make_person(session)

    assert service.choices(session, person) == [
        Choice(purpose=Purpose.CHECK_IN_CONTENT, push=True, email=False),
        Choice(purpose=Purpose.NEARBY, push=True, email=False),
    ]


def test_each_purpose_is_chosen_by_itself(session: Session) -> None:
    """The last word counts, and nobody else's choice changes."""
    person, other = make_person(session), make_person(session)
    service.choose(session, person, Choice(purpose=Purpose.NEARBY, push=False, email=True))
    service.choose(session, person, Choice(purpose=Purpose.NEARBY, push=False, email=False))
    service.choose(session, person, Choice(purpose=Purpose.CHECK_IN_CONTENT, email=True))

    assert service.choices(session, person) == [
        Choice(purpose=Purpose.CHECK_IN_CONTENT, push=True, email=True),
        Choice(purpose=Purpose.NEARBY, push=False, email=False),
    ]
    assert service.choices(session, other)[0] == Choice(purpose=Purpose.CHECK_IN_CONTENT)


def test_staff_choose_for_their_tasks_and_citizens_do_not(session: Session) -> None:
    """As they consent to them."""
    staff = make_person(session, organisation=make_organisation(session))
    tasks = Choice(purpose=Purpose.STAFF_TASKS, push=False)

    service.choose(session, staff, tasks)

    assert service.choices(session, staff)[-1] == tasks
    with pytest.raises(Forbidden):
        service.choose(session, make_person(session), tasks)


def test_mail_is_stopped_for_every_purpose(session: Session) -> None:
    """And push stays as it was."""
    person, other = make_person(session), make_person(session)
    for someone in (person, other):
        service.choose(session, someone, Choice(purpose=Purpose.NEARBY, push=False, email=True))
        service.choose(session, someone, Choice(purpose=Purpose.CHECK_IN_CONTENT, email=True))

    queries.stop_mail(session, person.id)
    session.expire_all()

    assert [(one.push, one.email) for one in service.choices(session, person)] == [
        (True, False),
        (False, False),
    ]
    assert all(one.email for one in service.choices(session, other))


@pytest.mark.parametrize(
    ("purpose", "push", "pushed"),
    [
        pytest.param(Purpose.NEARBY, False, 0, id="off"),
        pytest.param(Purpose.NEARBY, True, 2, id="on"),
        pytest.param(Purpose.CHECK_IN_CONTENT, False, 2, id="off for another purpose"),
    ],
)
def test_only_who_left_push_on_is_pushed_to(
    world: World, purpose: Purpose, pushed: int, *, push: bool
) -> None:
    """The notification is there in any case."""
    for _ in range(2):
        world.subscribe()
    service.choose(world.session, world.person, Choice(purpose=purpose, push=push))

    deliveries = world.notify()

    assert len(deliveries) == pushed
    assert len(world.session.scalars(select(Notification)).all()) == 1


def test_each_person_s_choice_is_their_own(world: World) -> None:
    """In one batch of many."""
    other = make_person(world.session, Purpose.NEARBY)
    world.subscribe()
    world.subscribe(world.device(other))
    service.choose(world.session, other, Choice(purpose=Purpose.NEARBY, push=False))

    mine, _theirs = world.tell(world.decision(), world.decision(other))

    assert world.session.scalars(select(Delivery.notification_id)).all() == [mine.id]
