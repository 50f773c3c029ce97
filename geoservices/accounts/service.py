"""Who is who, what they carry, and what they agree to."""

from collections.abc import Collection
from datetime import datetime, time, timedelta
from functools import cache
from uuid import UUID, uuid4
from zoneinfo import available_timezones

from sqlalchemy.orm import Session

from geoservices.access.rights import Role
from geoservices.accounts import queries
from geoservices.accounts.acting import actor_of
from geoservices.accounts.consents import TEXTS
from geoservices.accounts.device_tokens import make_device
from geoservices.accounts.models import (
    Consent,
    ConsentEvent,
    ConsentReceipt,
    Credential,
    Device,
    Organisation,
    Person,
    Purpose,
    SignIn,
    SignInKind,
)
from geoservices.accounts.tokens import hash_token, make_token
from geoservices.audit import service as audit
from geoservices.errors import ErrorKind, Forbidden, GeoservicesError, NotFound, Unauthenticated
from geoservices.languages import ENGLISH
from geoservices.scopes import confine

USE_NOTED_EVERY = timedelta(minutes=5)
"""How exactly it is known when a sign-in was last used; far less than any may be idle."""


class ConsentMissing(GeoservicesError):
    """The person has not agreed to what the request needs; nothing was stored."""

    kind = ErrorKind.FORBIDDEN
    code = "consent-missing"
    title = "The person has not agreed to this"

    def __init__(self, purposes: Collection[Purpose]) -> None:
        self.purposes = sorted(purposes)
        wanted = " or ".join(self.purposes)
        super().__init__(f"Nothing was stored. It needs a consent for {wanted}.")

    def extra(self) -> dict[str, object]:
        """Name the purposes of which any one would do."""
        return {"purposes": self.purposes}


class ConsentTextChanged(GeoservicesError):
    """The person saw another version of the text than the one now in force."""

    kind = ErrorKind.CONFLICT
    code = "consent-text-changed"
    title = "The consent text has changed"

    def __init__(self, current: str) -> None:
        self.current = current
        super().__init__("Show the person the present text and ask again.", field="/text_version")

    def extra(self) -> dict[str, object]:
        """Name the version now in force."""
        return {"text_version": self.current}


class TimeZoneUnknown(GeoservicesError):
    """No such time zone."""

    kind = ErrorKind.INVALID
    code = "time-zone-unknown"
    title = "Unknown time zone"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"{name[:60]!r} is no IANA time zone such as Europe/London.", field="/time_zone"
        )


def register_device(
    session: Session,
    *,
    member: Person | None,
    label: str | None,
    time_zone: str,
    language: str | None = None,
    places_only: bool = False,
    at: datetime,
) -> tuple[Device, str]:
    """Make a device, and an anonymous person for it unless it is a member's.

    `time_zone` and `language` are the anonymous person's; a member has their own.

    Returns:
        The device and its token. The token is not kept and cannot be shown again.

    Raises:
        TimeZoneUnknown: `time_zone` is no IANA name.
    """
    check_time_zone(time_zone)
    person_id = member.id if member else _make_citizen(session, time_zone, language, at).id
    return make_device(session, person_id, label=label, places_only=places_only, at=at)


def authenticate_member(
    session: Session, token: str, *, at: datetime
) -> tuple[SignIn, Person] | None:
    """Return the sign-in that has this token and its member, if it still holds.

    That it is used is written down every few minutes at most, so that a request costs no write.
    """
    found = queries.sign_in_by_token(session, hash_token(token), at=at)
    if found and at - found[0].last_used_at >= USE_NOTED_EVERY:
        queries.note_use(session, found[0].id, at=at)
    return found


def end_sign_in(session: Session, token: str, *, at: datetime) -> None:
    """Make a sign-in's token worthless at once; one that holds no more stays as it is."""
    found = queries.sign_in_by_token(session, hash_token(token), at=at)
    if found:
        found[0].revoked_at = at


def revoke_device(device: Device, *, at: datetime) -> None:
    """Make the device's token worthless at once."""
    device.revoked_at = at


def give_consent(
    session: Session,
    person: Person,
    purpose: Purpose,
    *,
    text_version: str,
    language: str = ENGLISH,
    by: Credential = Credential.DEVICE,
    at: datetime,
) -> Consent:
    """Record that the person agrees to one purpose, with a receipt; again keeps the first record.

    A consent to an older text ends and gives way to the new one within the transaction, so what
    it covers stays covered throughout.

    Raises:
        ConsentTextChanged: They saw a text that is no longer in force.
        NotFound: There is no text in that language.
        Forbidden: The purpose is not for people of their role.
    """
    text = TEXTS[purpose]
    if Role(person.role) not in text.roles:
        raise Forbidden(f"The purpose {purpose} is for staff; this is a citizen's device.")
    if text_version != text.version:
        raise ConsentTextChanged(text.version)
    if language not in text.texts:
        raise NotFound("consent text")
    older = queries.end_consent(session, person.id, purpose, unless_version=text_version, at=at)
    if older is not None:
        note_consent(session, older, ConsentEvent.REPLACED, by=by, at=at)
    consent = Consent(
        id=uuid4(),
        person_id=person.id,
        purpose=purpose,
        text_version=text_version,
        language=language,
        given_at=at,
    )
    if queries.insert_consent(session, consent):
        note_consent(session, consent, ConsentEvent.GIVEN, by=by, at=at)
    return queries.last_consents(session, person.id)[purpose]


