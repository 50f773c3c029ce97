"""What the claims of an identity provider make of somebody."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from geoservices.access.rights import Role

Claims = Mapping[str, Any]

MAX_NAME: Final = 200
MAX_SESSION: Final = 300
MAX_SUBJECT: Final = 255
"""OpenID Connect Core 1.0 section 2, `sub`."""
RANKED: Final = (
    Role.ADMIN,
    Role.MANAGER,
    Role.TEAM_LEAD,
    Role.STAFF,
    Role.AUDITOR,
    Role.KIOSK,
)
"""Of several roles somebody has the first of these."""


def role_of(
    claims: Claims, *, path: str, roles: Mapping[str, str], default: str | None
) -> Role | None:
    """Return the role that somebody's claims give them, or None if they give none.

    Args:
        claims: What the provider said of them.
        path: The claim with their groups or roles.
        roles: What each value of it makes somebody.
        default: What somebody is whom none of them names.
    """
    given = {Role(roles[value]) for value in values_at(claims, path) if value in roles}
    named = next((role for role in RANKED if role in given), None)
    return named or (Role(default) if default else None)


def values_at(claims: Claims, path: str) -> Sequence[str]:
    """Return the texts that a claim has: a list's, or the one that it is.

    Args:
        claims: What the provider said of them.
        path: The claim's name; where there is none of that name, each point leads into an object.
    """
    found = _at(claims, path)
    listed = found if isinstance(found, list) else [found]
    return [value for value in listed if isinstance(value, str)]


def tells(claims: Claims, path: str) -> bool:
    """Tell whether there is a claim at all, empty or not."""
    return _at(claims, path) is not None


def name_of(claims: Claims) -> str | None:
    """Return what somebody is called, if the provider says so (section 5.1, standard claims)."""
    for claim in ("name", "preferred_username"):
        name = claims.get(claim)
        if isinstance(name, str) and name.strip():
            return name.strip()[:MAX_NAME]
    return None


def session_of(claims: Claims) -> str | None:
    """Return the provider's session, by which it may end the sign-in again (`sid`)."""
    session = claims.get("sid")
    return session if isinstance(session, str) and 0 < len(session) <= MAX_SESSION else None


def _at(claims: Claims, path: str) -> object:
    if path in claims:
        return claims[path]
    found: object = claims
    for name in path.split("."):
        found = found.get(name) if isinstance(found, Mapping) else None
    return found
