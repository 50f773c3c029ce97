"""A second factor for whoever signs in with a password."""

from fastapi import APIRouter, Response

from api.bodies import StrictRoute
from api.dependencies import SIGNING_IN, CurrentSignIn, HashingSignIn, Now, SessionDep
from api.hashing import DeskDep, HashingDep
from api.problems import Unavailable, problem_responses
from api.protocols.setup import qr_svg
from api.schemas.sign_ins import (
    CodeIn,
    PasswordIn,
    RecoveryCodesOut,
    SecondFactorOut,
    SecondFactorRemovalIn,
    SharedSecretOut,
)
from geoservices.credentials import enrolling
from geoservices.credentials.attempts import TooManyAttempts
from geoservices.credentials.holders import NoLocalAccount
from geoservices.credentials.second_factor import (
    SecondFactorOff,
    SecondFactorOn,
    SecondFactorRefused,
    SecondFactorUnavailable,
)
from geoservices.credentials.service import PasswordWrong

router = APIRouter(tags=[SIGNING_IN], route_class=StrictRoute)


@router.get("/second-factor", responses=problem_responses(NoLocalAccount))
def read_second_factor(sign_in: CurrentSignIn, session: SessionDep) -> SecondFactorOut:
    """See whether your account asks for a code, and how many recovery codes are left."""
    return SecondFactorOut.model_validate(enrolling.standing(session, sign_in.person_id))


@router.post(
    "/second-factor",
    status_code=201,
    responses=problem_responses(
        NoLocalAccount,
        PasswordWrong,
        SecondFactorOn,
        SecondFactorUnavailable,
        TooManyAttempts,
        Unavailable,
    ),
)
async def begin_second_factor(
    body: PasswordIn, sign_in: HashingSignIn, desk: DeskDep, hashing: HashingDep, at: Now
) -> SharedSecretOut:
    """Get a secret for an authenticator app, shown this once. It counts when it was confirmed.

    Beginning again makes another secret.
    """
    shared = await hashing.run(enrolling.begin, desk, sign_in, body.password, at=at)
    return SharedSecretOut(secret=shared.secret, uri=shared.uri, qr_svg=qr_svg(shared.uri))


@router.post(
    "/second-factor/confirmation",
    responses=problem_responses(
        NoLocalAccount, SecondFactorOn, SecondFactorOff, SecondFactorRefused, TooManyAttempts
    ),
)
def confirm_second_factor(
    body: CodeIn, sign_in: HashingSignIn, desk: DeskDep, at: Now
) -> RecoveryCodesOut:
    """Show that the app has the secret, and get ten recovery codes, shown this once."""
    codes = enrolling.confirm(desk, sign_in, body.code, at=at)
    return RecoveryCodesOut(recovery_codes=codes)


@router.post(
    "/second-factor/removal",
    status_code=204,
    responses=problem_responses(
        NoLocalAccount,
        PasswordWrong,
        SecondFactorOff,
        SecondFactorRefused,
        TooManyAttempts,
        Unavailable,
    ),
)
async def remove_second_factor(
    body: SecondFactorRemovalIn,
    sign_in: HashingSignIn,
    desk: DeskDep,
    hashing: HashingDep,
    at: Now,
) -> Response:
    """Ask for no code any more; the recovery codes are worthless too. It takes both factors."""
    await hashing.run(
        enrolling.remove, desk, sign_in, password=body.password, code=body.code, at=at
    )
    return Response(status_code=204)
