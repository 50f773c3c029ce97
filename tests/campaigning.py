"""Help for tests of campaigns: a library with an offer, and people who come to it."""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import select
from sqlalchemy.orm import Session

from geoservices.accounts.models import Device, Organisation, Person
from geoservices.campaigns import deciding
from geoservices.campaigns.models import Campaign, Decision, NewDecision
from geoservices.campaigns.occasions import Occasion
from geoservices.campaigns.rules import Cap, Limits, Trigger
from geoservices.campaigns.speaking import Message
from geoservices.checkins.models import CheckIn
from geoservices.geofences.models import Geofence
from geoservices.listings.models import Listing
from geoservices.places.models import Place
from geoservices.visits.models import Transition, Visit
from geoservices.visits.transitions import Phase
from tests.counting import make_transition, make_visit
from tests.factories import (
    NOON,
    make_campaign,
    make_device,
    make_geofence,
    make_listing,
    make_organisation,
    make_place,
)

A_DAY = timedelta(hours=24)
PERSON_CAP = 2
LIMITS = Limits(
    max_age=timedelta(minutes=15),
    person_cap=Cap(messages=PERSON_CAP, within=A_DAY),
    class_caps={},
    place_cap=Cap(messages=100, within=A_DAY),
)


@dataclass(slots=True)
class World:
    """A library with a geofence and an offer."""

    session: Session
    organisation: Organisation
    place: Place
    geofence: Geofence
    listing: Listing

    def campaign(self, **changes: Any) -> Campaign:
        """Publish a campaign for the offer, or for another listing."""
        ended_at = changes.pop("ended_at", None)
        campaign = make_campaign(self.session, changes.pop("listing", self.listing), **changes)
        campaign.ended_at = ended_at
        self.session.flush()
        return campaign

    def enters(
        self, person: Person, *, minute: float = 0, device: Device | None = None
    ) -> Occasion:
        """Have a person's device enter the library."""
        device = device or make_device(self.session, person)[0]
        at = NOON + timedelta(minutes=minute)
        visit = make_visit(self.session, self.geofence, device.id, at, open_=True)
        transition = make_transition(self.session, visit, Trigger.ENTERED, at=at)
        return Occasion(
            trigger=Trigger.ENTERED,
            occurred_at=at,
            confidence=visit.confidence,
            person=person,
            place=self.place,
            transition_id=transition.id,
        )

    def goes_on(self, occasion: Occasion, kind: Trigger, *, minute: float) -> Occasion:
        """Have the visit that an occasion began come to something else, known at once."""
        at = NOON + timedelta(minutes=minute)
        before = self.session.get_one(Transition, occasion.transition_id)
        visit = self.session.get_one(Visit, before.visit_id)
        transition = make_transition(self.session, visit, kind, at=at)
        return replace(occasion, trigger=kind, occurred_at=at, transition_id=transition.id)

    def leaves(self, occasion: Occasion, *, minute: float) -> None:
        """End the visit that an occasion began."""
        transition = self.session.get_one(Transition, occasion.transition_id)
        visit = self.session.get_one(Visit, transition.visit_id)
        visit.phase, visit.exited_at = Phase.ENDED, NOON + timedelta(minutes=minute)
        self.session.flush()

    def checks_in(self, person: Person, *, minute: float = 0) -> Occasion:
        """Have a person check in at the library."""
        at = NOON + timedelta(minutes=minute)
        check_in = CheckIn(
            id=uuid4(),
            device_id=make_device(self.session, person)[0].id,
            place_id=self.place.id,
            organisation_id=self.organisation.id,
            evidence="inside",
            claimed_at=at,
            received_at=at,
        )
        self.session.add(check_in)
        self.session.flush()
        return Occasion(
            trigger=Trigger.CHECKED_IN,
            occurred_at=at,
            confidence=3,
            person=person,
            place=self.place,
            check_in_id=check_in.id,
        )

    def decide(
        self, *occasions: Occasion, minute: float = 0, limits: Limits = LIMITS
    ) -> list[NewDecision]:
        """Let the campaigns decide, and return those that send."""
        sent = self.messages(*occasions, minute=minute, limits=limits)
        return [message.decision for message in sent]

    def messages(
        self, *occasions: Occasion, minute: float = 0, limits: Limits = LIMITS
    ) -> list[Message]:
        """Let the campaigns decide, and return what is to be sent."""
        at = NOON + timedelta(minutes=minute)
        return deciding.triggered_by(self.session, occasions, limits=limits, at=at)

    def gates(self) -> list[str | None]:
        """Which gate held each decision, in the order of deciding."""
        self.session.flush()
        rows = self.session.scalars(select(Decision).order_by(Decision.decided_at)).all()
        return [decision.gate for decision in rows]


def make_world(session: Session) -> World:
    """A library with a geofence and an offer, and nobody in it."""
    organisation = make_organisation(session)
    place = make_place(session, organisation)
    return World(
        session, organisation, place, make_geofence(session, place), make_listing(session, place)
    )
