"""Tasks and members who do them, for tests of who is told what."""

from datetime import timedelta
from typing import Any

from sqlalchemy.orm import Session

from geoservices.access.rights import Role
from geoservices.accounts.models import Organisation, Person
from geoservices.listings.models import ListingKind
from geoservices.members.models import Team, TeamMember
from geoservices.pings.screening import Doors
from geoservices.places.models import Place
from geoservices.tasks.doing import TaskRules
from geoservices.tasks.models import Task
from tests.api.world import make_subscription
from tests.factories import NOON, make_device, make_listing, make_person

HOUR = timedelta(hours=1)
RULES = TaskRules(
    lease=2 * HOUR,
    evidence_age=4 * HOUR,
    doors=Doors(future_tolerance=timedelta(minutes=5), oldest=timedelta(days=7)),
)


def make_team(session: Session, organisation: Organisation) -> Team:
    """The caretakers."""
    team = Team(organisation_id=organisation.id, name="Caretakers", created_at=NOON)
    session.add(team)
    session.flush()
    return team


def hire(
    session: Session,
    organisation: Organisation,
    role: Role = Role.STAFF,
    *,
    team: Team | None = None,
    **said: Any,
) -> Person:
    """A member, with a browser that is pushed to."""
    person = make_person(session, organisation=organisation)
    person.role = role
    for name, value in said.items():
        setattr(person, name, value)
    if team is not None:
        session.add(TeamMember(team_id=team.id, person_id=person.id))
    make_subscription(session, make_device(session, person)[0])
    session.flush()
    return person


def add_task(session: Session, place: Place, title: str = "Change the lamp", **said: Any) -> Task:
    """Something to be done there."""
    task = make_listing(session, place, kind=ListingKind.TASK, title=title)
    assert isinstance(task, Task)
    for name, value in said.items():
        setattr(task, name, value)
    session.flush()
    return task
