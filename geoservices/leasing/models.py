"""What rows have that fall due; each table says itself what it has these columns for."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy.orm import Mapped


class Reason(StrEnum):
    """Why work that was asked for has failed."""

    BROKE_OFF = "broke-off"
    """As many workers as may try broke off at it, or died."""
    TOOK_TOO_LONG = "took-too-long"


class Due:
    """A row that falls due at an instant, over and over, until it is done."""

    due_at: Mapped[datetime]


class Tried(Due):
    """A row that is put off for longer each time that it fails by its own fault."""

    attempt_count: Mapped[int]


class Leased(Due):
    """A row that a worker has until its lease runs out."""

    id: Mapped[UUID]
    leased_until: Mapped[datetime | None]


class Asked(Leased, Tried):
    """A row that is a piece of work which somebody asked for.

    `state` is how far it has come, `attempt_count` how many workers began with it, and `reason` why
    it was given up.
    """

    state: Mapped[str]
    reason: Mapped[str | None]
