"""Campaigns made, changed, published and ended."""

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest

from geoservices.access.rights import Role
from geoservices.accounts.models import Person, Purpose
from geoservices.campaigns import queries, service
from geoservices.campaigns.rules import CampaignClass, Trigger
from geoservices.campaigns.service import CampaignDraft, CampaignNotDraft, TaskNotForCitizens
from geoservices.errors import IdTaken, NotFound
from geoservices.listings.models import ListingKind
from tests.campaigning import World
from tests.factories import (
    NOON,
    make_listing,
    make_organisation,
    may,
)


@pytest.fixture
def draft(world: World) -> CampaignDraft:
    """A campaign for the offer."""
    return CampaignDraft(
        listing_id=world.listing.id,
        name="Hot drinks",
        trigger=Trigger.ENTERED,
        audience=Role.CITIZEN,
        purpose=Purpose.NEARBY,
        campaign_class=CampaignClass.OFFER,
        title="Free hot drink",
        body="Come in.",
        min_confidence=2,
        only_when_open=True,
        cooldown=timedelta(hours=12),
    )


def test_making_a_campaign_again_changes_nothing(world: World, draft: CampaignDraft) -> None:
    """The same id and content returns the first; other content is refused."""
    id_ = uuid4()
    ours = world.organisation

    made, new = service.make_campaign(
        world.session, draft, campaign_id=id_, grant=may(ours), at=NOON
    )
    same, again = service.make_campaign(
        world.session, draft, campaign_id=id_, grant=may(ours), at=NOON
    )

    assert (new, again) == (True, False)
    assert same is made
    assert made.published_at is None
    with pytest.raises(IdTaken):
        service.make_campaign(
            world.session,
            replace(draft, title="Tea"),
            campaign_id=id_,
            grant=may(ours),
            at=NOON,
        )


def test_a_draft_can_be_changed_and_a_published_campaign_cannot(
    world: World, draft: CampaignDraft
) -> None:
    """What people were told must stay readable."""
    ours = world.organisation
    made, _ = service.make_campaign(
        world.session, draft, campaign_id=None, grant=may(ours), at=NOON
    )

    service.replace_campaign(
        world.session, made.id, replace(draft, title="Free tea"), grant=may(ours)
    )
    service.publish_campaign(world.session, made.id, grant=may(ours), at=NOON)

    assert made.title == "Free tea"
    with pytest.raises(CampaignNotDraft):
        service.replace_campaign(world.session, made.id, draft, grant=may(ours))


def test_publishing_and_ending_twice_keeps_the_first_time(
    world: World, draft: CampaignDraft
) -> None:
    """Twice is as good as once."""
    ours = world.organisation
    made, _ = service.make_campaign(
        world.session, draft, campaign_id=None, grant=may(ours), at=NOON
    )

    for minute in (1, 2):
        at = NOON + timedelta(minutes=minute)
        service.publish_campaign(world.session, made.id, grant=may(ours), at=at)
        service.end_campaign(world.session, made.id, grant=may(ours), at=at)

    assert made.published_at == made.ended_at == NOON + timedelta(minutes=1)


def test_another_organisation_neither_sees_nor_touches_it(
    world: World, draft: CampaignDraft
) -> None:
    """Nor can it make one for a listing that is not its own."""
    other = make_organisation(world.session, "torbay")
    made = world.campaign()

    with pytest.raises(NotFound):
        service.get_campaign(world.session, made.id, grant=may(other))
    with pytest.raises(NotFound):
        service.publish_campaign(world.session, made.id, grant=may(other), at=NOON)
    with pytest.raises(NotFound):
        service.end_campaign(world.session, made.id, grant=may(other), at=NOON)
    with pytest.raises(NotFound):
        service.make_campaign(world.session, draft, campaign_id=None, grant=may(other), at=NOON)


def test_decisions_are_read_page_by_page(world: World, citizen: Person) -> None:
    """Of a person and of a campaign, newest first."""
    campaign = world.campaign(cooldown=timedelta(0))
    for minute in (0, 20, 40):
        occasion = world.enters(citizen, minute=minute)
        world.decide(occasion, minute=minute)
        world.leaves(occasion, minute=minute + 1)

    page = queries.decisions_of_person(world.session, citizen.id, after=None, limit=2)
    key = (page[-1].decided_at, page[-1].id)
    rest = queries.decisions_of_person(world.session, citizen.id, after=key, limit=2)
    of_campaign = queries.decisions_of_campaign(world.session, campaign.id, after=key, limit=2)

    assert [one.decided_at for one in [*page, *rest]] == [
        NOON + timedelta(minutes=minute) for minute in (40, 20, 0)
    ]
    assert [one.id for one in of_campaign] == [one.id for one in rest]


def test_a_task_is_not_for_citizens(world: World, draft: CampaignDraft) -> None:
    """Neither when it is made nor when a draft is changed; staff may be told."""
    ours = world.organisation
    task = make_listing(world.session, world.place, kind=ListingKind.TASK)
    refused = replace(draft, listing_id=task.id)
    for_staff = replace(refused, audience=Role.STAFF, purpose=Purpose.STAFF_TASKS)

    made, _ = service.make_campaign(
        world.session, for_staff, campaign_id=None, grant=may(ours), at=NOON
    )

    with pytest.raises(TaskNotForCitizens) as caught:
        service.make_campaign(world.session, refused, campaign_id=None, grant=may(ours), at=NOON)
    with pytest.raises(TaskNotForCitizens):
        service.replace_campaign(world.session, made.id, refused, grant=may(ours))
    assert caught.value.field == "/audience"
