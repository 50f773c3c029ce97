"""What is asked to explain decisions."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import cast as sql_cast
from sqlalchemy import func, or_, select, true
from sqlalchemy.dialects.postgresql import JSONB, distinct_on
from sqlalchemy.orm import Session

from geoservices.accounts.models import Consent, Device, Organisation, Person
from geoservices.campaigns.models import Campaign, Decision
from geoservices.campaigns.run_models import CampaignRun
from geoservices.campaigns.waiting_queries import is_last
from geoservices.checkins.models import CheckIn
from geoservices.geofences.models import Geofence
from geoservices.listings.models import Listing
from geoservices.notifications.models import Notification
from geoservices.places.models import Place
from geoservices.subscriptions.models import Subscription
from geoservices.visits.models import Transition, Visit
from geoservices.visits.transitions import Phase


class Behind(NamedTuple):
    """What lies behind a decision."""

    decision_id: UUID
    title: str
    trigger: str
    campaign_class: str
    place: str | None
    organisation: str
    happened_at: datetime
    purpose: str
    agreed_at: datetime | None
    text_version: str | None
    agreed_language: str | None
    time_zone: str
    sent_at: datetime
    follows_id: UUID | None
    organisation_id: UUID
    interests: Sequence[str]


def behind(session: Session, decision_ids: Iterable[UUID]) -> list[Behind]:
    """Return what lies behind decisions; of a visit taken back since, when it was decided."""
    agreed = (
        select(Consent.given_at, Consent.text_version, Consent.language)
        .where(
            Consent.person_id == Decision.person_id,
            Consent.purpose == Campaign.purpose,
            Consent.given_at <= Decision.decided_at,
        )
        .order_by(Consent.given_at.desc())
        .limit(1)
        .lateral()
    )
    happened = func.coalesce(
        Transition.occurred_at, CheckIn.claimed_at, CampaignRun.occurred_at, Decision.decided_at
    )
    rows = session.execute(
        select(
            Decision.id,
            func.coalesce(Notification.title, Campaign.name),
            Decision.trigger,
            Campaign.campaign_class,
            Place.name,
            Organisation.name,
            happened,
            Campaign.purpose,
            agreed.c.given_at,
            agreed.c.text_version,
            agreed.c.language,
            Person.time_zone,
            Decision.decided_at,
            Decision.follows_id,
            Decision.organisation_id,
            func.coalesce(Decision.detail["interests"], sql_cast([], JSONB)),
        )
        .join(Campaign, Campaign.id == Decision.campaign_id)
        .outerjoin(Place, Place.id == Decision.place_id)
        .join(Organisation, Organisation.id == Decision.organisation_id)
        .join(Person, Person.id == Decision.person_id)
        .outerjoin(Notification, Notification.decision_id == Decision.id)
        .outerjoin(Transition, Transition.id == Decision.transition_id)
        .outerjoin(CheckIn, CheckIn.id == Decision.check_in_id)
        .outerjoin(CampaignRun, CampaignRun.id == Decision.run_id)
        .outerjoin(agreed, true())
        .where(Decision.id.in_(set(decision_ids)))
    )
    return [Behind(*row) for row in rows]


class Subject(NamedTuple):
    """What a notification is about: a listing or nothing, at a place or none."""

    notification_id: UUID
    listing_kind: str | None
    place_id: UUID
    place: str


def subjects_of(session: Session, notification_ids: Collection[UUID]) -> list[Subject]:
    """Return what notifications are about; those about no place are left out."""
    rows = session.execute(
        select(Notification.id, Listing.kind, Place.id, Place.name)
        .outerjoin(Listing, Listing.id == Notification.listing_id)
        .outerjoin(Decision, Decision.id == Notification.decision_id)
        .join(Place, Place.id == func.coalesce(Listing.place_id, Decision.place_id))
        .where(Notification.id.in_(notification_ids))
    )
    return [Subject(*row) for row in rows]


def holds_of(session: Session, first_ids: Collection[UUID]) -> dict[UUID, list[Decision]]:
    """Return the decisions that had messages wait, by the first one about each, oldest first."""
    rows = session.scalars(
        select(Decision)
        .where(
            or_(Decision.id.in_(first_ids), Decision.follows_id.in_(first_ids)),
            Decision.waits_until.is_not(None),
        )
        .order_by(Decision.decided_at)
    )
    found: dict[UUID, list[Decision]] = {}
    for decision in rows:
        found.setdefault(decision.follows_id or decision.id, []).append(decision)
    return found


def last_of(session: Session, first_ids: Collection[UUID]) -> dict[UUID, Decision]:
    """Return the last decision that followed each of some first ones, by the first one's id."""
    rows = session.scalars(
        select(Decision)
        .where(Decision.follows_id.in_(first_ids))
        .ext(distinct_on(Decision.follows_id))
        .order_by(Decision.follows_id, Decision.decided_at.desc())
    )
    return {one.follows_id: one for one in rows if one.follows_id is not None}


def held_lately(
    session: Session, person_id: UUID, place_id: UUID, *, since: datetime, limit: int
) -> Sequence[Decision]:
    """Return by which decisions a person was not told of something at a place, newest first.

    What was held back first and told later is left out.
    """
    return session.scalars(
        select(Decision)
        .where(
            Decision.person_id == person_id,
            Decision.place_id == place_id,
            Decision.gate.is_not(None),
            Decision.decided_at > since,
            is_last(),
        )
        .order_by(Decision.decided_at.desc(), Decision.id.desc())
        .limit(limit)
    ).all()


def located_at(session: Session, person_id: UUID) -> datetime | None:
    """Return the newest time of which one of a person's devices told where it was."""
    return session.scalars(
        select(func.max(Device.followed_until)).where(Device.person_id == person_id)
    ).one()


def there_at(
    session: Session, person_id: UUID, place_id: UUID, *, since: datetime
) -> datetime | None:
    """Return when a person last came to a place, or checked in there, since an instant."""
    devices = select(Device.id).where(Device.person_id == person_id)
    came = select(func.max(Visit.entered_at)).where(
        Visit.device_id.in_(devices),
        Visit.place_id == place_id,
        Visit.phase != Phase.ARRIVING,
        Visit.entered_at > since,
    )
    checked_in = select(func.max(CheckIn.claimed_at)).where(
        CheckIn.device_id.in_(devices), CheckIn.place_id == place_id, CheckIn.claimed_at > since
    )
    known = [session.scalars(one).one() for one in (came, checked_in)]
    return max(filter(None, known), default=None)


def is_watched(session: Session, place_id: UUID) -> bool:
    """Tell whether anybody's coming to a place is noticed."""
    watching = select(Geofence.id).where(
        Geofence.place_id == place_id, Geofence.disabled_at.is_(None), Geofence.deleted_at.is_(None)
    )
    return session.scalars(watching.limit(1)).first() is not None


def has_browser(session: Session, person_id: UUID) -> bool:
    """Tell whether one of a person's browsers may be pushed to."""
    living = (
        select(Subscription.id)
        .join(Device, Device.id == Subscription.device_id)
        .where(
            Device.person_id == person_id,
            Device.revoked_at.is_(None),
            Subscription.ended_at.is_(None),
        )
    )
    return session.scalars(living.limit(1)).first() is not None
