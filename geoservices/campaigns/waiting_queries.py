"""What is asked of messages that were held back and wait."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, delete, func, select, tuple_
from sqlalchemy.orm import Session, aliased

from geoservices.accounts.models import Device, Organisation, Person
from geoservices.campaigns import definitions
from geoservices.campaigns.models import Campaign, CampaignVersion, Decision, HeldMessage
from geoservices.campaigns.run_models import CampaignRun
from geoservices.campaigns.speaking import Speaker
from geoservices.listings.models import Listing
from geoservices.places.models import Place
from geoservices.visits.models import Visit
from geoservices.visits.transitions import Phase


class Waiting(NamedTuple):
    """A decision whose message waits: since when, until when, for whom, and about which place.

    If there is one; the run is that in which it was held back, if it was one.
    """

    decision: Decision
    first_at: datetime
    until: datetime
    person: Person
    place: Place | None
    run: CampaignRun | None


class Subject(NamedTuple):
    """Whose message speaks to whom, and of which listing, if of one."""

    campaign_id: UUID
    listing_id: UUID | None
    person_id: UUID


def is_last() -> ColumnElement[bool]:
    """Return the condition that a decision is the last one about its message, and says its fate.

    It was sent if no gate held it back, waits if it is to be looked at again, and else was dropped.
    """
    later = aliased(Decision)
    first_id = func.coalesce(Decision.follows_id, Decision.id)
    followed = select(later.id).where(
        later.follows_id == first_id, later.decided_at > Decision.decided_at
    )
    return ~followed.exists()


def waited_for_by(session: Session, decision_ids: Collection[UUID]) -> set[UUID]:
    """Return for whom messages of these decisions wait."""
    return set(
        session.scalars(
            select(HeldMessage.person_id).where(HeldMessage.decision_id.in_(decision_ids))
        )
    )


def take(session: Session, person_ids: Collection[UUID], *, at: datetime) -> list[Waiting]:
    """Lock what may be sent to people by now, in the order in which it was held back.

    Its transaction holds the people, whose consent may be withdrawn meanwhile.
    """
    first = aliased(Decision)
    rows = session.execute(
        select(
            Decision,
            func.coalesce(first.decided_at, Decision.decided_at),
            Decision.waits_until,
            Person,
            Place,
            CampaignRun,
        )
        .join(HeldMessage, HeldMessage.decision_id == Decision.id)
        .join(Person, Person.id == Decision.person_id)
        .outerjoin(Place, Place.id == Decision.place_id)
        .outerjoin(CampaignRun, CampaignRun.id == Decision.run_id)
        .outerjoin(first, first.id == Decision.follows_id)
        .where(HeldMessage.person_id.in_(person_ids), Decision.waits_until <= at)
        .order_by(Decision.decided_at, Decision.id)
        .with_for_update(of=HeldMessage, skip_locked=True)
    )
    return [
        Waiting(decision, first_at, until, person, place, run)
        for decision, first_at, until, person, place, run in rows
        if until is not None
    ]


def settle(session: Session, decision_ids: Collection[UUID]) -> None:
    """Let messages wait no more: they are decided on in this very transaction."""
    session.execute(delete(HeldMessage).where(HeldMessage.decision_id.in_(decision_ids)))


def waiting_for(session: Session, person_ids: Collection[UUID]) -> set[Subject]:
    """Return of what messages wait for any of the people."""
    rows = session.execute(
        select(
            Decision.campaign_id,
            func.coalesce(CampaignRun.listing_id, Campaign.listing_id),
            Decision.person_id,
        )
        .join(HeldMessage, HeldMessage.decision_id == Decision.id)
        .join(Campaign, Campaign.id == Decision.campaign_id)
        .outerjoin(CampaignRun, CampaignRun.id == Decision.run_id)
        .where(HeldMessage.person_id.in_(person_ids))
    )
    return {Subject(*row) for row in rows}


def speakers(
    session: Session, versions: Iterable[tuple[UUID, int]]
) -> dict[tuple[UUID, int], Speaker]:
    """Return versions of campaigns, by their campaign and number, whether they count or not."""
    rows = session.execute(
        select(Campaign, CampaignVersion, Listing, Organisation)
        .join(CampaignVersion, CampaignVersion.campaign_id == Campaign.id)
        .outerjoin(Listing, Listing.id == Campaign.listing_id)
        .join(Organisation, Organisation.id == Campaign.organisation_id)
        .where(tuple_(CampaignVersion.campaign_id, CampaignVersion.number).in_(set(versions)))
    )
    return {
        (campaign.id, version.number): Speaker(
            campaign=campaign,
            version=version,
            definition=definitions.read(version.definition),
            listing=listing,
            organisation=organisation,
        )
        for campaign, version, listing, organisation in rows
    }


def are_at(
    session: Session, person_ids: Collection[UUID], place_ids: Collection[UUID]
) -> set[tuple[UUID, UUID]]:
    """Return which of the people are at which of the places, as far as their devices tell."""
    rows = session.execute(
        select(Device.person_id, Visit.place_id)
        .join(Device, Device.id == Visit.device_id)
        .where(
            Device.person_id.in_(person_ids),
            Visit.place_id.in_(place_ids),
            Visit.exited_at.is_(None),
            Visit.phase != Phase.ARRIVING,
        )
    )
    return {(person_id, place_id) for person_id, place_id in rows}
