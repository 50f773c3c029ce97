"""Runs: a campaign goes through all whom it is for, once each, whatever happens meanwhile."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import time, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from geoservices.access.reach import Reach
from geoservices.access.rights import Right, Role
from geoservices.accounts.models import Consent, Person, Purpose
from geoservices.campaigns import beginning, running, service
from geoservices.campaigns.addressing import AudienceContradictory, PurposeNotForAudience
from geoservices.campaigns.beginning import (
    CampaignNotForNow,
    CampaignNotLive,
    RunsTooOften,
)
from geoservices.campaigns.definitions import Audience, Definition, PlaceSet, Text, Variant
from geoservices.campaigns.drafts import CampaignDraft
from geoservices.campaigns.models import Campaign, Decision
from geoservices.campaigns.rules import CampaignClass, Gate, Trigger
from geoservices.campaigns.run_models import CampaignRun, CampaignRunState
from geoservices.campaigns.running import Step
from geoservices.errors import Forbidden, IdTaken, NotFound
from geoservices.listings.models import ListingKind
from geoservices.listings.service import withdraw_listing
from geoservices.members.models import Team, TeamMember
from geoservices.places.sensitivity import SensitiveKind
from tests.campaigning import LIMITS, World
from tests.factories import (
    NOON,
    make_definition,
    make_listing,
    make_organisation,
    make_person,
    make_version,
    may,
)
from tests.walking import SETTINGS

SMALLEST = 10
CITIZENS = Audience(roles=(Role.CITIZEN,))
STAFF = Audience(roles=(Role.STAFF,))


def for_now(world: World, **changes: Any) -> Campaign:
    """A campaign that runs when somebody says so."""
    return world.campaign(**{"trigger": Trigger.NOW, "audience": Role.CITIZEN, **changes})


def begin(world: World, campaign: Campaign, *, minute: float = 0, **changes: Any) -> CampaignRun:
    """Have it run now."""
    run, _made = beginning.begin_now(
        world.session,
        campaign.id,
        **{
            "run_id": None,
            "grant": may(world.organisation, Right.CAMPAIGNS_WRITE),
            "smallest": SMALLEST,
            "at": NOON + timedelta(minutes=minute),
            **changes,
        },
    )
    return run


def step(world: World, run: CampaignRun, *, limit: int = 100, minute: float = 0) -> Step:
    """Take a step of it."""
    at = NOON + timedelta(minutes=minute)
    return running.take_step(
        world.session, run.id, limits=LIMITS, at=at, limit=limit, tell=lambda _said, _class: None
    )


def told(steps: Sequence[Step]) -> list[UUID]:
    """Whom steps told."""
    return [message.decision.person_id for step in steps for message in step.sent]


def decisions(session: Session) -> list[Decision]:
    """All decisions, in the order of the people."""
    return list(session.scalars(select(Decision).order_by(Decision.person_id)))


def gates(world: World) -> set[str | None]:
    """By which gates people were held, None of those told."""
    return {decision.gate for decision in decisions(world.session)}


def say(**changes: Any) -> Definition:
    """What a campaign says that speaks of no listing."""
    text = Text(title=changes.pop("title", "Closed today"), body=changes.pop("body", "Sorry."))
    return Definition(
        **{
            "triggers": (Trigger.NOW,),
            "audience": CITIZENS,
            "content": (Variant(name="a", texts={"en-GB": text}),),
            **changes,
        }
    )


def publish(world: World, definition: Definition, **changes: Any) -> Campaign:
    """Make and publish a campaign by what managers have for it."""
    grant = changes.pop("grant", may(world.organisation, Right.CAMPAIGNS_WRITE))
    said = CampaignDraft(
        **{
            "listing_id": None,
            "name": "Closed",
            "purpose": Purpose.NEARBY,
            "campaign_class": CampaignClass.SERVICE,
            "definition": definition,
            **changes,
        }
    )
    campaign, _ = service.make_campaign(world.session, said, campaign_id=None, grant=grant, at=NOON)
    return service.publish_campaign(
        world.session, campaign.id, grant=grant, settings=SETTINGS, at=NOON
    )


def test_a_run_tells_everybody_once(world: World) -> None:
    """Three at a time, until nobody is left; then it is over, and again tells nobody."""
    people = {make_person(world.session, Purpose.NEARBY).id for _ in range(7)}
    run = begin(world, for_now(world))

    steps = [step(world, run, limit=3) for _ in range(4)]

    assert [(one.people, len(one.sent), one.more) for one in steps] == [
        (3, 3, True),
        (3, 3, True),
        (1, 1, False),
        (0, 0, False),
    ]
    assert len(told(steps)) == 7
    assert set(told(steps)) == people
    assert (run.state, run.sent, run.held, run.reached) == (CampaignRunState.FINISHED, 7, 0, None)
    assert {one.run_id for one in decisions(world.session)} == {run.id}
    assert {one.trigger for one in decisions(world.session)} == {Trigger.NOW}


def test_gates_that_have_nothing_to_ask_let_nobody_through(world: World, citizen: Person) -> None:
    """Nothing is known of where anybody is; it is not written down as if it were."""
    step(world, begin(world, for_now(world)))

    [decision] = decisions(world.session)
    unasked = {Gate.CONFIDENCE, Gate.AGE, Gate.DUPLICATE}
    assert decision.person_id == citizen.id
    assert decision.gates_passed == [gate for gate in Gate if gate not in unasked]


def test_every_other_gate_is_asked(world: World) -> None:
    """Quiet hours, caps, cooldown and the share that is held out hold as ever."""
    quiet = make_person(world.session, Purpose.NEARBY)
    quiet.quiet_from, quiet.quiet_until = time(11), time(13)
    tired = make_person(world.session, Purpose.NEARBY)
    world.campaign(cooldown=timedelta(0))
    for minute in (0, 1):
        came = world.enters(tired, minute=minute)
        world.decide(came, minute=minute)
        world.leaves(came, minute=minute + 0.5)
    lucky = make_person(world.session, Purpose.NEARBY)

    run = begin(world, for_now(world), minute=5)
    sent = told([step(world, run, minute=5)])

    assert sent == [lucky.id]
    of_run = [one for one in decisions(world.session) if one.run_id == run.id]
    assert {one.person_id: one.gate for one in of_run} == {
        quiet.id: Gate.QUIET_HOURS,
        tired.id: Gate.CAP,
        lucky.id: None,
    }
    assert (run.sent, run.held) == (1, 2)


@pytest.mark.usefixtures("citizen")
def test_the_cooldown_counts_from_one_run_to_the_next(world: World) -> None:
    """And from what they set off themselves."""
    campaign = for_now(world, cooldown=timedelta(hours=3))
    first = begin(world, campaign)
    step(world, first)

    second = begin(world, campaign, minute=90)
    step(world, second, minute=90)

    assert (second.sent, second.held) == (0, 1)
    assert gates(world) == {None, Gate.COOLDOWN}


def test_the_cooldown_holds_whoever_was_told_when_they_came_and_is_still_there(
    world: World, citizen: Person
) -> None:
    """No gate of a run asks about the visit; a run after the cooldown tells them again."""
    campaign = for_now(world, triggers=(Trigger.ENTERED, Trigger.NOW), cooldown=timedelta(hours=3))
    world.decide(world.enters(citizen))

    soon = begin(world, campaign, minute=60)
    step(world, soon, minute=60)
    later = begin(world, campaign, minute=200)
    step(world, later, minute=200)

    assert [(one.sent, one.held) for one in (soon, later)] == [(0, 1), (1, 0)]
    assert gates(world) == {None, Gate.COOLDOWN}


def test_citizens_who_did_not_agree_are_nobodys_to_go_through(world: World) -> None:
    """Nothing is decided about them; those of no organisation or another one are apart too."""
    make_person(world.session, Purpose.CHECK_IN_CONTENT)
    make_person(world.session)
    make_person(world.session, Purpose.NEARBY, organisation=world.organisation)
    gone = make_person(world.session, Purpose.NEARBY)
    gone.disabled_at = NOON
    run = begin(world, for_now(world))

    assert step(world, run).people == 0
    assert decisions(world.session) == []


def test_members_are_told_by_role_and_team(world: World) -> None:
    """Those of the organisation's alone; who did not agree is told why they were not."""
    colleague, other, silent = (
        make_person(world.session, *purposes, organisation=world.organisation)
        for purposes in ((Purpose.STAFF_TASKS,), (Purpose.STAFF_TASKS,), ())
    )
    make_person(
        world.session, Purpose.STAFF_TASKS, organisation=make_organisation(world.session, "dorset")
    )
    team = Team(organisation_id=world.organisation.id, name="North", created_at=NOON)
    world.session.add(team)
    world.session.flush()
    world.session.add_all(
        TeamMember(team_id=team.id, person_id=one.id) for one in (colleague, silent)
    )
    run = begin(
        world,
        for_now(
            world,
            audience=Audience(roles=(Role.STAFF,), team_ids=(team.id,)),
            purpose=Purpose.STAFF_TASKS,
        ),
    )

    assert told([step(world, run)]) == [colleague.id]
    assert other.id not in {one.person_id for one in decisions(world.session)}
    assert gates(world) == {None, Gate.CONSENT}


