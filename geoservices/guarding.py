"""Sensitive places guarded: marked, watched no more, and nothing of anybody's being there kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from geoservices.access.actors import Grant
from geoservices.accounts import queries as accounts
from geoservices.campaigns.rules import Trigger
from geoservices.database import SessionFactory, transaction
from geoservices.deliveries import forgetting_queries as told
from geoservices.errors import ErrorKind, GeoservicesError
from geoservices.geofences import queries as geofences
from geoservices.places import queries as places
from geoservices.places import service as place_service
from geoservices.places.models import Place
from geoservices.places.sensitivity import Sensitivity
from geoservices.scopes import everywhere
from geoservices.visits import queries as visits

PASSING_BY = frozenset(Trigger) - {Trigger.CHECKED_IN}
DEVICES_AT_ONCE = 500
"""So many devices are held at once while what is known of their being there is erased."""


class SensitivityRefused(GeoservicesError):
    """The mark would end before it begins."""

    kind = ErrorKind.INVALID
    code = "sensitivity-refused"
    title = "The mark is not valid"

    def __init__(self) -> None:
        super().__init__("`until` must be later than `from`, and later than now.", field="/until")


@dataclass(frozen=True, slots=True, kw_only=True)
class Guarded:
    """How many marks began or ended to hold, and of how many devices something was erased."""

    changed: int
    devices: int


def mark(
    session: Session, grant: Grant, place_id: UUID, sensitivity: Sensitivity, *, at: datetime
) -> Place:
    """Mark a place of the member's organisation as sensitive, in place of any mark of before.

    Where it holds from now on, the place's geofences are watched no more, and every visit there
    is erased with what campaigns made of it.

    Raises:
        NotFound: The organisation has no such place.
        SensitivityRefused: The mark would be over before it begins, or is already.
    """
    begins = max(sensitivity.from_ or at, at)
    if sensitivity.until is not None and sensitivity.until <= begins:
        raise SensitivityRefused
    place = _hold(session, grant, place_id)
    place.sensitive_kind = sensitivity.kind
    place.sensitive_from, place.sensitive_until = sensitivity.from_, sensitivity.until
    place.sensitivity_by_hand = True
    _let_hold(session, [place], at=at)
    # Those who were there are other people than the one who asks.
    with everywhere(session):
        _erase(session, place)
    return place


def unmark(session: Session, grant: Grant, place_id: UUID, *, at: datetime) -> None:
    """Take a place's mark away; imports do not add it again. Again changes nothing.

    Raises:
        NotFound: The organisation has no such place.
    """
    place = _hold(session, grant, place_id)
    place.sensitive_kind = place.sensitive_from = place.sensitive_until = None
    place.sensitivity_by_hand = True
    _let_hold(session, [place], at=at)


def guard(sessions: SessionFactory, *, at: datetime) -> Guarded:
    """Let marks begin and end to hold, and erase what there is of sensitive places.

    What an import marked, and what came in by geofences of a moment before, is erased here too.
    """
    with transaction(sessions) as session:
        geofences.lock_revision(session)
        due = places.hold_due_marks(session, at=at)
        _let_hold(session, due, at=at)
    with transaction(sessions) as session:
        sensitive = places.sensitive(session)
    erased = 0
    for place in sensitive:
        count = DEVICES_AT_ONCE
        while count == DEVICES_AT_ONCE:
            with transaction(sessions) as session:
                count = _erase(session, place)
            erased += count
    return Guarded(changed=len(due), devices=erased)


def _hold(session: Session, grant: Grant, place_id: UUID) -> Place:
    # Whoever changes geofences waits for the others before holding any row.
    geofences.lock_revision(session)
    place_service.get_place_for(session, place_id, grant)
    return places.hold(session, place_id)


def _let_hold(session: Session, held: Sequence[Place], *, at: datetime) -> None:
    changed: list[UUID] = []
    for place in held:
        sensitivity = place_service.sensitivity_of(place)
        holds = sensitivity is not None and sensitivity.holds(at)
        if holds != (place.sensitive_at is not None):
            place.sensitive_at = at if holds else None
            changed.append(place.id)
    session.flush()
    geofences.count_changed_at(session, changed)


def _erase(session: Session, place: Place) -> int:
    """Erase what is known of devices' having been at a place, if it is sensitive now."""
    if place.sensitive_at is None:
        return 0
    since = place.sensitive_from
    device_ids = visits.devices_at(session, place.id, since=since, limit=DEVICES_AT_ONCE)
    if device_ids:
        people = accounts.person_ids_of(session, device_ids)
        accounts.lock_people(session, people)
        told.forget_told_at(session, people, place.id, PASSING_BY)
        accounts.lock_devices(session, device_ids)
        visits.forget_at(session, device_ids, place.id, since=since)
    return len(device_ids)
