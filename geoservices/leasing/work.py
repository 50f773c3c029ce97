"""Work that somebody asked for: done by one worker at a time, and given up if they break off."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Generic
from uuid import UUID

import structlog
from sqlalchemy import ColumnElement
from sqlalchemy.orm import Session

from geoservices.leasing import queries
from geoservices.leasing.models import Reason
from geoservices.leasing.queries import AskedRow, Queue

log = structlog.get_logger()

AT_ONCE: Final = 2
"""So many pieces of work of a kind are out at the same time; all else waits behind few of them."""


class Superseded(Exception):
    """Another worker has this work now, or it is wanted no more."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Work(Generic[AskedRow]):
    """A table whose rows are work that somebody asked for.

    A worker begins with an attempt, which gives it the row for `lease`, and renews that with each
    sign of life. Once it ran out another begins anew; what the first still says is of no account.

    Attributes:
        row: What the table's rows are.
        queued: Their state until an attempt begins.
        working: Their states from then on until they are over; an attempt begins with the first.
        failed: Their state once they are given up.
        lease: After how long without a sign of life another worker begins.
        most_attempts: How many begin before it is given up.
    """

    row: type[AskedRow]
    queued: StrEnum
    working: Sequence[StrEnum]
    failed: StrEnum
    lease: timedelta
    most_attempts: int

    @property
    def under_way(self) -> ColumnElement[bool]:
        """The condition that a piece of work is not over."""
        return self.row.state.in_([self.queued, *self.working])

    @property
    def queue(self) -> Queue[UUID]:
        """What of it falls due."""
        return Queue(row=self.row, waiting=self.under_way, at_once=AT_ONCE)

    def begin(self, session: Session, id_: UUID, *, at: datetime) -> AskedRow | None:
        """Begin another attempt, unless a worker is at it or it is over: None then.

        What was tried too often is returned as failed, and is nobody's to work on.
        """
        taken = queries.take_free(session, self.row, id_, self.under_way, at=at)
        if taken is None:
            return None
        if taken.attempt_count >= self.most_attempts:
            log.warning("work_given_up", kind=taken.__class__.__name__, id=str(id_))
            self.fail(taken, Reason.BROKE_OFF)
            return taken
        if taken.state == self.queued:
            taken.state = self.working[0]
        taken.attempt_count += 1
        taken.leased_until = taken.due_at = at + self.lease
        return taken

    def hold(self, session: Session, id_: UUID, *, attempt: int, at: datetime) -> AskedRow:
        """Return a piece of work, locked, and the attempt's for another lease.

        Raises:
            Superseded: It is another attempt's by now, or over.
        """
        held = queries.hold_attempt(session, self.row, id_, states=self.working, attempt=attempt)
        if held is None:
            raise Superseded
        held.leased_until = held.due_at = at + self.lease
        return held

    def fail(self, held: AskedRow, reason: Reason) -> None:
        """Let a piece of work be over, and say why to whoever asked for it."""
        held.state, held.reason, held.leased_until = self.failed, reason, None
