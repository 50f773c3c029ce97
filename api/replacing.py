"""A browser that signs in once more is signed out of what it had (OWASP ASVS 7.2.4)."""

from datetime import datetime

from fastapi import Request

from api.cookies import token_in
from geoservices.accounts import service
from geoservices.database import transaction
from geoservices.scopes import open_wide


def end_sign_in_before(request: Request, *, at: datetime) -> None:
    """End the sign-in whose cookie the browser has, since another is about to take its place.

    Nobody could use it any more but whoever copied it.
    """
    token = token_in(request, "member")
    if token is None:
        return
    with transaction(request.app.state.sessions) as session:
        open_wide(session)
        service.end_sign_in(session, token, at=at)
