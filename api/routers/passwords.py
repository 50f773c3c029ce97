"""Passwords set and changed, and the links by which that is done without knowing the old one."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, BackgroundTasks, Depends, Request, Response

from api.bodies import StrictRoute
from api.cookies import give_pass
from api.csrf import CsrfRefused, refuse_other_sites
from api.dependencies import (
    SIGNING_IN,
    AddressDep,
    HashingSignIn,
    LimiterDep,
    Needs,
    Now,
    SessionDep,
    SettingsDep,
)
from api.hashing import DeskDep, HashingDep
from api.problems import Unavailable, problem_responses
from api.schemas.sign_ins import (
    InvitationIn,
    InvitationOut,
    PasswordChangeIn,
    PasswordLinkIn,
    PasswordResetIn,
    PasswordSetOut,
)
from geoservices.access.actors import Grant
from geoservices.access.rights import Right
from geoservices.credentials import service
from geoservices.credentials.attempts import TooManyAttempts
from geoservices.credentials.holders import NoLocalAccount, UsernameTaken, require_member
from geoservices.credentials.links import LinkRefused
from geoservices.credentials.rules import PasswordRefused, UsernameRefused, fold
from geoservices.credentials.service import PasswordWrong
from geoservices.errors import NotFound
from geoservices.letters import passwords
from geoservices.letters.addresses import EmailUnavailable, require_mail
from geoservices.limiting.limiter import Limit

router = APIRouter(tags=[SIGNING_IN], route_class=StrictRoute)

MembersGrant = Annotated[Grant, Depends(Needs(Right.MEMBERS_WRITE))]


@router.post(
    "/members/{member_id}/invitation",
    status_code=201,
    responses=problem_responses(NotFound, UsernameRefused, UsernameTaken),
)
def invite_member(
    member_id: UUID,
    body: InvitationIn,
    grant: MembersGrant,
    session: SessionDep,
    settings: SettingsDep,
    at: Now,
) -> InvitationOut:
    """Let a member of your organisation set a first or another password.

    The link is sent to them if letters are sent here and they have an address; else it is in the
    answer, this once, to be handed over. It works once, for 72 h unless the settings say otherwise.
    """
    member = require_member(session, grant.organisation_id, member_id)
    invitation = passwords.invite(session, member, username=body.username, settings=settings, at=at)
    return InvitationOut.model_validate(invitation)


@router.delete(
    "/members/{member_id}/second-factor",
    status_code=204,
    responses=problem_responses(NotFound, NoLocalAccount),
)
def remove_members_second_factor(
    member_id: UUID, grant: MembersGrant, session: SessionDep, desk: DeskDep, at: Now
) -> Response:
    """Remove the second factor of a member who lost phone and recovery codes.

    They are signed out everywhere. Make sure first that it is them who asks.
    """
    member = require_member(session, grant.organisation_id, member_id)
    service.remove_second_factor(session, member.id, tell=desk.tell, at=at)
    return Response(status_code=204)


@router.post(
    "/password-reset",
    status_code=202,
    response_class=Response,
    responses=problem_responses(EmailUnavailable, Unavailable),
)
def ask_for_reset(
    body: PasswordResetIn,
    request: Request,
    after: BackgroundTasks,
    settings: SettingsDep,
    limiter: LimiterDep,
    address: AddressDep,
    at: Now,
) -> Response:
    """Ask for a letter with a link that sets a new password, for an hour and once.

    The answer is the same whether there is such a member or not, and is given before anyone looks.
    """
    require_mail(settings)
    limiter.spend(Limit.RESET_BY_ADDRESS, address)
    limiter.spend(Limit.RESET_BY_ACCOUNT, fold(body.username))
    after.add_task(
        passwords.answer_reset,
        request.app.state.sessions,
        body.username,
        settings=settings,
        at=at,
    )
    return Response(status_code=202, background=after)


@router.post(
    "/password",
    responses=problem_responses(LinkRefused, PasswordRefused, CsrfRefused, Unavailable),
)
async def set_password(
    body: PasswordLinkIn,
    request: Request,
    response: Response,
    desk: DeskDep,
    hashing: HashingDep,
    at: Now,
) -> PasswordSetOut:
    """Set the password with what stood in a link, once. It signs you out everywhere, and not in.

    A password that is refused leaves the link good.
    """
    refuse_other_sites(request)
    username, browser_pass = await hashing.run(
        service.set_password, desk, body.token, body.password, at=at
    )
    give_pass(response, browser_pass, desk.settings)
    return PasswordSetOut(username=username)


@router.put(
    "/password",
    status_code=204,
    responses=problem_responses(
        NoLocalAccount, PasswordWrong, PasswordRefused, TooManyAttempts, Unavailable
    ),
)
async def change_password(
    body: PasswordChangeIn, sign_in: HashingSignIn, desk: DeskDep, hashing: HashingDep, at: Now
) -> Response:
    """Change your password. It signs you out everywhere but here."""
    await hashing.run(
        service.change_password, desk, sign_in, current=body.current, new=body.new, at=at
    )
    return Response(status_code=204)
