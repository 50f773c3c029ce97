"""What is asked of bundles and of what is in them."""

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import and_, false, func, select, true
from sqlalchemy.orm import Session

from geoservices.accounts.models import Organisation, Person
from geoservices.campaigns.models import Campaign, Decision
from geoservices.campaigns.rules import Trigger
from geoservices.channels.models import ChannelChoice
from geoservices.deliveries.claiming import Told
from geoservices.listings.models import Listing
from geoservices.notifications.models import Notification
from geoservices.places.models import Place
from geoservices.places.queries import is_sensitive_at


class Member(NamedTuple):
    """A notification in a bundle, and what decides whether it may still be told.

    `place` is the name of the place it is about, `language` that of its person or, if they chose
    none, of the organisation. `wanted` is whether the person left push on for its purpose.
    """

    id: UUID
    title: str
    body: str
    place: str | None
    language: str
    wanted: bool
    told: Told


def members_of(
    session: Session, bundle_ids: Collection[UUID], *, at: datetime
) -> dict[UUID, list[Member]]:
    """Return what is in each bundle, oldest first; a bundle with nothing in it is left out."""
    sensitive = func.coalesce(
        and_(Decision.trigger != Trigger.CHECKED_IN, is_sensitive_at(at)), false()
    )
    chosen = and_(
        ChannelChoice.person_id == Notification.person_id,
        ChannelChoice.purpose == Campaign.purpose,
    )
    rows = session.execute(
        select(
            Notification.bundle_id,
            Notification.id,
            Notification.title,
            Notification.body,
            Place.name,
            func.coalesce(Person.language, Organisation.language),
            func.coalesce(ChannelChoice.push, true()),
            Notification.expires_at,
            Listing.withdrawn_at,
            Campaign.ended_at,
            sensitive,
        )
        .join(Person, Person.id == Notification.person_id)
        .join(Decision, Decision.id == Notification.decision_id)
        .join(Campaign, Campaign.id == Decision.campaign_id)
        .join(Organisation, Organisation.id == Campaign.organisation_id)
        .outerjoin(Place, Place.id == Decision.place_id)
        .outerjoin(Listing, Listing.id == Notification.listing_id)
        .outerjoin(ChannelChoice, chosen)
        .where(Notification.bundle_id.in_(bundle_ids))
        .order_by(Decision.decided_at, Notification.created_at, Notification.id)
    )
    found: dict[UUID, list[Member]] = {}
    for bundle_id, id_, title, body, place, language, wanted, *told in rows:
        if bundle_id is not None:
            member = Member(id_, title, body, place, language, wanted, Told(*told))
            found.setdefault(bundle_id, []).append(member)
    return found
