"""What people may do, from what they are."""

from uuid import UUID

from geoservices.access.actors import Actor
from geoservices.access.reach import reach_of
from geoservices.access.rights import Role, rights_of
from geoservices.accounts.models import Person


def actor_of(
    person: Person, *, device_id: UUID | None = None, sign_in_id: UUID | None = None
) -> Actor:
    """Return a person, who comes by a device or is signed in, as whoever asks."""
    role = Role(person.role)
    return Actor(
        rights=rights_of(role, by_device=device_id is not None),
        reach=reach_of(person.reach),
        organisation_id=person.organisation_id,
        role=role,
        person_id=person.id,
        device_id=device_id,
        sign_in_id=sign_in_id,
    )