@pytest.mark.parametrize(
    ("hours", "campaign_class", "gate"),
    [
        ("Mo-Fr 09:00-17:00", CampaignClass.SERVICE, None),
        ("Mo-Fr 13:00-17:00", CampaignClass.SERVICE, Gate.WORKING_HOURS),
        ("Mo-Fr 13:00-17:00", CampaignClass.CRITICAL, None),
        (None, CampaignClass.SERVICE, None),
    ],
)
def test_members_who_said_when_they_work_are_not_told_outside_of_it(
    world: World, hours: str | None, campaign_class: CampaignClass, gate: Gate | None
) -> None:
    """Unless it is critical; who said nothing has quiet hours. At noon on a Wednesday."""
    member = make_person(world.session, Purpose.STAFF_TASKS, organisation=world.organisation)
    member.working_hours = hours
    campaign = for_now(
        world, audience=STAFF, purpose=Purpose.STAFF_TASKS, campaign_class=campaign_class
    )

    step(world, begin(world, campaign))

    assert gates(world) == {gate}


def test_nobody_is_told_of_a_sensitive_place(world: World, citizen: Person) -> None:
    """Whoever is told on a screen that others see would be shown to have to do with it."""
    world.place.sensitive_kind = SensitiveKind.CLINIC
    run = begin(world, for_now(world))

    assert not step(world, run).sent
    [decision] = decisions(world.session)
    assert (decision.gate, decision.person_id) == (Gate.SENSITIVE_PLACE, citizen.id)
    assert "is not there" in decision.reason