def note_consent(
    session: Session, consent: Consent, event: ConsentEvent, *, by: Credential, at: datetime
) -> None:
    """Leave a receipt of what became of a consent."""
    session.add(
        ConsentReceipt(
            id=uuid4(),
            person_id=consent.person_id,
            consent_id=consent.id,
            purpose=consent.purpose,
            text_version=consent.text_version,
            language=consent.language,
            event=event,
            credential=by,
            occurred_at=at,
        )
    )
    session.flush()


def require_consent(session: Session, person_id: UUID, any_of: Collection[Purpose]) -> None:
    """Refuse unless the person agrees to at least one of the purposes.

    Raises:
        ConsentMissing: They agree to none.
    """
    if not queries.purposes_of(session, [person_id]).get(person_id, frozenset()) & set(any_of):
        raise ConsentMissing(any_of)


def set_preferences(
    person: Person,
    *,
    time_zone: str,
    quiet_from: time | None,
    quiet_until: time | None,
    language: str | None,
) -> None:
    """Set the person's time zone, quiet hours and language; both hours None means none.

    Raises:
        TimeZoneUnknown: `time_zone` is no IANA name.
    """
    check_time_zone(time_zone)
    person.time_zone = time_zone
    person.quiet_from = quiet_from
    person.quiet_until = quiet_until
    person.language = language


def ensure_organisation(
    session: Session, slug: str, *, name: str, time_zone: str, at: datetime
) -> tuple[Organisation, bool]:
    """Return the organisation of that slug, made if there was none, and whether it was made.

    Raises:
        TimeZoneUnknown: `time_zone` is no IANA name.
    """
    check_time_zone(time_zone)
    known = queries.organisation_by_slug(session, slug)
    if known:
        return known, False
    organisation = Organisation(
        id=uuid4(), slug=slug, name=name, time_zone=time_zone, created_at=at
    )
    session.add(organisation)
    session.flush()
    return organisation, True


def sign_in(
    session: Session,
    person_id: UUID,
    *,
    kind: SignInKind,
    label: str,
    lifetime: timedelta,
    idle: timedelta | None = None,
    provider_session: str | None = None,
    at: datetime,
) -> tuple[SignIn, str]:
    """Let a member in whose word was found good; the token is new each time.

    Args:
        session: Its transaction.
        person_id: The member.
        kind: How they signed in.
        label: Where, for people who look through their sign-ins.
        lifetime: It ends so long after now,
        idle: or when it was not used for so long.
        provider_session: What an identity provider calls it.
        at: Now.

    Returns:
        The sign-in and its token. The token is not kept and cannot be shown again.

    Raises:
        Unauthenticated: They are let in nowhere.
    """
    if session.get_one(Person, person_id).disabled_at is not None:
        raise Unauthenticated("An admin of the organisation has to let this member in again.")
    token = make_token("access")
    made = SignIn(
        id=uuid4(),
        person_id=person_id,
        kind=kind,
        token_hash=hash_token(token),
        label=label,
        provider_session=provider_session,
        idle=idle,
        created_at=at,
        last_used_at=at,
        expires_at=at + lifetime,
    )
    session.add(made)
    session.flush()
    member = actor_of(session.get_one(Person, person_id), sign_in_id=made.id)
    audit.record(session, member, "sign_in", "person", person_id, {"kind": kind.value})
    return made, token


def check_time_zone(name: str) -> None:
    """Refuse a name that is no IANA time zone.

    Raises:
        TimeZoneUnknown: It is none.
    """
    if name not in _time_zones():
        raise TimeZoneUnknown(name)


@cache
def _time_zones() -> frozenset[str]:
    # Listing them reads hundreds of files. These names are in the folder, but of no zone's: the
    # machine's own settings, and a placeholder.
    return frozenset(available_timezones() - {"localtime", "posixrules", "Factory"})


def _make_citizen(session: Session, time_zone: str, language: str | None, at: datetime) -> Person:
    person = Person(
        id=uuid4(), role=Role.CITIZEN, time_zone=time_zone, language=language, created_at=at
    )
    # Whoever comes into being may see what is theirs.
    confine(session, organisation_id=None, person_id=person.id)
    session.add(person)
    session.flush()
    return person
