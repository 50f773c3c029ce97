"""Visits on their way, and the transitions that come of them."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from geoservices.geofences.watched import Watched
from geoservices.visits.models import Visit
from geoservices.visits.queries import VisitRow
from geoservices.visits.sights import PresenceRules
from geoservices.visits.transitions import Change, Phase, VisitState


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

    @classmethod
    def begun(
        cls, device_id: UUID, watched: Watched, rules: PresenceRules, state: VisitState
    ) -> "Follow":
        """Return a visit that has just begun."""
        return cls(
            id=uuid4(),
            device_id=device_id,
            geofence_id=watched.id,
            place_id=watched.place_id,
            organisation_id=watched.organisation_id,
            rules=rules,
            state=state,
            stored=False,
        )


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


def seen_at_of(visit: VisitRow | Visit, followed_until: datetime | None) -> datetime:
    """Return when a device was last seen on a visit, as stored, given up to when it was followed.

    The way back from `stored_seen_at`.
    """
    return visit.seen_at or followed_until or visit.entered_at


def loaded(row: VisitRow, followed_until: datetime | None, rules: PresenceRules) -> Follow:
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
            seen_at=seen_at_of(row, followed_until),
            dwell_after=row.dwell_after,
            dwelled_at=row.dwelled_at,
            confidence=row.confidence,
            initial=row.initial,
            told=row.told,
            far_at=followed_until if row.phase == Phase.AWAY else None,
        ),
    )