@pytest.mark.usefixtures("citizen")
def test_what_is_to_come_may_be_spoken_of_and_what_is_over_may_not(world: World) -> None:
    """Nobody has to be there now."""
    event = make_listing(world.session, world.place, kind=ListingKind.EVENT, title="Story time")
    event.starts_at = NOON + timedelta(days=3)
    campaign = for_now(world, listing=event, cooldown=timedelta(0))
    first = begin(world, campaign)
    [message] = step(world, first).sent
    withdraw_listing(
        world.session, event.id, grant=may(world.organisation, Right.LISTINGS_WRITE), at=NOON
    )

    second = begin(world, campaign, minute=70)
    step(world, second, minute=70)

    assert message.listing is event
    assert (first.sent, second.sent) == (1, 0)
    assert gates(world) == {None, Gate.CLAIMABLE}


def test_a_run_stops_when_its_campaign_ends(world: World) -> None:
    """At the next step."""
    for _ in range(4):
        make_person(world.session, Purpose.NEARBY)
    campaign = for_now(world)
    run = begin(world, campaign)
    step(world, run, limit=2)
    service.end_campaign(
        world.session, campaign.id, grant=may(world.organisation, Right.CAMPAIGNS_WRITE), at=NOON
    )

    assert step(world, run, limit=2) == Step()
    assert (run.state, run.sent) == (CampaignRunState.STOPPED, 2)


@pytest.mark.usefixtures("citizen")
def test_somebody_may_stop_a_run(world: World) -> None:
    """Under way or through; again, or one that is passed over, changes nothing."""
    grant = may(world.organisation, Right.CAMPAIGNS_WRITE)
    campaign = for_now(world)
    run = begin(world, campaign)

    for _ in range(2):
        running.stop_run(world.session, campaign.id, run.id, grant=grant, at=NOON)

    assert step(world, run) == Step()
    assert (run.state, run.sent, run.ended_at) == (CampaignRunState.STOPPED, 0, NOON)
    other = make_organisation(world.session, "dorset")
    with pytest.raises(NotFound):
        running.stop_run(
            world.session,
            campaign.id,
            run.id,
            grant=may(other, Right.CAMPAIGNS_WRITE),
            at=NOON,
        )
    with pytest.raises(NotFound):
        running.get_run(world.session, for_now(world).id, run.id, grant=grant)


def test_a_run_goes_on_by_the_version_that_began_it(world: World) -> None:
    """Whoever changes the campaign changes the runs to come."""
    for _ in range(4):
        make_person(world.session, Purpose.NEARBY)
    campaign = for_now(world)
    run = begin(world, campaign)
    first = step(world, run, limit=2)
    campaign.version = 2
    make_version(
        world.session, campaign, make_definition(trigger=Trigger.NOW, title="Something else")
    )

    second = step(world, run, limit=2)

    assert {message.text.title for one in (first, second) for message in one.sent} == {
        "Free hot drink"
    }


def test_who_agreed_to_be_told_where_they_come_to_is_not_gone_through(world: World) -> None:
    """The words of before spoke of nothing else; there is no other purpose for it either."""
    asked_anew = make_person(world.session, Purpose.NEARBY)
    before = make_person(world.session, Purpose.NEARBY)
    consent = select(Consent).where(Consent.person_id == before.id)
    world.session.scalars(consent).one().text_version = "2026-12"

    taken = step(world, begin(world, for_now(world)))

    assert (taken.people, told([taken])) == (1, [asked_anew.id])
    with pytest.raises(PurposeNotForAudience, match=r"trigger now .* nearby is"):
        publish(world, say(), purpose=Purpose.CHECK_IN_CONTENT)


