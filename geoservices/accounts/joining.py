"""Further devices of one person: joined by a code, listed, and revoked."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from geoservices.access.rights import Role
from geoservices.accounts import device_queries
from geoservices.accounts.device_tokens import make_device
from geoservices.accounts.joining_codes import make_code, mark_of, read_code
from geoservices.accounts.models import Device, Person
from geoservices.errors import ErrorKind, Forbidden, GeoservicesError, NotFound
from geoservices.scopes import confine, everywhere
from geoservices.settings.service import Settings

MOST_DEVICES: Final = 10
"""A citizen has at most so many; nobody carries more, and each can read all there is of them."""


class JoiningCodeUnknown(GeoservicesError):
    """The code is no code of ours, or it was used, replaced by another one, or is too old."""

    kind = ErrorKind.INVALID
    code = "joining-code-unknown"
    title = "This code is not good any more"

    def __init__(self) -> None:
        super().__init__("Make a new code on the other device.", field="/joining_code")


class TooManyDevices(GeoservicesError):
    """The person has as many devices as one may have; none was made."""

    kind = ErrorKind.CONFLICT
    code = "too-many-devices"
    title = "The person has too many devices"

    def __init__(self) -> None:
        super().__init__(f"At most {MOST_DEVICES} are possible. Revoke one, and try again.")


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeCode:
    """A code just made, which cannot be shown again."""

    code: str
    expires_at: datetime


def make_joining_code(
    session: Session, device: Device, person: Person, *, settings: Settings, at: datetime
) -> MadeCode:
    """Make the code by which another device becomes the same citizen's; the one of before ends.

    Raises:
        Forbidden: The device is a member's.
    """
    if Role(person.role) is not Role.CITIZEN:
        raise Forbidden("A member's devices are made by signing in on each of them.")
    code = make_code()
    expires_at = at + settings.devices.joining_code_lifetime
    mark = mark_of(settings.codes.secret, code)
    # Others' codes that have expired go with it.
    with everywhere(session):
        device_queries.keep_joining_code(session, device, mark=mark, expires_at=expires_at, at=at)
    return MadeCode(code=code, expires_at=expires_at)


def join(
    session: Session,
    text: str,
    *,
    label: str | None,
    places_only: bool,
    settings: Settings,
    at: datetime,
) -> tuple[Device, str]:
    """Make another device of the person whose code it is, and use the code up.

    From then on the transaction is the person's.

    Args:
        session: If its transaction fails, the code is as good as before.
        text: The code, however it was typed.
        label: What its owner calls the device.
        places_only: Whether its positions are neither stored nor followed.
        settings: The service's.
        at: Now.

    Returns:
        The device and its token. The token is not kept and cannot be shown again.

    Raises:
        JoiningCodeUnknown: It is worthless.
        TooManyDevices: The person has as many as one may have.
    """
    code = read_code(text)
    if code is None:
        raise JoiningCodeUnknown
    with everywhere(session):
        person_id = device_queries.use_joining_code(
            session, mark_of(settings.codes.secret, code), at=at
        )
    if person_id is None:
        raise JoiningCodeUnknown
    confine(session, organisation_id=None, person_id=person_id)
    # Whoever asked to be erased meanwhile is let in nowhere, and makes no more devices.
    if device_queries.lock_person(session, person_id).disabled_at is not None:
        raise JoiningCodeUnknown
    if device_queries.count_devices(session, person_id) >= MOST_DEVICES:
        raise TooManyDevices
    return make_device(session, person_id, label=label, places_only=places_only, at=at)


def revoke_device_of(session: Session, device_id: UUID, *, person_id: UUID, at: datetime) -> None:
    """Make a token of a person's device worthless at once; doing it again changes nothing.

    Raises:
        NotFound: It is not theirs.
    """
    device = device_queries.device_of(session, device_id, person_id=person_id)
    if device is None:
        raise NotFound("device")
    device.revoked_at = device.revoked_at or at
