"""What is asked when nobody may remember any more what somebody was told."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import ColumnElement, delete, or_, select
from sqlalchemy.orm import Session, aliased

from geoservices.campaigns.models import Campaign, Decision
from geoservices.deliveries.models import Delivery
from geoservices.events.models import Event
from geoservices.notifications.models import Notification, NotificationKind


def forget_told(
    session: Session,
    person_id: UUID,
    purpose: str,
    triggers: Collection[str],
    *,
    tests: bool,
) -> None:
    """Delete what campaigns decided about a person, with what they were told and its deliveries.

    What a push service has taken already cannot be called back.

    Args:
        session: Its transaction holds the person.
        person_id: Whom it is about.
        purpose: Campaigns for it are meant,
        triggers: and what these set off.
        tests: Whether the tests that the person asked for go too.
    """
    by_campaign = or_(Campaign.purpose == purpose, Decision.trigger.in_(triggers))
    _forget(session, Decision.person_id == person_id, by_campaign)
    if tests:
        asked_for = Notification.kind == NotificationKind.TEST
        _delete_told(session, (Notification.person_id == person_id) & asked_for)


def forget_word_of_events(session: Session, person_id: UUID) -> None:
    """Delete what a person was told of events that they signed up for, with its deliveries.

    Its transaction holds the person.
    """
    word = Notification.kind == NotificationKind.LISTING
    of_events = Notification.listing_id.in_(select(Event.id))
    _delete_told(session, (Notification.person_id == person_id) & word & of_events)


def forget_told_at(
    session: Session,
    person_ids: Collection[UUID],
    place_id: UUID,
    triggers: Collection[str],
) -> None:
    """Delete what campaigns decided about people at a place because of these triggers.

    Its transaction holds the people.
    """
    _forget(
        session,
        Decision.person_id.in_(person_ids),
        Decision.place_id == place_id,
        Decision.trigger.in_(triggers),
    )


def _forget(session: Session, *which: ColumnElement[bool]) -> None:
    decided = session.scalars(
        select(Decision.id).join(Campaign, Campaign.id == Decision.campaign_id).where(*which)
    ).all()
    _delete_told(session, Notification.decision_id.in_(decided))
    session.execute(
        delete(Decision).where(Decision.id.in_(decided)),
        execution_options={"synchronize_session": False},
    )


def _delete_told(session: Session, which: ColumnElement[bool]) -> None:
    member = aliased(Notification)
    bundles = session.scalars(
        select(Notification.bundle_id).where(which, Notification.bundle_id.is_not(None)).distinct()
    ).all()
    # Locked in the order in which `lock` does it, or the two wait for each other.
    session.execute(
        select(Delivery.id)
        .join(Notification, Notification.id == Delivery.notification_id)
        .where(or_(which, Notification.id.in_(bundles)))
        .order_by(Delivery.id)
        .with_for_update(of=Delivery)
    )
    session.execute(
        delete(Notification).where(which), execution_options={"synchronize_session": False}
    )
    if bundles:
        left = select(member.id).where(member.bundle_id == Notification.id)
        session.execute(
            delete(Notification).where(Notification.id.in_(bundles), ~left.exists()),
            execution_options={"synchronize_session": False},
        )
