"""The outbox: facts waiting to be told, written in the transaction that made them true.

The relay hands waiting messages to jobs; a job removes a message in the transaction that did
what it asked for. Until then it comes due again after each lease, so that a lost broker, relay
or worker delays a message and never loses it. What cannot be told stays, and is tried again with
growing pauses.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Identity,
    Index,
    String,
    delete,
    or_,
    select,
    true,
    update,
)
from sqlalchemy.orm import InstrumentedAttribute, Mapped, Session, mapped_column

from geoservices import clock
from geoservices.database import Base, among
from geoservices.register import Basis, Kept, about, personal
from geoservices.trips import insert_rows, send

Id = TypeVar("Id")
Row = TypeVar("Row")

CHANNEL = "geoservices_due"
"""The NOTIFY channel that wakes the relay when something has fallen due."""
RING = b"SELECT pg_notify('%b', '')" % CHANNEL.encode()
LONGEST_WAIT = timedelta(hours=1)


class Topic(StrEnum):
    """What a message is about."""

    TRANSITION_MADE = "transition.made"
    CHECK_IN_MADE = "check-in.made"
    LISTING_PUBLISHED = "listing.published"


class OutboxMessage(Base):
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


def hand_out(session: Session, *, at: datetime, lease: timedelta, limit: int) -> list[int]:
    """Take up to `limit` due messages, oldest first, and make them due again after the lease."""
    taken = take_due(
        session,
        OutboxMessage.id,
        OutboxMessage.due_at,
        waiting=true(),
        first=OutboxMessage.id,
        at=at,
        lease=lease,
        limit=limit,
    )
    return sorted(taken)


def take_due(
    session: Session,
    id_: InstrumentedAttribute[Id],
    due_at: InstrumentedAttribute[datetime],
    *,
    waiting: ColumnElement[bool],
    first: InstrumentedAttribute[Any],
    at: datetime,
    lease: timedelta,
    limit: int,
) -> list[Id]:
    """Take due rows of any table, and make them due again after the lease.

    Rows that somebody else holds are passed over.

    Args:
        session: The session.
        id_: The column of the table's ids.
        due_at: The column that says when a row is due.
        waiting: Which rows are due at all.
        first: The column by which the first are taken.
        at: The moment.
        lease: How long after it they are due again.
        limit: The most to take.
    """
    due = (
        select(id_)
        .where(due_at <= at, waiting)
        .order_by(first)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte("due")  # As a subquery it might be run several times over, each with its own limit.
    )
    taken = session.scalars(
        update(id_.class_).where(id_ == due.c[id_.key]).values({due_at: at + lease}).returning(id_)
    )
    return list(taken)


def take_free(
    session: Session,
    row: type[Row],
    leased_until: InstrumentedAttribute[datetime | None],
    *which: ColumnElement[bool],
    at: datetime,
) -> Row | None:
    """Return the one row of any table that nobody is working on, locked.

    Args:
        session: The session.
        row: What the table's rows are.
        leased_until: The column that says until when somebody is working on a row.
        which: The conditions that make it the one.
        at: The moment.
    """
    free = or_(leased_until.is_(None), leased_until <= at)
    return session.scalars(
        select(row).where(free, *which).with_for_update(skip_locked=True)
    ).one_or_none()


def put_back(session: Session, ids: Sequence[int], *, at: datetime) -> None:
    """Make messages due at once: they could not be handed to anyone."""
    session.execute(update(OutboxMessage).where(OutboxMessage.id.in_(ids)).values(due_at=at))


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


def put_off(session: Session, message_id: int, *, at: datetime) -> None:
    """Count a failure and make the message due later: after 2 s, 4 s and so on, up to an hour."""
    message = session.get(OutboxMessage, message_id, with_for_update=True)
    if message is not None:  # Or somebody else has told it meanwhile.
        message.attempt_count += 1
        message.due_at = at + wait_after(message.attempt_count)


def wait_after(attempt_count: int) -> timedelta:
    """Return how long a message waits after so many failures."""
    return timedelta(seconds=min(2.0 ** min(attempt_count, 32), LONGEST_WAIT.total_seconds()))


def settle(session: Session, messages: Sequence[OutboxMessage]) -> None:
    """Remove messages whose work is done in this very transaction."""
    session.execute(
        delete(OutboxMessage).where(among(OutboxMessage.id, [message.id for message in messages]))
    )
