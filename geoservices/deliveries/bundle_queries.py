"""What is asked of bundles and of what is in them."""

from collections import Counter
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import (
    DateTime,
    Uuid,
    and_,
    case,
    column,
    exists,
    false,
    func,
    select,
    true,
    update,
    values,
)
from sqlalchemy.orm import Session

from geoservices.accounts.models import Organisation, Person
from geoservices.campaigns.models import Campaign, Decision
from geoservices.campaigns.rules import CampaignClass, Trigger
from geoservices.campaigns.run_models import CampaignRun, CampaignRunState
from geoservices.channels.models import ChannelChoice
from geoservices.database import among
from geoservices.deliveries.claiming import Told
from geoservices.deliveries.models import Delivery
from geoservices.deliveries.states import DeliveryState
from geoservices.listings.models import Listing, ListingKind
from geoservices.notifications.models import Notification
from geoservices.places.models import Place
from geoservices.places.queries import is_sensitive_at


class Member(NamedTuple):
    """A notification in a bundle, and what decides whether it may still be told.

    `place` is the name of the place it is about, `language` that of its person or, if they chose
    none, of the organisation. `wanted` is whether the person left push on for its purpose.
    """

    id: UUID
    campaign_class: str
    title: str
    body: str
    place: str | None
    language: str
    wanted: bool
    task_id: UUID | None
    told: Told


class Unsent(NamedTuple):
    """What is to be pushed to somebody about a place, and has not been; it may be a bundle."""

    id: UUID
    person_id: UUID
    place_id: UUID | None
    is_critical: bool
    is_bundle: bool


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
            Notification.campaign_class,
            Notification.title,
            Notification.body,
            Place.name,
            func.coalesce(Person.language, Organisation.language),
            func.coalesce(ChannelChoice.push, true()),
            case((Listing.kind == ListingKind.TASK, Listing.id)),
            Notification.expires_at,
            Listing.withdrawn_at,
            Campaign.ended_at,
            sensitive,
            CampaignRun.state == CampaignRunState.STOPPED,
        )
        .join(Person, Person.id == Notification.person_id)
        .join(Decision, Decision.id == Notification.decision_id)
        .join(Campaign, Campaign.id == Decision.campaign_id)
        .join(Organisation, Organisation.id == Campaign.organisation_id)
        .outerjoin(Place, Place.id == Decision.place_id)
        .outerjoin(Listing, Listing.id == Notification.listing_id)
        .outerjoin(CampaignRun, CampaignRun.id == Decision.run_id)
        .outerjoin(ChannelChoice, chosen)
        .where(Notification.bundle_id.in_(bundle_ids))
        .order_by(Decision.decided_at, Notification.created_at, Notification.id)
    )
    found: dict[UUID, list[Member]] = {}
    for bundle_id, id_, class_, title, body, place, language, wanted, task_id, *told in rows:
        if bundle_id is not None:
            about = Told(*told)
            member = Member(id_, class_, title, body, place, language, wanted, task_id, about)
            found.setdefault(bundle_id, []).append(member)
    return found


def unsent(
    session: Session,
    person_ids: Collection[UUID],
    place_ids: Collection[UUID],
    *,
    since: datetime,
    besides: Collection[UUID],
    broadcast: bool,
) -> list[Unsent]:
    """Return what was made since an instant, is about places, and was tried with no browser yet.

    Its deliveries are locked: nobody begins to send it before the transaction ends. What somebody
    is sending just now is left out.

    Args:
        session: Its transaction holds the people.
        person_ids: To whom.
        place_ids: About which places.
        since: When it was made, at the earliest.
        besides: Notifications that are left out.
        broadcast: Whether what gives way to what is single counts too.
    """
    pushed_id = func.coalesce(Notification.bundle_id, Notification.id)
    lane = true() if broadcast else ~Delivery.broadcast
    untried = and_(Delivery.state == DeliveryState.QUEUED, Delivery.attempt_count == 0, lane)
    rows = session.execute(
        select(
            pushed_id,
            Notification.person_id,
            Decision.place_id,
            Notification.campaign_class == CampaignClass.CRITICAL,
            Notification.bundle_id.is_not(None),
        )
        .distinct()
        .join(Decision, Decision.id == Notification.decision_id)
        .where(
            among(Notification.person_id, person_ids),
            Notification.surfaced_at > since,
            Notification.created_at > since,
            among(Decision.place_id, place_ids),
            Notification.id.not_in(besides),
            exists().where(Delivery.notification_id == pushed_id, untried),
        )
    )
    found = [Unsent(*row) for row in rows]
    if not found:
        return []
    of_these = Delivery.notification_id.in_({one.id for one in found})
    # Whoever is sending has them locked, and is not waited for.
    free = Counter(
        session.scalars(
            select(Delivery.notification_id)
            .where(of_these, untried)
            .order_by(Delivery.id)
            .with_for_update(skip_locked=True, key_share=True)
        )
    )
    made = session.execute(
        select(Delivery.notification_id, func.count())
        .where(of_these)
        .group_by(Delivery.notification_id)
    )
    whole = {id_ for id_, count in made if free[id_] == count}
    return [one for one in found if one.id in whole]


def push_as(
    session: Session, changes: Mapping[UUID, tuple[UUID, datetime]], *, at: datetime
) -> None:
    """Let unsent deliveries of notifications be of others, until when those are worth showing.

    Whoever found them locked meanwhile has passed them over, so they are due at once.
    """
    new = values(
        column("of", Uuid),
        column("now", Uuid),
        column("until", DateTime(timezone=True)),
        name="new",
    ).data([(of, now, until) for of, (now, until) in changes.items()])
    session.execute(
        update(Delivery)
        .where(Delivery.notification_id == new.c.of)
        .values(
            notification_id=new.c.now,
            expires_at=func.greatest(Delivery.expires_at, new.c.until),
            due_at=at,
        )
    )
    session.execute(
        update(Notification)
        .where(Notification.id == new.c.now)
        .values(expires_at=func.greatest(Notification.expires_at, new.c.until))
    )
