"""What falls due: handed out with a lease, a little at a time, and put back if nobody took it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Final, Generic, Protocol, TypeVar, cast
from uuid import UUID

from sqlalchemy import (
    Column,
    ColumnElement,
    DateTime,
    Select,
    SQLColumnExpression,
    bindparam,
    exists,
    func,
    inspect,
    or_,
    select,
    true,
    update,
)
from sqlalchemy.orm import Session

from geoservices.leasing.models import Asked, Due, Leased, Tried

Id = TypeVar("Id", int, UUID)

LONGEST_WAIT: Final = timedelta(hours=1)
LEAST_PACE: Final = timedelta(seconds=1)
"""Some more of what is put off goes out this long after the last, even if none has come back."""


TriedRow = TypeVar("TriedRow", bound=Tried)
LeasedRow = TypeVar("LeasedRow", bound=Leased)
AskedRow = TypeVar("AskedRow", bound=Asked)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Queue(Generic[Id]):
    """The rows of a table that fall due; who waits longest comes first.

    A row that is handed out falls due again after its lease, so that a lost broker, job or worker
    costs time and nothing else. Few are out at the same time, handed out and not done: what waits
    at the broker holds up whatever comes behind it there, and a lease that runs out while it does
    is for nothing. All others wait in the table.

    Attributes:
        row: What the table's rows are.
        waiting: Which of them fall due at all.
        at_once: The most that are out at the same time.
        first: The column by which the first are taken, if not by when they are due.
        urgent: Which of them, if any is due, are handed out before all others.
        handed_out_at: The column that says since when a row is out. Without it a row is out if it
            falls due within the lease, so nothing else may leave it to be due so soon.
    """

    row: type[Due]
    waiting: SQLColumnExpression[bool]
    at_once: int
    first: SQLColumnExpression[Any] | None = None
    urgent: ColumnElement[bool] | None = None
    handed_out_at: SQLColumnExpression[datetime | None] | None = None

    def hand_out(self, session: Session, *, at: datetime, lease: timedelta, limit: int) -> list[Id]:
        """Take up to `limit` due rows if there is room for so many; they are due after the lease.

        Rows that somebody else holds are passed over.
        """
        most = min(limit, self.at_once)
        return self.take(
            session, self._room(most, at=at, lease=lease), at=at, lease=lease, limit=most
        )

    def take(
        self,
        session: Session,
        room: ColumnElement[bool] = true(),  # noqa: B008  (It never changes.)
        *,
        at: datetime,
        lease: timedelta,
        limit: int,
    ) -> list[Id]:
        """Take up to `limit` due rows, whatever is out, as long as a condition holds."""
        ranks = [true()] if self.urgent is None else [self.urgent, ~self.urgent]
        for rank in ranks:
            if taken := self._take(session, room & rank, at=at, lease=lease, limit=limit):
                return taken
        return []

    def is_due(self, at: ColumnElement[datetime]) -> ColumnElement[bool]:
        """Return the condition that any row is due at an instant."""
        return exists().where(self.row.due_at <= at, self.waiting)

    def put_back(self, session: Session, ids: Sequence[Id], *, at: datetime) -> None:
        """Make rows due at once: they could not be handed to anyone."""
        free = (
            select(self._id)
            .where(self._id.in_(ids), self.waiting)
            .with_for_update(skip_locked=True)
        )
        values = self._due(at, out_since=None)
        session.execute(update(self.row).where(self._id.in_(free)).values(values))

    def _room(self, wanted: int, *, at: datetime, lease: timedelta) -> ColumnElement[bool]:
        """Return the condition that so many more may be out."""
        is_out = true() if self.handed_out_at is None else self.handed_out_at.is_not(None)
        out = (
            select(self._id)
            .where(self.row.due_at > at, self.row.due_at <= at + lease, self.waiting, is_out)
            .limit(self.at_once)
            .subquery()
        )
        return select(func.count()).select_from(out).scalar_subquery() <= self.at_once - wanted

    def _take(
        self,
        session: Session,
        which: ColumnElement[bool],
        *,
        at: datetime,
        lease: timedelta,
        limit: int,
    ) -> list[Id]:
        due = (
            select(self._id)
            .where(self.row.due_at <= at, self.waiting, which)
            .order_by(self.row.due_at if self.first is None else self.first)
            .limit(limit)
            .with_for_update(skip_locked=True)
            .cte("due")  # As a subquery it might be run several times over, each with its limit.
        )
        taken = session.scalars(
            update(self.row)
            .where(self._id == due.c[self._id.key])
            .values(self._due(at + lease, out_since=at))
            .returning(self._id)
        )
        return sorted(taken)

    @property
    def _id(self) -> Column[Id]:
        return cast("Column[Id]", inspect(self.row).primary_key[0])

    def _due(self, at: datetime, *, out_since: datetime | None) -> dict[str, datetime | None]:
        values: dict[str, datetime | None] = {"due_at": at}
        return values if self.handed_out_at is None else {**values, "handed_out_at": out_since}


@dataclass(slots=True, eq=False)
class Paced(Generic[Id]):
    """A queue whose rows may be put off for seconds, over and over, and then look as if out.

    They must not hold up all others for ever: some go out each second, whatever is out.
    """

    queue: Queue[Id]
    last_at: datetime | None = None

    def hand_out(self, session: Session, *, at: datetime, lease: timedelta, limit: int) -> list[Id]:
        """Take up to `limit` due rows if there is room for so many, or none went lately."""
        take = self.queue.hand_out if self.went_lately(at) else self.queue.take
        taken = take(session, at=at, lease=lease, limit=limit)
        if taken:
            self.last_at = at
        return taken

    def went_lately(self, at: datetime) -> bool:
        """Tell whether some were taken less than the least pace ago."""
        return self.last_at is not None and at - self.last_at < LEAST_PACE

    def is_due(self, at: ColumnElement[datetime]) -> ColumnElement[bool]:
        """Return the condition that any row is due at an instant."""
        return self.queue.is_due(at)

    def put_back(self, session: Session, ids: Sequence[Id], *, at: datetime) -> None:
        """Make rows due at once: they could not be handed to anyone."""
        self.queue.put_back(session, ids, at=at)


class FallsDue(Protocol):
    """What of which it can be asked whether any is due."""

    def is_due(self, at: ColumnElement[datetime]) -> ColumnElement[bool]:
        """Return the condition that any row is due at an instant."""


def which_are_due(session: Session, queues: tuple[FallsDue, ...], *, at: datetime) -> list[bool]:
    """Tell of each queue whether anything of it is due.

    In one statement, for whoever looks many times a second and mostly finds nothing.
    """
    return list(session.execute(_which_are_due(queues), {"at": at}).one())


@lru_cache(maxsize=1)
def _which_are_due(queues: tuple[FallsDue, ...]) -> Select[*tuple[Any, ...]]:
    at = bindparam("at", type_=DateTime(timezone=True))
    return select(*(one.is_due(at).label(f"due_{number}") for number, one in enumerate(queues)))


def put_off(session: Session, row: type[TriedRow], id_: int | UUID, *, at: datetime) -> None:
    """Count a failure and make a row due later: after 2 s, 4 s and so on, up to an hour."""
    failed = session.get(row, id_, with_for_update=True)
    if failed is not None:  # Or somebody else has done it meanwhile.
        failed.attempt_count += 1
        failed.due_at = at + wait_after(failed.attempt_count)


def wait_after(attempt_count: int) -> timedelta:
    """Return how long a row waits after so many failures."""
    return timedelta(seconds=min(2.0 ** min(attempt_count, 32), LONGEST_WAIT.total_seconds()))


def is_free(
    leased_until: SQLColumnExpression[datetime | None], *, at: datetime
) -> ColumnElement[bool]:
    """Return the condition that no worker has a row."""
    return or_(leased_until.is_(None), leased_until <= at)


def take_free(
    session: Session,
    row: type[LeasedRow],
    id_: UUID,
    *which: ColumnElement[bool],
    at: datetime,
) -> LeasedRow | None:
    """Return a row that nobody is working on, locked, if it meets the conditions."""
    return session.scalars(
        select(row)
        .where(row.id == id_, is_free(row.leased_until, at=at), *which)
        .with_for_update(skip_locked=True)
    ).one_or_none()


def hold_attempt(
    session: Session, row: type[AskedRow], id_: UUID, *, states: Sequence[str], attempt: int
) -> AskedRow | None:
    """Return a row, locked, while it is in one of the states by this very attempt."""
    return session.scalars(
        select(row)
        .where(row.id == id_, row.state.in_(states), row.attempt_count == attempt)
        .with_for_update()
    ).one_or_none()
