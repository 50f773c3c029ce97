"""An organisation's members and teams, for its admins; read by managers, leads and auditors."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from sqlalchemy.orm import Session

from api.bodies import StrictRoute
from api.dependencies import Needs, Now, SessionDep, SettingsDep
from api.pagination import Cursor, Limit, Page, name_and_id, next_address
from api.problems import problem_responses
from api.responses import repeated, status_of_made
from api.schemas.common import Text
from api.schemas.me import ErasureOut
from api.schemas.members import (
    MemberChangeIn,
    MemberIn,
    MemberOut,
    MemberRole,
    TeamChangeIn,
    TeamIn,
    TeamOut,
)
from geoservices.access.actors import Grant
from geoservices.access.reach import ReachRefused
from geoservices.access.rights import Right
from geoservices.accounts.admins import LastAdmin
from geoservices.accounts.models import Person
from geoservices.erasures import service as erasures
from geoservices.errors import IdTaken, NotFound
from geoservices.members import service, teams
from geoservices.members.queries import AfterName, Wanted
from geoservices.members.service import EmailTaken
from geoservices.members.teams import TeamNameTaken

router = APIRouter(tags=["members"], route_class=StrictRoute)

Reading = Annotated[Grant, Depends(Needs(Right.MEMBERS_READ))]
Writing = Annotated[Grant, Depends(Needs(Right.MEMBERS_WRITE))]


@router.get("/members")
def list_members(
    request: Request,
    grant: Reading,
    session: SessionDep,
    cursor: Cursor,
    q: Annotated[Text | None, Query(max_length=100, description="Part of the name")] = None,
    role: MemberRole | None = None,
    team_id: UUID | None = None,
    limit: Limit = 50,
) -> Page[MemberOut]:
    """See the organisation's members by name, disabled ones too; a team lead sees their teams'."""
    rows = service.list_members(
        session,
        grant,
        Wanted(text=q, role=role, team_id=team_id),
        after=name_and_id(cursor, AfterName),
        limit=limit + 1,
    )
    shown = service.draft_of(session, rows[:limit])
    return Page(
        items=[MemberOut.of(row, shown[row.id]) for row in rows[:limit]],
        next=next_address(request, rows, limit, lambda row: (row.name or "", row.id)),
    )


@router.post(
    "/members",
    status_code=201,
    responses={
        **repeated(MemberOut),
        **problem_responses(EmailTaken, IdTaken, NotFound, ReachRefused),
    },
)
def add_member(
    body: MemberIn, grant: Writing, session: SessionDep, response: Response, at: Now
) -> MemberOut:
    """Let somebody belong to the organisation; the same id and content again changes nothing.

    They can do nothing before they sign in.
    """
    member, made = service.add_member(
        session, body.to_draft(), member_id=body.id, grant=grant, at=at
    )
    response.status_code = 201 if made else 200
    response.headers["Location"] = f"/v1/members/{member.id}"
    return _shown(session, member)


@router.get("/members/{member_id}", responses=problem_responses(NotFound))
def read_member(member_id: UUID, grant: Reading, session: SessionDep) -> MemberOut:
    """See one member."""
    return _shown(session, service.get_member(session, member_id, grant=grant))


@router.patch(
    "/members/{member_id}",
    responses=problem_responses(EmailTaken, LastAdmin, NotFound, ReachRefused),
)
def change_member(
    member_id: UUID, body: MemberChangeIn, grant: Writing, session: SessionDep, at: Now
) -> MemberOut:
    """Change what is named of a member.

    Another role holds from their next request on, and any but manager ends a reach. Disabling
    them, or making them an auditor, ends all their sign-ins and devices at once: who is let in
    again signs in anew.
    """
    member = service.change_member(session, member_id, body.changes(), grant=grant, at=at)
    return _shown(session, member)


@router.delete(
    "/members/{member_id}", status_code=202, responses=problem_responses(LastAdmin, NotFound)
)
def remove_member(
    member_id: UUID, grant: Writing, session: SessionDep, settings: SettingsDep, at: Now
) -> ErasureOut:
    """Have a member erased with everything that is theirs, for good.

    From the answer on they are disabled, and every token of theirs is refused. The rows go within
    seconds; `status` says when that is done.
    """
    return ErasureOut.of(
        erasures.remove_member(session, member_id, grant=grant, settings=settings, at=at)
    )


@router.get("/teams")
def list_teams(
    request: Request, grant: Reading, session: SessionDep, cursor: Cursor, limit: Limit = 50
) -> Page[TeamOut]:
    """See the organisation's teams by name; a team lead sees their own."""
    rows = teams.list_teams(session, grant, after=name_and_id(cursor, AfterName), limit=limit + 1)
    return Page(
        items=[TeamOut.of(row) for row in rows[:limit]],
        next=next_address(request, rows, limit, lambda row: (row.name, row.id)),
    )


@router.post(
    "/teams",
    status_code=201,
    responses={**repeated(TeamOut), **problem_responses(IdTaken, TeamNameTaken)},
)
def make_team(
    body: TeamIn, grant: Writing, session: SessionDep, response: Response, at: Now
) -> TeamOut:
    """Make a team; who is in it, the members say. The same id and name again changes nothing."""
    team = teams.make_team(session, body.name, team_id=body.id, grant=grant, at=at)
    response.status_code = status_of_made(team.created_at, at=at)
    response.headers["Location"] = f"/v1/teams/{team.id}"
    return TeamOut.of(team)


@router.get("/teams/{team_id}", responses=problem_responses(NotFound))
def read_team(team_id: UUID, grant: Reading, session: SessionDep) -> TeamOut:
    """See one team."""
    return TeamOut.of(teams.get_team(session, team_id, grant=grant))


@router.put("/teams/{team_id}", responses=problem_responses(NotFound, TeamNameTaken))
def rename_team(team_id: UUID, body: TeamChangeIn, grant: Writing, session: SessionDep) -> TeamOut:
    """Give a team another name."""
    return TeamOut.of(teams.rename_team(session, team_id, body.name, grant=grant))


@router.delete("/teams/{team_id}", status_code=204, responses=problem_responses(NotFound))
def delete_team(team_id: UUID, grant: Writing, session: SessionDep) -> Response:
    """Delete a team; its members stay members."""
    teams.delete_team(session, team_id, grant=grant)
    return Response(status_code=204)


def _shown(session: Session, member: Person) -> MemberOut:
    return MemberOut.of(member, service.draft_of(session, [member])[member.id])
