"""Visits on the wire."""

from datetime import datetime
from uuid import UUID

from pydantic import Field

from api.schemas.common import Out
from api.schemas.pings import TransitionOut


class VisitOut(Out):
    """A stay; open until it has `exited_at`."""

    id: UUID
    place_id: UUID
    geofence_id: UUID
    entered_at: datetime
    seen_at: datetime
    dwelled_at: datetime | None
    exited_at: datetime | None
    exit_reason: str | None = Field(description="`silence` means inferred, not measured")
    confidence: int = Field(description="1 to 3")
    transitions: list[TransitionOut]
