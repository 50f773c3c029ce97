"""Who may make whom what."""

from dataclasses import dataclass
from uuid import UUID

from geoservices.access.actors import Actor
from geoservices.access.reach import Reach, ReachRefused
from geoservices.access.rights import RIGHTS, Role
from geoservices.errors import Forbidden


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberDraft:
    """What an admin says of a member; `email` is in lower case."""

    name: str
    role: Role
    email: str | None = None
    team_ids: frozenset[UUID] = frozenset()
    reach: Reach | None = None
    skills: frozenset[str] = frozenset()
    disabled: bool = False

    @property
    def runs_the_organisation(self) -> bool:
        """Whether it makes somebody an admin who is let in."""
        return self.role is Role.ADMIN and not self.disabled


def check_may_make(actor: Actor, draft: MemberDraft, *, before: Role | None) -> None:
    """Refuse to let somebody become more than the actor is, or to touch somebody who is more.

    Args:
        actor: Whoever wants it.
        draft: What the member shall be.
        before: What they are; None for somebody new.

    Raises:
        Forbidden: The actor lacks rights of the one role or of the other.
        ReachRefused: Somebody who is no manager shall be limited to places.
    """
    check_may_change(actor, before)
    actor.check_may_hand_out(RIGHTS[draft.role], field="/role")
    if draft.reach is not None and draft.role is not Role.MANAGER:
        raise ReachRefused("Only a manager is limited to places.", field="/reach")


def check_may_change(actor: Actor, role: Role | None) -> None:
    """Refuse to change somebody who may do more than the actor may.

    Raises:
        Forbidden: They may.
    """
    if role is not None and not actor.rights >= RIGHTS[role]:
        raise Forbidden(f"The role {role} has rights that this token does not have.")


def sees_only_teams_of(actor: Actor) -> UUID | None:
    """Return the person whose teams' members are all that the actor sees; None for everybody."""
    return actor.person_id if actor.role is Role.TEAM_LEAD else None
