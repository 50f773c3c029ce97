"""From what is published to a run, whichever way it came: by hand, by file, or by a series."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from geoservices import broadcasting, entrusting, outbox, pipeline
from geoservices.access.rights import Right, Role
from geoservices.accounts.models import Purpose
from geoservices.campaigns.definitions import Audience, PlaceSet
from geoservices.campaigns.models import Campaign
from geoservices.campaigns.rules import Trigger
from geoservices.campaigns.run_models import CampaignRun
from geoservices.checkins.verification import Evidence
from geoservices.events.drafts import EventDraft
from geoservices.imports.applying import apply_lines
from geoservices.imports.lines import TaskLine
from geoservices.listings import service as listings
from geoservices.listings.models import Listing, ListingKind
from geoservices.notifications.models import Notification
from geoservices.outbox import OutboxMessage
from geoservices.tasks import recurring
from geoservices.tasks.models import Task
from geoservices.tasks.states import TaskState
from tests.api.world import make_series
from tests.campaigning import World, make_world
from tests.factories import NOON, make_person, may
from tests.walking import SETTINGS


@pytest.fixture
def world(session: Session) -> World:
    """A library."""
    return make_world(session)


def by_hand(world: World) -> Listing:
    """An event, published over the API."""
    draft = EventDraft(
        place_id=world.place.id,
        kind=ListingKind.EVENT,
        title="Story time",
        text="",
        evidence_needed=Evidence.SELF_DECLARED,
        starts_at=NOON + timedelta(days=2),
        ends_at=None,
    )
    listing, _ = listings.publish_listing(
        world.session,
        draft,
        listing_id=uuid4(),
        grant=may(world.organisation, Right.LISTINGS_WRITE),
        at=NOON,
    )
    return listing


def by_file(world: World, **said: Any) -> Task:
    """A task that another system brings."""
    line = TaskLine(**{"external_id": "T-1", "place": str(world.place.id), **said})
    grant = may(world.organisation, Right.TASKS_WRITE)
    [applied] = apply_lines(world.session, [line], grant=grant, at=NOON)
    assert applied.task is not None
    return applied.task


def by_file_alone(world: World) -> Listing:
    """One that can be begun at once."""
    return by_file(world, title="Story time")


def by_series(world: World) -> Listing:
    """The first of a series."""
    series = make_series(world.session, world.place)
    series.title, series.next_at = "Story time", NOON
    series.made_until = NOON - timedelta(seconds=1)
    world.session.flush()
    _, [task] = recurring.make_due(world.session, at=NOON, limit=9)
    return task


def waiting(session: Session) -> list[OutboxMessage]:
    """What is in the outbox."""
    return list(session.scalars(select(OutboxMessage)))


def decide(world: World, *, days: float = 0) -> None:
    """Let tasks come up, and the campaigns decide on all that waits."""
    at = NOON + timedelta(days=days)
    entrusting.open_tasks(world.session, at=at, limit=9)
    world.session.expire_all()
    ids = [message.id for message in waiting(world.session)]
    pipeline.decide(world.session, ids, settings=SETTINGS, at=at)


@pytest.mark.parametrize(
    ("publish", "trigger", "role", "purpose"),
    [
        (by_hand, Trigger.EVENT_PUBLISHED, Role.CITIZEN, Purpose.NEARBY),
        (by_file_alone, Trigger.TASK_CREATED, Role.STAFF, Purpose.STAFF_TASKS),
        (by_series, Trigger.TASK_CREATED, Role.STAFF, Purpose.STAFF_TASKS),
    ],
)
def test_what_is_published_is_told_of_once(
    world: World,
    publish: Callable[[World], Listing],
    trigger: Trigger,
    role: Role,
    purpose: Purpose,
) -> None:
    """To those whom the campaign is for, in its words, about that very thing."""
    of = world.organisation if role is Role.STAFF else None
    person = make_person(world.session, purpose, organisation=of)
    world.campaign(
        trigger=trigger,
        audience=Audience(roles=(role,)),
        purpose=purpose,
        places=PlaceSet(ids=(world.place.id,)),
        title="{listing} at {place}",
    )

    listing = publish(world)
    decide(world)
    [run] = world.session.scalars(select(CampaignRun)).all()
    for _ in range(2):
        broadcasting.take_step(world.session, run.id, settings=SETTINGS, at=NOON)

    [told] = world.session.scalars(select(Notification)).all()
    assert waiting(world.session) == []
    assert (told.person_id, told.listing_id) == (person.id, listing.id)
    assert told.title == "Story time at Exeter Library"


def test_the_same_again_announces_nothing(world: World) -> None:
    """Whoever sends a listing twice."""
    listing = by_hand(world)
    [message] = waiting(world.session)

    assert (message.topic, message.subject_id) == (outbox.Topic.LISTING_PUBLISHED, listing.id)
    listings.replace_listing(
        world.session,
        listing.id,
        EventDraft(
            place_id=world.place.id,
            kind=ListingKind.EVENT,
            title="Story time",
            text="",
            evidence_needed=Evidence.SELF_DECLARED,
            starts_at=NOON + timedelta(days=3),
            ends_at=None,
        ),
        grant=may(world.organisation, Right.LISTINGS_WRITE),
        at=NOON,
    )
    assert waiting(world.session) == [message]


@pytest.fixture
def of_tasks(world: World) -> Campaign:
    """A campaign that tells of tasks at the library."""
    return world.campaign(
        trigger=Trigger.TASK_CREATED,
        audience=Audience(roles=(Role.STAFF,)),
        purpose=Purpose.STAFF_TASKS,
        places=PlaceSet(ids=(world.place.id,)),
        title="{listing}",
    )


def runs(session: Session) -> list[tuple[UUID | None, datetime]]:
    """Of what runs speak, and when they were to begin."""
    rows = session.scalars(select(CampaignRun).order_by(CampaignRun.occurred_at))
    return [(run.listing_id, run.occurred_at) for run in rows]


@pytest.mark.usefixtures("of_tasks")
def test_what_begins_later_is_told_of_when_it_begins(world: World) -> None:
    """By its start of then, which may have been put forward since."""
    task = by_file(world, title="Empty the bins", starts_at=NOON + timedelta(days=9))
    decide(world)
    before = runs(world.session)
    task.starts_at = NOON + timedelta(days=1)
    world.session.flush()

    decide(world, days=0.9)
    decide(world, days=1)
    decide(world, days=9)

    assert before == []
    assert runs(world.session) == [(task.id, NOON + timedelta(days=1))]
    assert waiting(world.session) == []


@pytest.mark.usefixtures("of_tasks")
def test_what_waits_for_another_is_told_of_once_that_is_done(world: World) -> None:
    """As new then, however long ago it was made; and once, also if it waits again."""
    first = by_file(world, title="Switch it off")
    second = by_file(world, external_id="T-2", title="Mend it", depends_on=("T-1",))
    third = by_file(world, external_id="T-3", title="Sweep up")
    decide(world)
    at_first = {listing_id for listing_id, _ in runs(world.session)}
    first.state = TaskState.DONE
    world.session.flush()
    decide(world, days=2)

    for state, days in ((TaskState.OPEN, 3), (TaskState.DONE, 4)):
        second.depends_on, third.state = [third.id], state
        world.session.flush()
        decide(world, days=days)

    assert at_first == {first.id, third.id}
    assert runs(world.session)[2:] == [(second.id, NOON + timedelta(days=2))]
    assert waiting(world.session) == []


@pytest.mark.usefixtures("of_tasks")
def test_what_came_to_wait_meanwhile_is_not_told_of_yet(world: World) -> None:
    """Between its coming up and the campaigns' hearing of it."""
    first = by_file(world, title="Switch it off", starts_at=NOON + timedelta(days=9))
    second = by_file(world, external_id="T-2", title="Mend it")
    entrusting.open_tasks(world.session, at=NOON, limit=9)
    second.depends_on = [first.id]
    world.session.flush()

    decide(world)

    assert runs(world.session) == []
    assert waiting(world.session) == []
