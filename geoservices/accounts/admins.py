"""That somebody is left to run an organisation, whichever way an admin goes."""

from sqlalchemy.orm import Session

from geoservices.accounts import queries
from geoservices.accounts.models import Person
from geoservices.errors import ErrorKind, GeoservicesError


class LastAdmin(GeoservicesError):
    """Nobody would be left to run the organisation."""

    kind = ErrorKind.CONFLICT
    code = "last-admin"
    title = "The last admin stays"

    def __init__(self) -> None:
        super().__init__(
            "Make somebody else an admin first, or have whoever runs this service make one; "
            "nobody could let anyone in again."
        )


def check_not_last(session: Session, person: Person) -> None:
    """Make sure that an organisation is run by somebody else as well, if by this person at all.

    The organisation must be held (`queries.hold_organisation`) before anybody's row in it is, or
    two admins could go at once.

    Raises:
        LastAdmin: It is not.
    """
    if is_last(session, person):
        raise LastAdmin


def is_last(session: Session, person: Person) -> bool:
    """Tell whether an organisation, which must be held as above, is run by this person alone."""
    return person.organisation_id is not None and queries.is_only_admin(
        session, person.organisation_id, person.id
    )
