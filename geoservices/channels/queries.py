"""What is asked of the choice of channels."""

from collections.abc import Collection, Sequence
from typing import TypeVar
from uuid import UUID

from sqlalchemy import Select, and_, delete, func, select, true, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from geoservices.accounts.models import Purpose
from geoservices.campaigns.models import Campaign, Decision
from geoservices.channels.models import ChannelChoice
from geoservices.database import among
from geoservices.notifications.models import Notification

Row = TypeVar("Row")


def choices_of(session: Session, person_id: UUID) -> Sequence[ChannelChoice]:
    """Return what a person chose, one row for each purpose that they chose anything for."""
    return session.scalars(select(ChannelChoice).where(ChannelChoice.person_id == person_id)).all()


def save(session: Session, person_id: UUID, purpose: Purpose, *, push: bool, email: bool) -> None:
    """Store a person's choice for one purpose, in place of any of before."""
    chosen = {"push": push, "email": email}
    session.execute(
        insert(ChannelChoice)
        .values(person_id=person_id, purpose=purpose, **chosen)
        .on_conflict_do_update(index_elements=["person_id", "purpose"], set_=chosen)
    )


def stop_mail(session: Session, person_id: UUID) -> None:
    """Switch e-mail off for every purpose of a person's."""
    session.execute(
        update(ChannelChoice)
        .where(ChannelChoice.person_id == person_id, ChannelChoice.email)
        .values(email=False)
    )


def forget(session: Session, person_id: UUID, purpose: Purpose) -> None:
    """Forget what a person chose for one purpose."""
    session.execute(
        delete(ChannelChoice).where(
            ChannelChoice.person_id == person_id, ChannelChoice.purpose == purpose
        )
    )


def wanted_as_push(session: Session, notification_ids: Collection[UUID]) -> set[UUID]:
    """Return those of the notifications whose person left push on for their campaign's purpose.

    What no campaign decided on is for no purpose, and wanted.
    """
    return set(session.scalars(pushed(select(Notification.id), notification_ids)))


def pushed(statement: Select[Row], notification_ids: Collection[UUID]) -> Select[Row]:
    """Return a statement on notifications for those of them that `wanted_as_push` would return."""
    return (
        statement.outerjoin(Decision, Decision.id == Notification.decision_id)
        .outerjoin(Campaign, Campaign.id == Decision.campaign_id)
        .outerjoin(
            ChannelChoice,
            and_(
                ChannelChoice.person_id == Notification.person_id,
                ChannelChoice.purpose == Campaign.purpose,
            ),
        )
        .where(among(Notification.id, notification_ids), func.coalesce(ChannelChoice.push, true()))
    )
