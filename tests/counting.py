"""People who agreed to be counted, and where they were."""

from datetime import datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy.orm import Session

from geoservices.accounts.models import Purpose
from geoservices.geofences.models import Geofence
from geoservices.visits.models import Visit
from geoservices.visits.transitions import Phase
from tests.factories import make_device, make_person


def make_visitors(session: Session, count: int) -> list[UUID]:
    """The devices of so many people who agreed to be located and counted."""
    return [
        make_device(session, make_person(session, Purpose.NEARBY, Purpose.STATISTICS))[0].id
        for _ in range(count)
    ]


def make_visit(
    session: Session,
    geofence: Geofence,
    device_id: UUID,
    entered_at: datetime,
    *,
    phase: Phase | None = None,
    open_: bool = False,
) -> Visit:
    """A visit of ten minutes, or one that is open."""
    is_open = open_ or phase is not None
    visit = Visit(
        id=uuid4(),
        device_id=device_id,
        geofence_id=geofence.id,
        place_id=geofence.place_id,
        organisation_id=geofence.organisation_id,
        phase=phase or (Phase.INSIDE if open_ else Phase.ENDED),
        phase_since=entered_at,
        entered_at=entered_at,
        seen_at=entered_at,
        dwell_after=timedelta(minutes=5),
        exited_at=None if is_open else entered_at + timedelta(minutes=10),
        confidence=2,
        initial=False,
        due_at=entered_at,
    )
    session.add(visit)
    session.flush()
    return visit
