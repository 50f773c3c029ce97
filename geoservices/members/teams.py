"""Teams made, renamed and deleted."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy.orm import Session

from geoservices.access.actors import Grant
from geoservices.accounts import queries as accounts
from geoservices.errors import ErrorKind, GeoservicesError, IdTaken, NotFound
from geoservices.members import queries
from geoservices.members.models import Team
from geoservices.members.queries import AfterName
from geoservices.members.rules import sees_only_teams_of


class TeamNameTaken(GeoservicesError):
    """Another team of the organisation has this name."""

    kind = ErrorKind.CONFLICT
    code = "team-name-taken"
    title = "Another team has this name"

    def __init__(self) -> None:
        super().__init__("Give it a name of its own.", field="/name")


def list_teams(
    session: Session, grant: Grant, *, after: AfterName | None, limit: int
) -> Sequence[Team]:
    """Return a page of the teams that somebody may see, in the order of their names."""
    teams_of = sees_only_teams_of(grant.actor)
    return queries.teams(
        session, grant.organisation_id, teams_of=teams_of, after=after, limit=limit
    )


def get_team(session: Session, team_id: UUID, *, grant: Grant) -> Team:
    """Return a team.

    Raises:
        NotFound: It is not the organisation's, or none that the asker sees.
    """
    teams_of = sees_only_teams_of(grant.actor)
    team = queries.team(session, grant.organisation_id, team_id, teams_of=teams_of)
    if team is None:
        raise NotFound("team")
    return team


def make_team(
    session: Session, name: str, *, team_id: UUID | None, grant: Grant, at: datetime
) -> Team:
    """Make a team with nobody in it; the same id and name again changes nothing.

    Raises:
        TeamNameTaken: Another team has the name.
        IdTaken: The id belongs to a team with another name.
    """
    offered = team_id or uuid4()
    queries.insert_team_if_new(
        session,
        {
            "id": offered,
            "organisation_id": grant.organisation_id,
            "name": name,
            "created_at": at,
        },
    )
    known = queries.team(session, grant.organisation_id, offered, teams_of=None)
    if known is not None and known.name == name:
        return known
    if known is None and queries.is_called(session, grant.organisation_id, name):
        raise TeamNameTaken
    raise IdTaken("team")


def rename_team(session: Session, team_id: UUID, name: str, *, grant: Grant) -> Team:
    """Give a team another name.

    Raises:
        NotFound: It is not the organisation's.
        TeamNameTaken: Another team has the name.
    """
    accounts.hold_organisation(session, grant.organisation_id)
    team = get_team(session, team_id, grant=grant)
    if not queries.rename_team(session, team.id, name):
        raise TeamNameTaken
    session.refresh(team)
    return team


def delete_team(session: Session, team_id: UUID, *, grant: Grant) -> None:
    """Delete a team; its members stay members.

    Raises:
        NotFound: It is not the organisation's.
    """
    team = get_team(session, team_id, grant=grant)
    queries.delete_team(session, team.id)
