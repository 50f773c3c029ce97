"""Whoever asks something of the service, and what they were found to be allowed."""

from dataclasses import dataclass
from uuid import UUID

from geoservices.access.rights import Right, Role
from geoservices.errors import Forbidden


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """A person by a device of theirs or by a sign-in, or a machine by its key.

    `person_id` is None for a machine, `role` too; `organisation_id` is None for citizens.
    """

    rights: frozenset[Right]
    organisation_id: UUID | None = None
    role: Role | None = None
    person_id: UUID | None = None
    device_id: UUID | None = None
    sign_in_id: UUID | None = None
    key_id: UUID | None = None

    def granted(self, right: Right) -> "Grant":
        """Return what lets the actor do something in their organisation.

        Raises:
            Forbidden: They may not.
        """
        if right not in self.rights or self.organisation_id is None:
            raise Forbidden(f"This takes the right {right}, which this token does not have.")
        return Grant(actor=self, right=right, organisation_id=self.organisation_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """That an actor may do one thing in one organisation."""

    actor: Actor
    right: Right
    organisation_id: UUID
