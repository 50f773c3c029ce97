"""Members say when they are at work; they see when they are located, and are not outside of it."""

from datetime import datetime

from sqlalchemy.orm import Session

from geoservices.accounts import queries as accounts
from geoservices.accounts.models import Device, Person
from geoservices.errors import ErrorKind, Forbidden, GeoservicesError
from geoservices.places.hours import is_readable
from geoservices.settings.presence import PresenceSettings
from geoservices.shifts import queries
from geoservices.shifts.windows import NO_HOURS, Located, Week, standing
from geoservices.visits import service as visits


class WorkingHoursRefused(GeoservicesError):
    """The hours are in no syntax that is known."""

    kind = ErrorKind.INVALID
    code = "working-hours-refused"
    title = "The working hours cannot be read"

    def __init__(self) -> None:
        super().__init__(
            "Write them as OpenStreetMap does, such as Mo-Fr 09:00-17:00.", field="/hours"
        )


def set_hours(person: Person, hours: str | None) -> None:
    """Set a member's weekly hours, in their own time zone; None is none: located never.

    Raises:
        Forbidden: They are no member of an organisation.
        WorkingHoursRefused: The hours cannot be read.
    """
    require_member(person)
    if hours is not None and not is_readable(hours):
        raise WorkingHoursRefused
    person.working_hours = hours


def require_member(person: Person) -> None:
    """Refuse citizens, who have no working hours.

    Raises:
        Forbidden: They are one.
    """
    if person.organisation_id is None:
        raise Forbidden("Working hours are for members of an organisation.")


def at_work(person: Person, *, at: datetime) -> Located:
    """Tell whether a member is at work now, and when that changes."""
    return standing(Week(person.working_hours or NO_HOURS, person.time_zone), at)


def located(session: Session, device: Device, *, at: datetime) -> Located:
    """Tell whether a device is located now, and when that changes."""
    weeks = queries.who_is_located(session, [device.person_id])()
    if device.person_id not in weeks:
        return Located(now=False)
    week = weeks[device.person_id]
    return Located(now=True) if week is None else standing(week, at)


def end_work(session: Session, *, presence: PresenceSettings, at: datetime) -> int:
    """End the open visits of those who are located in their working hours alone, and have left.

    Nobody is told of it, and no campaign decides on it.

    Returns:
        Of how many devices.
    """
    over = [
        device_id
        for device_id, week in queries.working_devices_there(session)
        if not standing(week, at).now
    ]
    devices = accounts.hold_devices(session, over) if over else []
    visits.call_off(session, devices, presence=presence, at=at)
    return len(devices)
