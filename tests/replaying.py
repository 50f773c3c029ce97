"""Help for tests of replays: people come to a town's places, and campaigns decide on it live."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import select
from sqlalchemy.orm import Session

from geoservices import outbox, pipeline
from geoservices.access.rights import Right
from geoservices.accounts.models import Organisation, Person, Purpose
from geoservices.campaigns import service
from geoservices.campaigns.deciding import limits_of
from geoservices.campaigns.models import Campaign, Decision
from geoservices.campaigns.replayed_queries import Records
from geoservices.campaigns.replaying import GATES, SENT, Tally
from geoservices.campaigns.replaying_records import walk_through
from geoservices.campaigns.rules import Trigger
from geoservices.checkins.models import CheckIn
from geoservices.geofences.models import Geofence
from geoservices.listings.models import Listing
from geoservices.outbox import OutboxMessage, Topic
from geoservices.places.models import Place
from geoservices.settings.service import Settings
from geoservices.visits.models import Transition, Visit
from geoservices.visits.transitions import Phase
from tests.counting import make_transition
from tests.factories import (
    NOON,
    make_device,
    make_geofence,
    make_listing,
    make_organisation,
    make_person,
    make_place,
    may,
)
from tests.walking import SETTINGS

COUNTED = (Purpose.NEARBY, Purpose.CHECK_IN_CONTENT, Purpose.STATISTICS)
NOBODY = Tally(
    people=(),
    profiles=(),
    places=(),
    names=(),
    looked=(),
    decided=(),
    gates=(),
    told=(),
    where=(),
    hours=(),
)
"""What a replay is told of in which nobody did anything."""


@dataclass(slots=True)
class Town:
    """Places with a geofence each, and an offer at the first of them."""

    session: Session
    organisation: Organisation
    places: Sequence[Place]
    geofences: Sequence[Geofence]
    listing: Listing
    devices: dict[UUID, UUID] = field(default_factory=dict)
    settings: Settings = SETTINGS

    def comes(
        self,
        person: Person,
        *,
        at: datetime,
        place: int = 0,
        leaves_at: datetime | None = None,
        dwells_at: datetime | None = None,
        **how: Any,
    ) -> Visit:
        """Have somebody come to a place, and perhaps stay and leave; nothing is decided."""
        common = self._common(person, place) | how
        late = common.pop("late", timedelta(0))
        visit = Visit(
            phase=Phase.INSIDE if leaves_at is None else Phase.ENDED,
            phase_since=at,
            entered_at=at,
            dwell_after=timedelta(minutes=5),
            dwelled_at=dwells_at,
            exited_at=leaves_at,
            due_at=at,
            **common,
        )
        self.session.add(visit)
        self.session.flush()
        happened = {Trigger.ENTERED: at, Trigger.DWELLED: dwells_at, Trigger.EXITED: leaves_at}
        for kind, when in happened.items():
            if when is not None:
                make_transition(self.session, visit, kind, at=when, late=late)
        return visit

    def checks_in(self, person: Person, *, at: datetime, place: int = 0) -> CheckIn:
        """Have somebody check in; nothing is decided."""
        common = self._common(person, place)
        check_in = CheckIn(
            id=uuid4(),
            device_id=common["device_id"],
            place_id=common["place_id"],
            organisation_id=common["organisation_id"],
            evidence="inside",
            claimed_at=at,
            received_at=at,
        )
        self.session.add(check_in)
        self.session.flush()
        return check_in

    def live(
        self,
        person: Person,
        kind: Trigger,
        *,
        at: datetime,
        place: int = 0,
        late: timedelta = timedelta(0),
        confidence: int = 3,
    ) -> None:
        """Have somebody do something now, and the campaigns decide on it, as a worker does.

        Whoever dwells or leaves without being there does nothing.
        """
        known_at = at + late
        if kind is Trigger.CHECKED_IN:
            made = self.checks_in(person, at=at, place=place)
            made.received_at = known_at
            self._decide(Topic.CHECK_IN_MADE, made.id, known_at)
            return
        visit = self._open_visit(person, place)
        if kind is Trigger.ENTERED and visit is None:
            visit = self.comes(person, at=at, place=place, confidence=confidence, late=late)
            made_id = self.session.scalars(
                select(Transition.id).where(Transition.visit_id == visit.id)
            ).one()
        elif visit is None or kind is Trigger.ENTERED:
            return
        elif kind is Trigger.DWELLED and visit.dwelled_at is None:
            visit.dwelled_at = at
            made_id = make_transition(self.session, visit, kind, at=at, late=late).id
        elif kind is Trigger.EXITED:
            visit.phase, visit.exited_at = Phase.ENDED, at
            made_id = make_transition(self.session, visit, kind, at=at, late=late).id
        else:
            return
        self._decide(Topic.TRANSITION_MADE, made_id, known_at)

    def decided(self, campaign: Campaign) -> list[tuple[UUID, str | None]]:
        """Whom a campaign decided about, and which gate held it back, in the order of time."""
        rows = self.session.execute(
            select(Decision.person_id, Decision.gate)
            .where(Decision.campaign_id == campaign.id)
            .order_by(Decision.decided_at)
        )
        return [(person_id, gate) for person_id, gate in rows]

    def replay(
        self, campaign: Campaign, *, since: datetime = NOON, until: datetime, **how: Any
    ) -> Tally:
        """Run the campaign on what was recorded."""
        grant = how.pop("grant", None) or may(self.organisation, Right.CAMPAIGNS_WRITE)
        records = Records(
            draft=service.draft_of(self.session, campaign, grant=grant),
            campaign_id=campaign.id,
            grant=grant,
            since=since,
            until=until,
            limits=limits_of(self.settings.campaigns),
            **how,
        )
        return walk_through(self.session, records)

    def _common(self, person: Person, place: int) -> dict[str, Any]:
        if person.id not in self.devices:
            self.devices[person.id] = make_device(self.session, person)[0].id
        return {
            "device_id": self.devices[person.id],
            "geofence_id": self.geofences[place].id,
            "place_id": self.places[place].id,
            "organisation_id": self.places[place].organisation_id,
            "confidence": 3,
            "initial": False,
        }

    def _open_visit(self, person: Person, place: int) -> Visit | None:
        return self.session.scalars(
            select(Visit).where(
                Visit.device_id == self._common(person, place)["device_id"],
                Visit.place_id == self.places[place].id,
                Visit.exited_at.is_(None),
            )
        ).one_or_none()

    def _decide(self, topic: Topic, made_id: UUID, at: datetime) -> None:
        outbox.publish(self.session, topic, [made_id])
        ids = list(self.session.scalars(select(OutboxMessage.id)))
        pipeline.decide(self.session, ids, settings=self.settings, at=at)


def make_town(session: Session, *, places: int = 2) -> Town:
    """A town with some places, all open round the clock, and nobody in it."""
    organisation = make_organisation(session)
    there = [
        make_place(session, organisation, name=f"Library {number}") for number in range(places)
    ]
    geofences = [make_geofence(session, place) for place in there]
    return Town(session, organisation, there, geofences, make_listing(session, there[0]))


def make_people(session: Session, number: int, *purposes: Purpose) -> list[Person]:
    """So many citizens, who agreed to be counted and told unless other purposes are named."""
    return [make_person(session, *(purposes or COUNTED)) for _ in range(number)]


def gates_in(tally: Tally) -> list[tuple[UUID, str | None]]:
    """Whom a replay decided about, and which gate held it back, in the order of time."""
    return [
        (tally.people[person], None if gate == SENT else GATES[gate])
        for person, gate in zip(tally.decided, tally.gates, strict=True)
    ]
