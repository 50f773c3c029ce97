"""What people must have done, or not, to be told: on real rows, live and in runs; and what is not
asked, as nobody could know it.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy.orm import Session

from geoservices.access.reach import Reach
from geoservices.access.rights import Right, Role
from geoservices.accounts.models import Person, Purpose
from geoservices.campaigns import beginning, run_queries, running
from geoservices.campaigns.addressing import faults_of_audience, faults_of_memory, kept_of
from geoservices.campaigns.conditions import Whose, knowable
from geoservices.campaigns.definitions import Audience, Condition, Did
from geoservices.campaigns.drafts import CampaignDraft, Draft
from geoservices.campaigns.models import Campaign, Decision
from geoservices.campaigns.rules import CampaignClass, Cap, Trigger
from geoservices.checkins.models import CheckIn
from geoservices.database import Base
from geoservices.events.models import Occurrence, SignUp, SignUpState
from geoservices.listings.models import Listing, ListingKind
from geoservices.notifications.models import Notification
from geoservices.offers.models import Redemption
from geoservices.tasks.models import TaskStep
from geoservices.tasks.states import StepKind, TaskState
from tests.campaigning import LIMITS, World, make_world
from tests.factories import (
    NOON,
    make_campaign,
    make_definition,
    make_device,
    make_listing,
    make_person,
    make_place,
    may,
)
from tests.walking import SETTINGS

DAY = timedelta(days=1)
WEEK = 7 * DAY
EVERYBODY = (Role.CITIZEN, Role.STAFF)
ROOMY = replace(LIMITS, person_cap=Cap(messages=100, within=DAY))
KEPT = kept_of(SETTINGS.retention)


@dataclass(slots=True)
class Doings:
    """A library with something of each kind, and how people do something of it."""

    world: World
    listings: dict[Did, Listing]
    other: Campaign

    @property
    def session(self) -> Session:
        """Where it is kept."""
        return self.world.session

    def subject(self, did: Did) -> UUID | None:
        """What a condition names of it; nothing of check-ins."""
        if did is Did.OPENED:
            return self.other.id
        return self.listings[did].id if did in self.listings else None

    def do(self, person: Person, did: Did, at: datetime) -> None:
        """Have somebody do it."""
        rows: dict[Did, Callable[[Person, datetime], list[Base]]] = {
            Did.CHECKED_IN: self._check_in,
            Did.OPENED: self._open,
            Did.REDEEMED: self._redeem,
            Did.SIGNED_UP: self._sign_up,
            Did.DONE: self._work,
        }
        for row in rows[did](person, at):
            self.session.add(row)
            self.session.flush()

    def _check_in(self, person: Person, at: datetime) -> list[Base]:
        return [
            CheckIn(
                id=uuid4(),
                device_id=make_device(self.session, person)[0].id,
                place_id=self.world.place.id,
                organisation_id=self.world.organisation.id,
                evidence="inside",
                claimed_at=at,
                received_at=at,
            )
        ]

    def _open(self, person: Person, at: datetime) -> list[Base]:
        decision = Decision(
            id=uuid4(),
            organisation_id=self.world.organisation.id,
            campaign_id=self.other.id,
            version=1,
            trigger=Trigger.ENTERED,
            person_id=person.id,
            place_id=self.world.place.id,
            reason="Every gate let it through.",
            gates_passed=[],
            detail={},
            decided_at=at - 2 * DAY,
        )
        told = Notification(
            organisation_id=self.world.organisation.id,
            person_id=person.id,
            decision_id=decision.id,
            campaign_class=CampaignClass.SERVICE,
            title="Tea",
            body="Come in.",
            created_at=at - 2 * DAY,
            expires_at=at + DAY,
            read_at=at,
        )
        return [decision, told]

    def _redeem(self, person: Person, at: datetime) -> list[Base]:
        return [
            Redemption(
                organisation_id=self.world.organisation.id,
                offer_id=self.listings[Did.REDEEMED].id,
                place_id=self.world.place.id,
                person_id=person.id,
                made_at=at,
                redeemed_at=at,
            )
        ]

    def _sign_up(self, person: Person, at: datetime) -> list[Base]:
        occurrence = Occurrence(
            id=uuid4(),
            event_id=self.listings[Did.SIGNED_UP].id,
            starts_at=at + DAY,
            ends_at=at + 2 * DAY,
        )
        sign_up = SignUp(
            occurrence_id=occurrence.id,
            person_id=person.id,
            state=SignUpState.WAITING,
            signed_up_at=at,
        )
        return [occurrence, sign_up]

    def _work(self, person: Person, at: datetime) -> list[Base]:
        return [
            TaskStep(
                organisation_id=self.world.organisation.id,
                task_id=self.listings[Did.DONE].id,
                person_id=person.id,
                by="holder",
                kind=StepKind.DONE,
                state=TaskState.DONE,
                occurred_at=at,
                received_at=at,
            )
        ]


@pytest.fixture
def doings(session: Session) -> Doings:
    """Something of each kind at a library, and a campaign that told people of tea long ago."""
    world = make_world(session)
    listings = {
        did: make_listing(session, world.place, kind=kind, title=f"To be {did}")
        for did, kind in (
            (Did.REDEEMED, ListingKind.OFFER),
            (Did.SIGNED_UP, ListingKind.EVENT),
            (Did.DONE, ListingKind.TASK),
        )
    }
    tea = make_listing(session, world.place, title="Tea")
    return Doings(world, listings, make_campaign(session, tea, published_at=None))


@pytest.mark.parametrize("did", Did)
def test_who_did_it_lately_is_told_and_who_did_not_is_not(
    doings: Doings, statements: list[str], did: Did
) -> None:
    """Live and in a run alike: yesterday counts, what is too long ago does not, nor what is ahead.

    One statement reads it for everybody and all campaigns.
    """
    world = doings.world
    did_at = {"lately": NOON - DAY, "long ago": NOON - 3 * DAY, "ahead": NOON + DAY, "never": None}
    people = {name: make_person(world.session, Purpose.NEARBY) for name in did_at}
    for name, at in did_at.items():
        if at is not None:
            doings.do(people[name], did, at)
    for_this, for_any = (
        Condition(did=did, of=of, within=2 * DAY) for of in (doings.subject(did), None)
    )
    asked = [for_this] if did is Did.OPENED else [for_this, for_any]
    nothing_like_it = replace(for_this, of=uuid4())
    wanted = {
        **{Audience(roles=EVERYBODY, has=(one,)): {"lately"} for one in asked},
        **{
            Audience(roles=EVERYBODY, has_not=(one,)): {"long ago", "ahead", "never"}
            for one in asked
        },
        Audience(roles=EVERYBODY, has_not=(nothing_like_it,)): set(did_at),
    }
    if did is Did.CHECKED_IN:
        del wanted[Audience(roles=EVERYBODY, has_not=(nothing_like_it,))]
    campaigns = {world.campaign(audience=audience).id: audience for audience in wanted}
    occasions = [world.enters(person) for person in people.values()]
    statements.clear()

    sent = world.decide(*occasions, limits=ROOMY)

    names = {person.id: name for name, person in people.items()}
    told = {
        audience: {names[one.person_id] for one in sent if one.campaign_id == campaign_id}
        for campaign_id, audience in campaigns.items()
    }
    assert told == wanted
    assert sum("read_at" in one or "known_at" in one for one in statements) == 1
    for campaign_id, audience in campaigns.items():
        gone_through = run_queries.next_people(
            world.session,
            audience,
            purpose=Purpose.NEARBY,
            whose=Whose(campaign_id, world.organisation.id),
            after=None,
            at=NOON,
            limit=100,
        )
        agreed = {names[one] for one in gone_through}
        assert agreed == wanted[audience]


def test_a_run_is_for_whom_it_comes_to(world: World) -> None:
    """So that it can be seen how far it is, whatever they are to have done."""
    once = Condition(did=Did.CHECKED_IN, within=DAY)
    campaign = world.campaign(
        trigger=Trigger.NOW, audience=Audience(roles=(Role.CITIZEN,), has=(once,))
    )
    one, _other = (make_person(world.session, Purpose.NEARBY) for _ in range(2))
    world.checks_in(one, minute=-1)
    grant = may(world.organisation, Right.CAMPAIGNS_WRITE)
    run, _ = beginning.begin_now(
        world.session, campaign.id, run_id=None, grant=grant, smallest=10, at=NOON
    )

    running.take_step(
        world.session, run.id, limits=ROOMY, at=NOON, limit=9, tell=lambda _said, _class: None
    )

    assert (run.people, run.gone_through, run.sent) == (1, 1, 1)


def test_what_sets_a_campaign_off_is_not_what_was_done_before(world: World) -> None:
    """A first check-in is one of somebody who has not checked in; the second is not."""
    once = Condition(did=Did.CHECKED_IN, within=DAY)
    for audience in (
        Audience(roles=(Role.CITIZEN,), has_not=(once,)),
        Audience(roles=(Role.CITIZEN,), has=(once,)),
    ):
        world.campaign(
            audience=audience,
            triggers=(Trigger.CHECKED_IN,),
            purpose=Purpose.CHECK_IN_CONTENT,
            cooldown=timedelta(0),
        )
    person = make_person(world.session, Purpose.CHECK_IN_CONTENT)

    first = world.decide(world.checks_in(person))
    second = world.decide(world.checks_in(person, minute=60), minute=60)

    assert len(first) == len(second) == 1
    assert first[0].campaign_id != second[0].campaign_id


def test_whoever_asks_for_nothing_of_it_pays_nothing_for_it(
    world: World, statements: list[str]
) -> None:
    """No statement is about topics, deeds or seats."""
    world.campaign()
    occasion = world.enters(make_person(world.session, Purpose.NEARBY))
    statements.clear()

    assert len(world.decide(occasion)) == 1

    assert not [one for one in statements if "seats" in one or "interests" in one]
    assert not [one for one in statements if "redemptions" in one or "read_at" in one]


NORTH = Reach(tags=frozenset({"north"}))
CITIZENS: dict[str, Any] = {"roles": (Role.CITIZEN,)}
STAFF = {"roles": (Role.STAFF,)}


def has(did: Did, days: float = 1, of: UUID | None = None) -> tuple[Condition, ...]:
    """One condition."""
    return (Condition(did=did, of=of, within=days * DAY),)


@pytest.mark.parametrize(
    ("audience", "fields"),
    [
        pytest.param({"has": has(Did.REDEEMED, 30), "has_not": has(Did.REDEEMED, 7)}, []),
        pytest.param(
            {"has": has(Did.REDEEMED, 7), "has_not": has(Did.REDEEMED, 30)}, ["/audience/has/0"]
        ),
        pytest.param({"has_not": has(Did.OPENED)}, []),
        pytest.param({"has": has(Did.OPENED)}, ["/audience/has/0/of"]),
        pytest.param({"has": has(Did.OPENED, of=UUID(int=1))}, ["/audience/has/0/of"]),
        pytest.param({"has_not": has(Did.SIGNED_UP, of=UUID(int=1))}, ["/audience/has_not/0/of"]),
        pytest.param({"has": has(Did.CHECKED_IN, of=UUID(int=1))}, ["/audience/has/0/of"]),
        pytest.param({"has": has(Did.DONE)}, ["/audience/has/0/did"]),
        pytest.param({**STAFF, "has": has(Did.DONE)}, []),
        pytest.param({"interests": ("owls",)}, ["/audience/interests/0"]),
        pytest.param(
            {**STAFF, "interests": ("owls",)}, ["/audience/interests", "/audience/interests/0"]
        ),
    ],
)
def test_an_audience_that_nobody_can_be_is_refused(
    doings: Doings, audience: dict[str, Any], fields: list[str]
) -> None:
    """With what to change; and so is what the organisation does not have."""
    assert fields_refused(doings.world, Audience(**{**CITIZENS, **audience})) == fields


def test_whoever_manages_some_places_asks_for_what_was_done_of_theirs(doings: Doings) -> None:
    """Else they would learn how many people did something elsewhere."""
    world, session = doings.world, doings.session
    world.place.tags = ["north"]
    elsewhere = make_place(session, world.organisation, name="South Library")
    there = make_listing(session, elsewhere)
    far = make_campaign(session, there, published_at=None)
    here, anything, south, opened = (
        Audience(**CITIZENS, has_not=has(did, of=of))
        for did, of in (
            (Did.REDEEMED, doings.subject(Did.REDEEMED)),
            (Did.REDEEMED, None),
            (Did.REDEEMED, there.id),
            (Did.OPENED, far.id),
        )
    )
    asked = (here, anything, south, opened, Audience(**CITIZENS, has_not=has(Did.OPENED)))
    refused = ["/audience/has_not/0/of"]

    everywhere = [fields_refused(world, audience) for audience in asked]
    limited = [fields_refused(world, audience, reach=NORTH) for audience in asked]

    assert everywhere == [[], [], [], [], []]
    assert limited == [[], refused, refused, refused, []]


def fields_refused(world: World, whom: Audience, *, reach: Reach | None = None) -> list[str | None]:
    """Where something is wrong with an audience, for a manager of all places or of some."""
    said = CampaignDraft(
        listing_id=world.listing.id,
        name="Tea",
        purpose=Purpose.NEARBY if Role.CITIZEN in whom.roles else Purpose.STAFF_TASKS,
        campaign_class=CampaignClass.SERVICE,
        definition=make_definition(audience=whom),
    )
    draft = Draft(said=said, listing=world.listing, organisation=world.organisation)
    grant = may(world.organisation, Right.CAMPAIGNS_WRITE)
    grant = replace(grant, actor=replace(grant.actor, reach=reach))
    return [one.field for one in faults_of_audience(world.session, draft, grant)]


def test_nobody_is_asked_for_what_is_not_kept() -> None:
    """Longer ago than that is refused; and of days so long ago a replay leaves it out."""
    audience = Audience(
        roles=(Role.CITIZEN,), has=has(Did.REDEEMED, 40), has_not=has(Did.DONE, 366)
    )

    [fault] = faults_of_memory(audience, KEPT)
    asked, left_out = knowable(
        replace(audience, has_not=(*has(Did.SIGNED_UP), *has(Did.CHECKED_IN, 7))),
        campaign_id=UUID(int=1),
        since=NOON - WEEK,
        until=NOON,
        kept=KEPT,
    )

    assert (fault.field, "365 days" in str(fault)) == ("/audience/has_not/0/within", True)
    assert [one.did for one in left_out] == [Did.REDEEMED, Did.SIGNED_UP]
    assert asked.conditions == has(Did.CHECKED_IN, 7)
