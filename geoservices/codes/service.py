"""Codes made, looked up and revoked."""

from dataclasses import asdict, dataclass
from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy.orm import Session

from geoservices.access.actors import Grant
from geoservices.codes import links, queries
from geoservices.codes.links import CodeKind, CodeProblem
from geoservices.codes.models import Code
from geoservices.errors import ErrorKind, GeoservicesError, IdTaken, NotFound, Unauthenticated
from geoservices.keyring import by_any
from geoservices.places import service as places
from geoservices.scopes import everywhere
from geoservices.settings.service import Settings


class CodeEndsBeforeItBegins(GeoservicesError):
    """The end of the code's lifetime does not come after its beginning."""

    kind = ErrorKind.INVALID
    code = "code-ends-before-it-begins"
    title = "The code ends before it begins"

    def __init__(self) -> None:
        super().__init__(
            "valid_until must come after valid_from, which is now unless given.",
            field="/valid_until",
        )


class NoPoster(GeoservicesError):
    """The code has no poster: it is a screen's, whose code changes, or it is in use no more."""

    kind = ErrorKind.CONFLICT
    code = "no-poster"
    title = "There is no poster of this code"


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeDraft:
    """What a manager says of a code; without `valid_from` it counts at once."""

    kind: str
    label: str
    valid_from: datetime | None
    valid_until: datetime | None


@dataclass(frozen=True, slots=True)
class ScannedCode:
    """What came of a scanned code: whose it is if it is known, and why it speaks for nothing."""

    code: Code | None
    problem: CodeProblem | None


@dataclass(frozen=True, slots=True)
class PersonalCode:
    """Whose device showed its own code, and until when it may be scanned."""

    device_id: UUID
    expires_at: datetime


def make_code(
    session: Session,
    draft: CodeDraft,
    *,
    code_id: UUID | None,
    place_id: UUID,
    grant: Grant,
    at: datetime,
) -> tuple[Code, bool]:
    """Store a code; the same id and content again changes nothing.

    Returns:
        The code, and whether it was made just now.

    Raises:
        NotFound: The place is neither the organisation's nor shared with it, or out of reach.
        CodeEndsBeforeItBegins: Its lifetime is none.
        IdTaken: The id belongs to a code with other content.
    """
    places.get_place_for(session, place_id, grant)
    told = asdict(draft) | {"valid_from": draft.valid_from or at}
    code = Code(
        id=code_id or uuid4(),
        organisation_id=grant.organisation_id,
        place_id=place_id,
        created_at=at,
        **told,
    )
    if code.valid_until is not None and code.valid_until <= code.valid_from:
        raise CodeEndsBeforeItBegins
    made = queries.insert_if_new(session, code)
    known = queries.by_id(session, code.id)
    ours = (place_id, grant.organisation_id)
    if known is None or (known.place_id, known.organisation_id) != ours or not _says(known, draft):
        raise IdTaken("code")
    return known, made


def get_code(session: Session, place_id: UUID, code_id: UUID, *, grant: Grant) -> Code:
    """Return one of the organisation's codes.

    Raises:
        NotFound: The place has no such code, or it is another organisation's, or out of reach.
    """
    code = queries.by_id(session, code_id)
    ours = (place_id, grant.organisation_id)
    if code is None or (code.place_id, code.organisation_id) != ours:
        raise NotFound("code")
    places.check_reach(session, place_id, grant, "code")
    return code


def revoke_code(code: Code, *, at: datetime) -> None:
    """Let a code and its screen count for nothing from now on. Twice is as good as once."""
    code.revoked_at = code.revoked_at or at


def look_up(session: Session, text: str, *, settings: Settings, at: datetime) -> ScannedCode:
    """Return what came of a code that was scanned; whatever is wrong with it is only told.

    Args:
        session: The session.
        text: The link or token, as it was scanned.
        settings: The service's.
        at: When it reached the server.
    """
    token = by_any(settings.codes.secrets, lambda key: links.read_token(key, text))
    code = _sealed(session, token.code_id) if token else None
    if token is None or code is None:
        return ScannedCode(None, CodeProblem.UNKNOWN)
    return ScannedCode(code, _judge(code, token.step, at))


def screen_of(session: Session, token: str, *, settings: Settings, at: datetime) -> Code:
    """Return the rotating code that a screen may show now.

    Raises:
        Unauthenticated: The screen's secret is none, or the code does not count now.
    """
    code_id = by_any(settings.codes.secrets, lambda key: links.read_screen_token(key, token))
    code = _sealed(session, code_id) if code_id else None
    if code is None or code.kind != CodeKind.ROTATING or _judge(code, None, at):
        raise Unauthenticated
    return code


def poster_link(code: Code, *, settings: Settings, at: datetime) -> str:
    """Return the link for a poster.

    Raises:
        NoPoster: The code rotates, or was revoked, or has expired.
    """
    if code.kind == CodeKind.ROTATING:
        raise NoPoster("A rotating code needs a screen. Make a static one for a poster.")
    if _judge(code, None, at) in {CodeProblem.REVOKED, CodeProblem.EXPIRED}:
        raise NoPoster("The code was revoked or has expired. Make a new one.")
    return link_of(code, settings=settings)


def links_ahead(
    code: Code, count: int, *, settings: Settings, at: datetime
) -> list[tuple[int, str]]:
    """Return the present step of a rotating code and those after it, each with its link."""
    first = links.step_at(at)
    return [
        (step, link_of(code, settings=settings, step=step)) for step in range(first, first + count)
    ]


def link_of(code: Code, *, settings: Settings, step: int | None = None) -> str:
    """Return what is scanned: an address of the service that ends with the token."""
    token = links.make_token(settings.codes.secret, code.id, step=step)
    return f"{settings.public_url}{links.PATH}{token}"


def address_of(code: Code, *, settings: Settings) -> str:
    """Return what a manager makes use of: a static code's link, or the address of the screen.

    The screen's secret stands behind the `#`, so that browsers keep it to themselves.
    """
    if code.kind == CodeKind.STATIC:
        return link_of(code, settings=settings)
    token = links.make_screen_token(settings.codes.secret, code.id)
    return f"{settings.public_url}/screen#{token}"


def personal_code(device_id: UUID, *, settings: Settings, at: datetime) -> tuple[str, datetime]:
    """Return what a device shows to staff, and until when it may be scanned."""
    token = links.make_personal_token(settings.codes.secret, device_id, at=at)
    return token, at + links.PERSONAL_LIFETIME


def read_personal_code(text: str, *, settings: Settings) -> PersonalCode | None:
    """Return what a scanned personal code says, or None if it is none of ours."""
    told = by_any(settings.codes.secrets, lambda key: links.read_personal_token(key, text))
    return told and PersonalCode(told[0], told[1] + links.PERSONAL_LIFETIME)


def _sealed(session: Session, code_id: UUID) -> Code | None:
    """Return a code whose id was read from what it says; whoever can show that may see whose."""
    with everywhere(session):
        return queries.by_id(session, code_id)


def _judge(code: Code, step: int | None, at: datetime) -> CodeProblem | None:
    return links.judge(
        valid_from=code.valid_from,
        valid_until=code.valid_until,
        revoked_at=code.revoked_at,
        step=step,
        at=at,
    )


def _says(code: Code, draft: CodeDraft) -> bool:
    told = {name: value for name, value in asdict(draft).items() if name != "valid_from"}
    begins_so = draft.valid_from is None or code.valid_from == draft.valid_from
    return begins_so and all(getattr(code, name) == value for name, value in told.items())