def test_the_same_id_begins_one_run(world: World) -> None:
    """Whatever comes of sending it again; another campaign's id is taken."""
    campaign, other = for_now(world), for_now(world)
    run = begin(world, campaign)

    assert begin(world, campaign, run_id=run.id, minute=1) is run
    with pytest.raises(IdTaken):
        begin(world, other, run_id=run.id)


def test_only_a_live_campaign_for_it_runs_now(world: World) -> None:
    """A draft does not, nor one that has ended or is for other triggers."""
    with pytest.raises(CampaignNotLive):
        begin(world, for_now(world, published_at=None))
    with pytest.raises(CampaignNotLive):
        begin(world, for_now(world, ended_at=NOON))
    with pytest.raises(CampaignNotForNow):
        begin(world, world.campaign())
    anothers = may(make_organisation(world.session, "dorset"), Right.CAMPAIGNS_WRITE)
    with pytest.raises(NotFound):
        begin(world, for_now(world), grant=anothers)


def test_citizens_are_not_told_again_within_the_hour(world: World) -> None:
    """The refusal says how many it would be, in steps; members are told up to so often a day."""
    for _ in range(12):
        make_person(world.session, Purpose.NEARBY)
    campaign = for_now(world)
    begin(world, campaign)

    with pytest.raises(RunsTooOften, match=r"about 10 people again\. Ask again in 20 minutes"):
        begin(world, campaign, minute=40)
    begin(world, campaign, minute=60)
    staff = for_now(world, audience=STAFF, purpose=Purpose.STAFF_TASKS)
    for minute in range(beginning.MOST_A_DAY):
        begin(world, staff, minute=minute)
    with pytest.raises(RunsTooOften, match=r"100 times within a day\. Ask again in 1340 minutes"):
        begin(world, staff, minute=100)
    begin(world, staff, minute=24 * 60)


@pytest.mark.usefixtures("citizen")
def test_a_message_may_be_about_a_place_and_no_listing(world: World) -> None:
    """`{place}` is the one that is named; whether anything can be claimed is not the question."""
    definition = say(title="{place} is closed today", places=PlaceSet(ids=(world.place.id,)))
    run = begin(world, publish(world, definition))

    [message] = step(world, run).sent

    assert message.text.title == "Exeter Library is closed today"
    assert message.listing is None
    assert (run.place_id, run.listing_id) == (world.place.id, None)
    assert Gate.CLAIMABLE in message.decision.gates_passed


@pytest.mark.usefixtures("citizen")
def test_a_message_may_be_about_nothing_in_particular(world: World) -> None:
    """Then no gate asks about a place either."""
    run = begin(world, publish(world, say(body="{organisation} wishes you well.")))

    [message] = step(world, run).sent

    assert message.text.body == "Devon wishes you well."
    assert message.decision.place_id is None
    assert {Gate.SENSITIVE_PLACE, Gate.OPENING_HOURS, Gate.PLACE_CAP}.isdisjoint(
        message.decision.gates_passed
    )


def test_whoever_manages_some_places_names_a_listing(world: World) -> None:
    """What is about nothing is everybody's."""
    campaign = publish(world, say())
    everywhere = may(world.organisation, Right.CAMPAIGNS_WRITE)
    north = Reach(tags=frozenset({"north"}))
    limited = replace(everywhere, actor=replace(everywhere.actor, reach=north))

    with pytest.raises(Forbidden, match="Name a listing"):
        publish(world, say(), grant=limited)
    with pytest.raises(NotFound):
        service.get_campaign(world.session, campaign.id, grant=limited)


def test_members_are_told_by_skill(world: World) -> None:
    """In a run, and when they set a campaign off themselves: whoever has one of the skills."""
    able, other = (
        make_person(world.session, Purpose.STAFF_TASKS, organisation=world.organisation)
        for _ in range(2)
    )
    able.skills = ["lifts", "first aid"]
    audience = Audience(roles=(Role.STAFF,), skills=("first aid", "boilers"))
    changes: dict[str, Any] = {"audience": audience, "purpose": Purpose.STAFF_TASKS}
    world.campaign(**changes)

    here = world.decide(world.enters(able), world.enters(other))
    in_a_run = told([step(world, begin(world, for_now(world, **changes)))])

    assert [decision.person_id for decision in here] == [able.id]
    assert in_a_run == [able.id]


def test_citizens_have_no_skills(world: World) -> None:
    """Nobody could be all of this."""
    audience = Audience(roles=(Role.CITIZEN,), skills=("lifts",))

    with pytest.raises(AudienceContradictory, match="Citizens have no skills"):
        publish(world, say(audience=audience))
