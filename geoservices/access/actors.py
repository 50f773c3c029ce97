"""Whoever asks something of the service, and what they were found to be allowed."""

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from geoservices.access.reach import Reach
from geoservices.access.rights import Right, Role
from geoservices.errors import Forbidden


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """A person by a device of theirs or by a sign-in, or a machine by its key.

    `person_id` is None for a machine, `role` too; `organisation_id` is None for citizens. `reach`
    is None for whoever may do it at every place of the organisation.
    """

    rights: frozenset[Right]
    reach: Reach | None = None
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

    def check_may_hand_out(self, rights: Collection[Right], *, field: str) -> None:
        """Refuse to let anybody have rights that the actor does not have.

        Args:
            rights: What somebody is to be allowed.
            field: What of the request asks for it, as a JSON Pointer.

        Raises:
            Forbidden: The actor may not do all of it.
        """
        lacking = sorted(set(rights) - self.rights)
        if lacking:
            told = ", ".join(lacking)
            raise Forbidden(f"Nobody gives rights that they do not have: {told}.", field=field)


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """That an actor may do one thing in one organisation."""

    actor: Actor
    right: Right
    organisation_id: UUID


def by_operator(organisation_id: UUID, right: Right) -> Grant:
    """Return the grant of whoever runs the service itself, in one of its organisations."""
    actor = Actor(rights=frozenset(Right), organisation_id=organisation_id)
    return actor.granted(right)
