"""What the tables hold of visits and transitions, and what they refuse."""

from uuid import UUID

import pytest
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from geoservices.visits import queries
from geoservices.visits.crossings import crossed
from geoservices.visits.models import Transition
from geoservices.visits.transitions import Change, Reason, TransitionKind
from tests.factories import (
    NOON,
    make_device,
    make_geofence,
    make_organisation,
    make_person,
    make_place,
)

CROSSED = crossed(NOON, NOON)
ENTERED = Change(kind=TransitionKind.ENTERED, at=NOON, reason=Reason.TOLD_BY_PHONE, confidence=2)


def row(session: Session, change: Change, visit_id: UUID | None = None) -> dict[str, object]:
    """A transition's row, of a device and a geofence made for it."""
    geofence = make_geofence(session, make_place(session, make_organisation(session)))
    device, _token = make_device(session, make_person(session))
    return {
        "visit_id": visit_id,
        "device_id": device.id,
        "geofence_id": geofence.id,
        "place_id": geofence.place_id,
        "organisation_id": geofence.organisation_id,
        "kind": change.kind,
        "reason": change.reason,
        "confidence": change.confidence,
        "initial": False,
        "occurred_at": change.at,
        "detected_at": NOON,
    }


def test_a_crossing_is_kept_without_a_visit(session: Session) -> None:
    """It has its device, its geofence and its reason, and belongs to no stay."""
    queries.insert_transitions(session, [row(session, CROSSED)])

    [kept] = session.query(Transition).all()
    assert (kept.kind, kept.reason) == (CROSSED.kind, CROSSED.reason)
    assert kept.visit_id is None


def test_nothing_else_is(session: Session) -> None:
    """Whatever begins, marks or ends a stay belongs to one."""
    with pytest.raises(IntegrityError, match="crossed_without_visit"):
        queries.insert_transitions(session, [row(session, ENTERED)])
