"""The outbox: facts waiting to be told, written in the transaction that made them true.

The relay hands waiting messages to jobs; a job removes a message in the transaction that did
what it asked for. Until then it comes due again after each lease, so that a lost broker, relay
or worker delays a message and never loses it. What cannot be told stays, and is tried again with
growing pauses.
"""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Final, NamedTuple
from uuid import UUID

from sqlalchemy import BigInteger, Identity, Index, String, delete, select, true
from sqlalchemy.orm import Mapped, Session, mapped_column

from geoservices import clock
from geoservices.database import Base, among
from geoservices.leasing.models import Tried
from geoservices.leasing.queries import Queue
from geoservices.register import Basis, Kept, about, personal
from geoservices.trips import insert_rows, send

CHANNEL = "geoservices_due"
"""The NOTIFY channel that wakes the relay when something has fallen due."""
RING = b"SELECT pg_notify('%b', '')" % CHANNEL.encode()


class Topic(StrEnum):
    """What a message is about."""

    TRANSITION_MADE = "transition.made"
    CHECK_IN_MADE = "check-in.made"
    LISTING_PUBLISHED = "listing.published"


class OutboxMessage(Tried, Base):
    """A fact waiting to be told; `subject_id` is the row it speaks of.

    `attempt_count` is how often telling it failed by its own fault.
    """

    __tablename__ = "outbox_messages"
    __table_args__ = (
        Index("ix_outbox_messages_due_at", "due_at"),
        {
            "info": about(
                purpose="tell campaigns of each occasion once",
                basis=Basis.CONSENT,
                kept=Kept(words="until it is told, within seconds"),
            )
        },
    )

    id: Mapped[int] = mapped_column(
        BigInteger, Identity(), primary_key=True, info=personal("the message's number")
    )
    topic: Mapped[str] = mapped_column(String(40), info=personal("what it speaks of"))
    subject_id: Mapped[UUID] = mapped_column(info=personal("which transition, check-in or listing"))
    attempt_count: Mapped[int] = mapped_column(
        default=0, info=personal("how often telling it failed")
    )
    created_at: Mapped[datetime] = mapped_column(info=personal("since when it waits"))
    due_at: Mapped[datetime] = mapped_column(info=personal("when it is told next"))


DUE: Final[Queue[int]] = Queue(
    row=OutboxMessage, waiting=true(), first=OutboxMessage.id, at_once=5000
)


class NewMessage(NamedTuple):
    """A message to be stored; the database numbers it."""

    topic: str
    subject_id: UUID
    attempt_count: int
    created_at: datetime
    due_at: datetime


def ring(session: Session) -> None:
    """Wake the relay once this transaction commits."""
    send(session, RING)


def publish(session: Session, topic: Topic, subject_ids: Sequence[UUID]) -> None:
    """Announce facts of this transaction, in the order given; none announces nothing."""
    if not subject_ids:
        return
    at = clock.now()
    insert_rows(
        session,
        OutboxMessage.__tablename__,
        [
            NewMessage(
                topic=topic, subject_id=subject_id, attempt_count=0, created_at=at, due_at=at
            )
            for subject_id in subject_ids
        ],
    )
    ring(session)


def take(session: Session, ids: Sequence[int]) -> list[OutboxMessage]:
    """Lock those of the messages that nobody else is working on, oldest first."""
    return list(
        session.scalars(
            select(OutboxMessage)
            .where(among(OutboxMessage.id, ids))
            .order_by(OutboxMessage.id)
            .with_for_update(skip_locked=True)
        )
    )


def settle(session: Session, messages: Sequence[OutboxMessage]) -> None:
    """Remove messages whose work is done in this very transaction."""
    session.execute(
        delete(OutboxMessage).where(among(OutboxMessage.id, [message.id for message in messages]))
    )
