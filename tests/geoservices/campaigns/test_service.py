"""Campaigns made, changed, published and ended."""

from dataclasses import replace
from datetime import timedelta
from threading import Thread
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select

from geoservices.access.rights import Role
from geoservices.accounts.models import Person, Purpose
from geoservices.campaigns import queries, service
from geoservices.campaigns.addressing import TaskNotForCitizens
from geoservices.campaigns.definitions import PlaceSet, Schedule
from geoservices.campaigns.drafts import CampaignDraft
from geoservices.campaigns.lifecycle import State
from geoservices.campaigns.models import Campaign, CampaignPlace, CampaignVersion
from geoservices.campaigns.rules import CampaignClass
from geoservices.campaigns.service import CampaignEnded, CampaignInReview, CampaignPublished
from geoservices.database import SessionFactory, transaction
from geoservices.errors import IdTaken, NotFound
from geoservices.listings.models import ListingKind
from geoservices.scopes import Scope, set_scope
from tests.campaigning import World, make_world
from tests.factories import (
    NOON,
    make_definition,
    make_listing,
    make_organisation,
    make_person,
    make_place,
    may,
)
from tests.walking import SETTINGS


@pytest.fixture
def draft(world: World) -> CampaignDraft:
    """A campaign for the offer."""
    return _draft(world.listing.id)


def _draft(listing_id: UUID) -> CampaignDraft:
    return CampaignDraft(
        listing_id=listing_id,
        name="Hot drinks",
        purpose=Purpose.NEARBY,
        campaign_class=CampaignClass.OFFER,
        definition=make_definition(),
    )


def _made(world: World, draft: CampaignDraft) -> Campaign:
    made, _ = service.make_campaign(
        world.session, draft, campaign_id=None, grant=may(world.organisation), at=NOON
    )
    return made


def _publish(world: World, campaign: Campaign) -> Campaign:
    return service.publish_campaign(
        world.session, campaign.id, grant=may(world.organisation), settings=SETTINGS, at=NOON
    )


def _change(
    world: World, campaign: Campaign, draft: CampaignDraft, *, minute: float = 0
) -> Campaign:
    return service.replace_campaign(
        world.session,
        campaign.id,
        draft,
        grant=may(world.organisation),
        settings=SETTINGS,
        at=NOON + timedelta(minutes=minute),
    )


def _state(world: World, campaign: Campaign, *, minute: float = 0) -> State:
    version = queries.newest_version(world.session, campaign)
    return service.state_at(campaign, version, NOON + timedelta(minutes=minute))


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
            replace(draft, name="Tea"),
            campaign_id=id_,
            grant=may(ours),
            at=NOON,
        )


def test_each_change_is_a_version_of_its_own(world: World, draft: CampaignDraft) -> None:
    """Saying the same again is none, and what was said before stays readable."""
    made = _made(world, draft)
    tea = replace(draft, definition=make_definition(title="Free tea"))

    for said in (tea, tea, draft):
        _change(world, made, said)

    versions = queries.versions_of(world.session, made.id, before=None, limit=10)
    titles = [one.definition["content"][0]["texts"]["en-GB"]["title"] for one in versions]
    assert [one.number for one in versions] == [3, 2, 1]
    assert titles == ["Free hot drink", "Free tea", "Free hot drink"]
    assert not any(one.in_force_from for one in versions)


def test_a_change_counts_for_what_happens_from_then_on(world: World, draft: CampaignDraft) -> None:
    """What happened before it is decided on as if it had not been made."""
    made = _publish(world, _made(world, draft))
    before, after = (
        world.enters(make_person(world.session, Purpose.NEARBY), minute=minute)
        for minute in (9, 10)
    )
    tea = make_definition(title="Free tea")
    _change(world, made, replace(draft, definition=tea), minute=10)

    old, new = world.messages(before, after, minute=11)

    assert (old.text.title, old.decision.version) == ("Free hot drink", 1)
    assert (new.text.title, new.decision.version) == ("Free tea", 2)


def test_a_place_that_a_change_leaves_out_is_heard_of_until_then(
    world: World, draft: CampaignDraft
) -> None:
    """And one that it adds, from then on."""
    other = make_place(world.session, world.organisation, name="Other Library")
    first, second = (
        make_definition(places=PlaceSet(ids=(place.id,))) for place in (world.place, other)
    )
    made = _publish(world, _made(world, replace(draft, definition=first)))
    _change(world, made, replace(draft, definition=second), minute=10)
    people = [make_person(world.session, Purpose.NEARBY) for _ in range(4)]
    here = [
        world.enters(person, minute=minute) for person, minute in zip(people, (9, 10), strict=False)
    ]
    there = [
        replace(world.enters(person, minute=minute), place=other)
        for person, minute in zip(people[2:], (9, 10), strict=True)
    ]

    sent = world.decide(*here, *there, minute=11)

    assert [one.person_id for one in sent] == [people[0].id, people[3].id]


def test_what_people_agreed_to_stays_once_it_is_published(
    world: World, draft: CampaignDraft
) -> None:
    """Purpose, class and listing; the name may change."""
    made = _publish(world, _made(world, draft))
    other = make_listing(world.session, world.place)

    _change(world, made, replace(draft, name="Tea"))

    assert (made.name, made.version) == ("Tea", 1)
    for change in (
        {"purpose": Purpose.CHECK_IN_CONTENT},
        {"campaign_class": CampaignClass.SERVICE},
        {"listing_id": other.id},
    ):
        with pytest.raises(CampaignPublished) as caught:
            _change(world, made, replace(draft, **change))
        assert caught.value.field == f"/{next(iter(change))}"


