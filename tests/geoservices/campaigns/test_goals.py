"""Goals that a campaign's listing lets people reach, and others, which are refused."""

from datetime import timedelta

import pytest

from geoservices.accounts.models import Purpose
from geoservices.campaigns.definitions import Goal, GoalKind
from geoservices.campaigns.drafts import CampaignDraft, Draft
from geoservices.campaigns.goals import faults_of_goal
from geoservices.campaigns.rules import CampaignClass
from geoservices.events.models import Event, SigningUp
from geoservices.listings.models import ListingKind
from tests.campaigning import World
from tests.factories import make_definition, make_listing

DAY = timedelta(days=1)
FITTING = {
    ListingKind.OFFER: {GoalKind.REDEEMED},
    ListingKind.EVENT: {GoalKind.SIGNED_UP, GoalKind.ATTENDED},
    ListingKind.TASK: {GoalKind.DONE},
}


def draft(world: World, kind: ListingKind, goal: Goal) -> Draft:
    """A campaign with a goal for a listing of a kind; an event can be signed up for."""
    listing = make_listing(world.session, world.place, kind=kind)
    if isinstance(listing, Event):
        listing.length, listing.sign_up = timedelta(hours=1), SigningUp.OPEN
    said = CampaignDraft(
        listing_id=listing.id,
        name="Story time",
        purpose=Purpose.NEARBY,
        campaign_class=CampaignClass.SERVICE,
        definition=make_definition(goal=goal),
    )
    return Draft(said=said, listing=listing, organisation=world.organisation)


@pytest.mark.parametrize("goal", GoalKind)
@pytest.mark.parametrize("kind", ListingKind)
def test_a_goal_fits_what_the_listing_is(world: World, kind: ListingKind, goal: GoalKind) -> None:
    """Whatever it is, people can check in or open what they were told."""
    found = list(faults_of_goal(draft(world, kind, Goal(kind=goal, within=DAY))))

    fits = goal in FITTING[kind] | {GoalKind.CHECKED_IN, GoalKind.OPENED}
    assert [fault.field for fault in found] == ([] if fits else ["/goal/kind"])


@pytest.mark.parametrize(
    ("kind", "goal", "field"),
    [
        pytest.param(
            ListingKind.EVENT,
            Goal(kind=GoalKind.SIGNED_UP, within=4 * DAY),
            "/goal/within",
            id="sign-ups are deleted before they are counted",
        ),
        pytest.param(
            ListingKind.TASK,
            Goal(kind=GoalKind.DONE, within=DAY, target=0.5),
            "/goal/target",
            id="half a task",
        ),
    ],
)
def test_a_goal_that_nobody_could_tell_of_is_refused(
    world: World, kind: ListingKind, goal: Goal, field: str
) -> None:
    """The refusal names the member."""
    assert [fault.field for fault in faults_of_goal(draft(world, kind, goal))] == [field]


@pytest.mark.parametrize("goal", [GoalKind.SIGNED_UP, GoalKind.ATTENDED])
def test_an_event_has_to_let_people_sign_up_or_say_how_long_it_takes(
    world: World, goal: GoalKind
) -> None:
    """Else nobody reaches it."""
    about = draft(world, ListingKind.EVENT, Goal(kind=goal, within=DAY))
    assert isinstance(about.listing, Event)
    about.listing.length, about.listing.sign_up = None, SigningUp.NONE

    assert [fault.field for fault in faults_of_goal(about)] == ["/goal/kind"]
