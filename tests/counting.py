"""People who agreed to be counted, and where they were."""

from datetime import datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy.orm import Session

from geoservices.accounts.models import Purpose
from geoservices.campaigns.rules import Trigger
from geoservices.geofences.models import Geofence
from geoservices.visits.models import Transition, Visit
from geoservices.visits.transitions import Phase, Reason
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


def make_transition(
    session: Session, visit: Visit, kind: Trigger, *, at: datetime, late: timedelta = timedelta()
) -> Transition:
    """What a visit came to, known at once or so much later."""
    transition = Transition(
        visit_id=visit.id,
        device_id=visit.device_id,
        geofence_id=visit.geofence_id,
        place_id=visit.place_id,
        organisation_id=visit.organisation_id,
        kind=kind,
        reason=Reason.CLEARLY_INSIDE,
        confidence=visit.confidence,
        initial=False,
        occurred_at=at,
        detected_at=at + late,
    )
    session.add(transition)
    session.flush()
    return transition
