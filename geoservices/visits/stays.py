"""What is followed and what comes of it: sightings, visits on their way, transitions."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

import numpy as np
from numpy.typing import NDArray

from geoservices.geometry.position import Positions
from geoservices.visits.queries import OpenVisit
from geoservices.visits.sights import PresenceRules
from geoservices.visits.transitions import Change, Phase, VisitState

Indices = NDArray[np.intp]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sightings:
    """Positions to follow, by device and then in order of time; all columns have shape (n,)."""

    pings: Indices
    """Each sighting's number among the pings it came with."""
    devices: Indices
    at_us: NDArray[np.int64]
    """Microseconds since 1970."""
    before: Positions
    """The last position of the device that was tested before, all NaN where there is none."""
    fixes: Positions
    """No accuracy is missing."""
    tested: NDArray[np.bool_]
    """Whether each has moved far enough to be tested."""
    suspect: NDArray[np.bool_]
    """Which of them bear signs of not being true."""


@dataclass(slots=True, kw_only=True)
class Follow:
    """A visit while it is being followed; `state` None is an arrival that came to nothing."""

    id: UUID
    device_id: UUID
    geofence_id: UUID
    place_id: UUID
    organisation_id: UUID
    rules: PresenceRules
    state: VisitState | None
    stored: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A transition just made; one with no visit is a crossing.

    `ping` is the number of the ping that told it, None where time did.
    """

    id: UUID
    visit_id: UUID | None
    device_id: UUID
    geofence_id: UUID
    place_id: UUID
    organisation_id: UUID
    change: Change
    initial: bool
    ping: int | None = None

    @classmethod
    def of(cls, visit: Follow, change: Change, ping: int | None = None) -> "Made":
        """Return a transition of a visit."""
        return cls(
            id=uuid4(),
            visit_id=visit.id,
            device_id=visit.device_id,
            geofence_id=visit.geofence_id,
            place_id=visit.place_id,
            organisation_id=visit.organisation_id,
            change=change,
            initial=visit.state is not None and visit.state.initial,
            ping=ping,
        )


def stored_seen_at(state: VisitState, followed_until: datetime | None) -> datetime | None:
    """Return when a device was last seen; None if it is inside and that is what its row says.

    So a position inside writes nothing but the device's row.
    """
    live = state.phase is Phase.INSIDE and state.seen_at == followed_until
    return None if live else state.seen_at


def loaded(row: OpenVisit, followed_until: datetime | None, rules: PresenceRules) -> Follow:
    """Return a stored visit as it stands now.

    Of a device that is away, every reading that was followed since was far.
    """
    return Follow(
        id=row.id,
        device_id=row.device_id,
        geofence_id=row.geofence_id,
        place_id=row.place_id,
        organisation_id=row.organisation_id,
        rules=rules,
        stored=True,
        state=VisitState(
            phase=Phase(row.phase),
            phase_since=row.phase_since,
            entered_at=row.entered_at,
            seen_at=row.seen_at or followed_until or row.entered_at,
            dwell_after=row.dwell_after,
            dwelled_at=row.dwelled_at,
            confidence=row.confidence,
            initial=row.initial,
            told=row.told,
            far_at=followed_until if row.phase == Phase.AWAY else None,
        ),
    )
