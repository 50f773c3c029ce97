"""What is asked of messages that were held back and wait."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, delete, func, select, true, tuple_, update
from sqlalchemy.orm import Session, aliased

from geoservices import outbox
from geoservices.accounts.models import Device, Organisation, Person
from geoservices.campaigns import definitions
from geoservices.campaigns.models import Campaign, CampaignVersion, Decision, HeldMessage
from geoservices.campaigns.speaking import Speaker
from geoservices.listings.models import Listing
from geoservices.places.models import Place
from geoservices.visits.models import Visit
from geoservices.visits.transitions import Phase


class Waiting(NamedTuple):
    """A decision whose message waits: since when, until when, for whom, and about which place."""

    decision: Decision
    first_at: datetime
    until: datetime
    person: Person
    place: Place


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


def hand_out(session: Session, *, at: datetime, lease: timedelta, limit: int) -> list[UUID]:
    """Take up to `limit` due messages, earliest first, and make them due after the lease."""
    return outbox.take_due(
        session,
        HeldMessage.decision_id,
        HeldMessage.due_at,
        waiting=true(),
        first=HeldMessage.due_at,
        at=at,
        lease=lease,
        limit=limit,
    )


def put_back(session: Session, ids: Sequence[UUID], *, at: datetime) -> None:
    """Make messages due at once: they could not be handed to anyone."""
    free = (
        select(HeldMessage.decision_id)
        .where(HeldMessage.decision_id.in_(ids))
        .with_for_update(skip_locked=True)
    )
    session.execute(update(HeldMessage).where(HeldMessage.decision_id.in_(free)).values(due_at=at))


def put_off(session: Session, decision_id: UUID, *, at: datetime) -> None:
    """Count a failure and make a message due later, as messages of the outbox are."""
    message = session.get(HeldMessage, decision_id, with_for_update=True)
    if message is not None:  # Or somebody else has looked at it meanwhile.
        message.attempt_count += 1
        message.due_at = at + outbox.wait_after(message.attempt_count)


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
        )
        .join(HeldMessage, HeldMessage.decision_id == Decision.id)
        .join(Person, Person.id == Decision.person_id)
        .join(Place, Place.id == Decision.place_id)
        .outerjoin(first, first.id == Decision.follows_id)
        .where(HeldMessage.person_id.in_(person_ids), Decision.waits_until <= at)
        .order_by(Decision.decided_at, Decision.id)
        .with_for_update(of=HeldMessage, skip_locked=True)
    )
    return [
        Waiting(decision, first_at, until, person, place)
        for decision, first_at, until, person, place in rows
        if until is not None
    ]


def settle(session: Session, decision_ids: Collection[UUID]) -> None:
    """Let messages wait no more: they are decided on in this very transaction."""
    session.execute(delete(HeldMessage).where(HeldMessage.decision_id.in_(decision_ids)))


def waiting_for(session: Session, person_ids: Collection[UUID]) -> set[tuple[UUID, UUID]]:
    """Return which campaigns have a message waiting for which of the people."""
    rows = session.execute(
        select(Decision.campaign_id, Decision.person_id)
        .join(HeldMessage, HeldMessage.decision_id == Decision.id)
        .where(HeldMessage.person_id.in_(person_ids))
    )
    return {(campaign_id, person_id) for campaign_id, person_id in rows}


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
