"""Links by which a member sets a password: an invitation, or a reset."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from geoservices.accounts.tokens import hash_token, make_token
from geoservices.credentials.models import LinkKind, PasswordLink
from geoservices.errors import ErrorKind, GeoservicesError
from geoservices.settings.service import LinkSettings


class LinkRefused(GeoservicesError):
    """What stood in the link is not known, too old, or was used before; nothing was changed."""

    kind = ErrorKind.INVALID
    code = "password-link-refused"
    title = "The link is not good any more"

    def __init__(self) -> None:
        super().__init__(
            "Open the whole link of the newest letter, or ask for another one.", field="/token"
        )


def make_link(
    session: Session,
    person_id: UUID,
    kind: LinkKind,
    *,
    settings: LinkSettings,
    at: datetime,
    expires_at: datetime | None = None,
) -> tuple[str, datetime]:
    """Make a link that sets a member's password, once.

    Returns:
        The link, which is not kept and cannot be shown again, and when it runs out. Its secret
        stands behind the `#`, so that no log and no other site hears of it.
    """
    token = make_token("link")
    until = expires_at or at + lifetime_of(kind, settings)
    session.add(
        PasswordLink(
            token_hash=hash_token(token),
            person_id=person_id,
            kind=kind,
            created_at=at,
            expires_at=until,
        )
    )
    session.flush()
    return f"{settings.public_url}/password#{token}", until


def lifetime_of(kind: LinkKind, settings: LinkSettings) -> timedelta:
    """Return how long links of a kind are good for."""
    if kind is LinkKind.INVITATION:
        return settings.sign_in.invitation_lifetime
    return settings.sign_in.reset_lifetime
