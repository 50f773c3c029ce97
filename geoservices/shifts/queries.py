"""What is asked of who may be located when."""

from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from geoservices.accounts.models import Consent, Device, Person, Purpose
from geoservices.arrays import Uuids
from geoservices.shifts.windows import NO_HOURS, Week
from geoservices.trips import ask
from geoservices.visits.models import Visit

# Hours are looked up of those alone who may be located for their work.
WHO_IS_LOCATED = b"""
    SELECT person_id, purpose = 'nearby',
        CASE purpose WHEN 'staff-tasks' THEN
            (SELECT working_hours FROM people WHERE people.id = consents.person_id)
        END,
        CASE purpose WHEN 'staff-tasks' THEN
            (SELECT time_zone FROM people WHERE people.id = consents.person_id)
        END
    FROM consents
    WHERE person_id = ANY($1) AND purpose IN ('nearby', 'staff-tasks') AND withdrawn_at IS NULL
"""


class _Agreed(NamedTuple):
    person_id: UUID
    always: bool
    hours: str | None
    time_zone: str | None


def who_is_located(
    session: Session, person_ids: Collection[UUID]
) -> Callable[[], dict[UUID, Week | None]]:
    """Ask which of the people agreed to be located, and return what tells it.

    It tells the hours in which each is located; None is whenever they share where they are.
    """
    found = ask(session, WHO_IS_LOCATED, Uuids.listed(person_ids), make=_Agreed._make)
    return lambda: _weeks(found())


def working_devices_there(session: Session) -> list[tuple[UUID, Week]]:
    """Return the devices with open visits of those who are located in their working hours alone."""
    nearby = (
        select(Consent.id)
        .where(
            Consent.person_id == Person.id,
            Consent.purpose == Purpose.NEARBY,
            Consent.withdrawn_at.is_(None),
        )
        .exists()
    )
    rows = session.execute(
        select(Device.id, Person.working_hours, Person.time_zone)
        .join(Visit, Visit.device_id == Device.id)
        .join(Person, Person.id == Device.person_id)
        .where(Visit.exited_at.is_(None), Person.organisation_id.is_not(None), ~nearby)
        .distinct()
        .order_by(Device.id)
    )
    return [(id_, Week(hours or NO_HOURS, time_zone)) for id_, hours, time_zone in rows]


def _weeks(rows: Sequence[_Agreed]) -> dict[UUID, Week | None]:
    weeks: dict[UUID, Week | None] = {}
    for person_id, always, hours, time_zone in rows:
        if always:
            weeks[person_id] = None
        elif person_id not in weeks:
            weeks[person_id] = Week(hours or NO_HOURS, time_zone or "UTC")
    return weeks