def test_in_review_nothing_changes_until_it_is_taken_back(
    world: World, draft: CampaignDraft
) -> None:
    """Submitting and taking back twice is as good as once."""
    made, ours = _made(world, draft), may(world.organisation)
    states = [_state(world, made)]
    for _ in range(2):
        service.submit_campaign(world.session, made.id, grant=ours, at=NOON)
    states.append(_state(world, made))

    with pytest.raises(CampaignInReview):
        _change(world, made, replace(draft, name="Tea"))
    for _ in range(2):
        service.take_back_campaign(world.session, made.id, grant=ours)
    states.append(_state(world, made))
    _change(world, made, replace(draft, name="Tea"))
    _publish(world, made)
    states.append(_state(world, made))

    assert made.name == "Tea"
    assert states == [State.DRAFT, State.REVIEW, State.DRAFT, State.LIVE]
    with pytest.raises(CampaignPublished):
        service.submit_campaign(world.session, made.id, grant=ours, at=NOON)
    with pytest.raises(CampaignPublished):
        service.take_back_campaign(world.session, made.id, grant=ours)


def test_it_is_scheduled_until_it_starts_and_over_when_it_ends(
    world: World, draft: CampaignDraft
) -> None:
    """By the clock alone; nobody has to do anything."""
    schedule = Schedule(starts_at=NOON + timedelta(hours=1), ends_at=NOON + timedelta(hours=2))
    made = _made(world, replace(draft, definition=make_definition(schedule=schedule)))
    _publish(world, made)
    people = [make_person(world.session, Purpose.NEARBY) for _ in range(3)]

    states = [_state(world, made, minute=minute) for minute in (59, 60, 119, 120)]
    sent = [
        world.decide(world.enters(person, minute=minute), minute=minute)
        for person, minute in zip(people, (59, 60, 120), strict=True)
    ]

    assert states == [State.SCHEDULED, State.LIVE, State.LIVE, State.ENDED]
    assert [len(one) for one in sent] == [0, 1, 0]
    with pytest.raises(CampaignEnded):
        _change(world, made, draft, minute=120)


def test_two_who_change_it_at_once_make_two_versions(committed: SessionFactory) -> None:
    """The second waits for the first, and neither is lost."""
    with transaction(committed) as session:
        world = make_world(session)
        organisation, listing = world.organisation, world.listing
        draft = _draft(listing.id)
        made = _publish(world, _made(world, draft))

    def change(title: str) -> None:
        with transaction(committed) as session:
            said = replace(draft, definition=make_definition(title=title))
            service.replace_campaign(
                session, made.id, said, grant=may(organisation), settings=SETTINGS, at=NOON
            )

    threads = [Thread(target=change, args=[f"Tea {number}"]) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    with transaction(committed) as session:
        versions = queries.versions_of(session, made.id, before=None, limit=10)
    assert [one.number for one in versions] == [7, 6, 5, 4, 3, 2, 1]
    assert [one.in_force_until is None for one in versions] == [True] + [False] * 6


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
        service.publish_campaign(world.session, made.id, grant=may(ours), settings=SETTINGS, at=at)
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
        service.publish_campaign(
            world.session, made.id, grant=may(other), settings=SETTINGS, at=NOON
        )
    with pytest.raises(NotFound):
        service.end_campaign(world.session, made.id, grant=may(other), at=NOON)
    with pytest.raises(NotFound):
        service.make_campaign(world.session, draft, campaign_id=None, grant=may(other), at=NOON)


def test_versions_and_where_they_listen_are_the_organisations_own(world: World) -> None:
    """PostgreSQL shows them to no other, and to no citizen."""
    other = make_organisation(world.session, "torbay")
    world.campaign()
    connection = world.session.connection()

    told = []
    for scope in (
        Scope(organisation_id=world.organisation.id),
        Scope(organisation_id=other.id),
        Scope(),
    ):
        with connection.begin_nested() as savepoint:
            set_scope(connection, scope)
            told.append(
                [
                    connection.scalar(select(func.count()).select_from(table))
                    for table in (CampaignVersion, CampaignPlace)
                ]
            )
            savepoint.rollback()

    assert told == [[1, 1], [0, 0], [0, 0]]


def test_decisions_are_read_page_by_page(world: World, citizen: Person) -> None:
    """Of a person and of a campaign, newest first."""
    world.campaign(cooldown=timedelta(0))
    for minute in (0, 20, 40):
        occasion = world.enters(citizen, minute=minute)
        world.decide(occasion, minute=minute)
        world.leaves(occasion, minute=minute + 1)

    page = queries.decisions_of_person(world.session, citizen.id, after=None, limit=2)
    key = (page[-1].decided_at, page[-1].id)
    rest = queries.decisions_of_person(world.session, citizen.id, after=key, limit=2)

    assert [one.decided_at for one in [*page, *rest]] == [
        NOON + timedelta(minutes=minute) for minute in (40, 20, 0)
    ]


def test_a_task_is_not_for_citizens(world: World, draft: CampaignDraft) -> None:
    """Neither when it is made nor when a draft is changed; staff may be told."""
    ours = world.organisation
    task = make_listing(world.session, world.place, kind=ListingKind.TASK)
    refused = replace(draft, listing_id=task.id)
    for_staff = replace(
        refused, definition=make_definition(audience=Role.STAFF), purpose=Purpose.STAFF_TASKS
    )

    made = _made(world, for_staff)

    with pytest.raises(TaskNotForCitizens) as caught:
        service.make_campaign(world.session, refused, campaign_id=None, grant=may(ours), at=NOON)
    with pytest.raises(TaskNotForCitizens):
        _change(world, made, refused)
    assert caught.value.field == "/audience/roles"
