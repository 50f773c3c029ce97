"""Whom a task is for."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from geoservices.access.rights import WORKERS, Role
from geoservices.errors import ErrorKind, GeoservicesError, NotFound
from geoservices.members import queries as members


class AssignedTwice(GeoservicesError):
    """A task is for a person, for a team or for a skill, and not for two of these."""

    kind = ErrorKind.INVALID
    code = "assigned-twice"
    title = "Assigned in two ways"

    def __init__(self) -> None:
        super().__init__(
            "Give one of assigned_to, team_id and skill, or none for whoever comes by.",
            field="/assigned_to",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """For a person, for a team, for whoever has a skill, or else for whoever comes by."""

    person_id: UUID | None = None
    team_id: UUID | None = None
    skill: str | None = None

    def check(self) -> None:
        """Refuse what is said in two ways.

        Raises:
            AssignedTwice: It is.
        """
        if sum(said is not None for said in (self.person_id, self.team_id, self.skill)) > 1:
            raise AssignedTwice

    def lets(self, person_id: UUID, *, team_ids: frozenset[UUID], skills: frozenset[str]) -> bool:
        """Tell whether somebody may claim what is assigned so."""
        if self.person_id is not None:
            return self.person_id == person_id
        if self.team_id is not None:
            return self.team_id in team_ids
        return self.skill is None or self.skill in skills


FOR_WHOEVER_COMES_BY: Final = Assignment()


def check_assignment(
    session: Session, assignment: Assignment, organisation_id: UUID, *, teams_of: UUID | None = None
) -> None:
    """Refuse whom the organisation does not have.

    Args:
        session: The transaction.
        assignment: Whom a task shall be for.
        organisation_id: Whose task it is.
        teams_of: A team lead, for whom there is nobody but who shares a team with them.

    Raises:
        NotFound: The person does none of the organisation's work, or the team is not its own.
    """
    if assignment.person_id is not None:
        member = members.member(session, organisation_id, assignment.person_id, teams_of=teams_of)
        if member is None or Role(member.role) not in WORKERS or member.disabled_at is not None:
            raise NotFound("member")
    if assignment.team_id is not None and not members.team(
        session, organisation_id, assignment.team_id, teams_of=teams_of
    ):
        raise NotFound("team")
