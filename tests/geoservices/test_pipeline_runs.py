"""From what is published to a run, whichever way it came: by hand, by file, or by a series."""

from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from geoservices import broadcasting, outbox, pipeline
from geoservices.access.rights import Right, Role
from geoservices.accounts.models import Purpose
from geoservices.campaigns.definitions import Audience, PlaceSet
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


def by_file(world: World) -> Listing:
    """A task that another system brings."""
    line = TaskLine(external_id="T-1", place=str(world.place.id), title="Story time")
    grant = may(world.organisation, Right.TASKS_WRITE)
    [applied] = apply_lines(world.session, [line], grant=grant, at=NOON)
    assert applied.task is not None
    return applied.task


def waiting(session: Session) -> list[OutboxMessage]:
    """What is in the outbox."""
    return list(session.scalars(select(OutboxMessage)))


def decide(world: World, *, days: float = 0) -> None:
    """Let the campaigns decide on all that waits."""
    at = NOON + timedelta(days=days)
    ids = [message.id for message in waiting(world.session)]
    pipeline.decide(world.session, ids, settings=SETTINGS, at=at)


@pytest.mark.parametrize(
    ("publish", "trigger", "role", "purpose"),
    [
        (by_hand, Trigger.EVENT_PUBLISHED, Role.CITIZEN, Purpose.NEARBY),
        (by_file, Trigger.TASK_CREATED, Role.STAFF, Purpose.STAFF_TASKS),
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
    )
    assert waiting(world.session) == [message]


def test_what_nobody_can_see_yet_waits(world: World) -> None:
    """A task that is to be done tomorrow is told of tomorrow."""
    task = by_file(world)
    task.starts_at = NOON + timedelta(days=1)
    world.session.flush()

    decide(world)
    [message] = waiting(world.session)
    due_at = message.due_at
    decide(world, days=1)

    assert due_at == NOON + timedelta(days=1)
    assert waiting(world.session) == []
