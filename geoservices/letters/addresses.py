"""A person's e-mail address: asked for, confirmed by whoever reads there, and taken away."""

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from geoservices import outbox
from geoservices.accounts.models import Person, Purpose
from geoservices.accounts.queries import lock_people
from geoservices.accounts.service import require_consent
from geoservices.accounts.tokens import hash_token
from geoservices.channels import queries as channels
from geoservices.errors import ErrorKind, GeoservicesError, NotFound, TooOften
from geoservices.keyring import by_any
from geoservices.letters import queries
from geoservices.letters.hours import next_at
from geoservices.letters.links import mark_of, read_unsubscribe_token
from geoservices.letters.models import EmailAddress, Letter, LetterKind, LetterState
from geoservices.mail.addresses import read_address
from geoservices.scopes import everywhere
from geoservices.settings.service import Settings

DIGEST_AT = time(17)
"""When people are told, unless they choose an hour."""
CONFIRMATION_LIFETIME = timedelta(hours=48)
"""How long the secret in a letter is good for."""
PAUSE = timedelta(minutes=1)
"""One confirmation in so much time, for each person and each address."""
A_DAY = timedelta(days=1)
MOST_A_DAY = 5
"""And so many in a day."""


class EmailUnavailable(GeoservicesError):
    """This installation sends no e-mail; nothing was stored."""

    kind = ErrorKind.CONFLICT
    code = "email-unavailable"
    title = "There is no e-mail here"

    def __init__(self) -> None:
        super().__init__("Its operator has set no server for it. The inbox has everything.")


class EmailNotConfirmed(GeoservicesError):
    """The person has no e-mail address that they confirmed; nothing was stored."""

    kind = ErrorKind.CONFLICT
    code = "email-not-confirmed"
    title = "A confirmed e-mail address is needed"

    def __init__(self) -> None:
        super().__init__(
            "Give an address with PUT /v1/email, and open the link in the letter to it.",
            field="/email",
        )


class TooManyConfirmations(TooOften):
    """Letters that ask for confirmation were asked for too often; nothing was stored."""

    code = "too-many-confirmations"
    title = "Too many letters were asked for"

    def __init__(self, retry_after: timedelta) -> None:
        super().__init__(
            retry_after,
            "One a minute is sent, and five a day. Look for the letter, also among the junk.",
        )


class EmailTokenRefused(GeoservicesError):
    """What stood in the letter's link is not known, too old, or was used before."""

    kind = ErrorKind.INVALID
    code = "email-token-refused"
    title = "The link is not good any more"

    def __init__(self) -> None:
        super().__init__("Open the whole link of the newest letter, or ask for another letter.")


def set_address(
    session: Session,
    person: Person,
    address: str,
    *,
    digest_at: time,
    settings: Settings,
    at: datetime,
) -> EmailAddress:
    """Set where and when a person gets digests, and send a letter there to be confirmed.

    The same address again only sets the hour, unless it is not confirmed or bouncing: then another
    letter goes out, a minute after the one before at the earliest. Whether anyone else uses the
    address makes no difference to what is told. An address that too many letters were asked for
    gets none, without a word.

    Raises:
        EmailUnavailable: No letters are sent here.
        ConsentMissing: The person did not agree to e-mail; nothing is stored.
        AddressRefused: It is no address.
        TooManyConfirmations: The person asked for too many letters.
    """
    require_mail(settings)
    wanted = read_address(address)
    lock_people(session, [person.id])
    require_consent(session, person.id, {Purpose.EMAIL})
    known = queries.address_of(session, person.id)
    if known and known.address != wanted:
        queries.delete_address(session, person.id)
        known = None
    if known:
        known.digest_at = digest_at
        follow_clock(session, person, at=at)
    if known and known.confirmed_at and not known.bouncing_at:
        return known
    asked = queries.letters_asked_for(
        session, LetterKind.CONFIRMATION, of=queries.by_person(person.id), since=at - A_DAY
    )
    if known and asked and at - asked[0] < PAUSE:
        return known
    if wait := wait_before_another(asked, at):
        raise TooManyConfirmations(wait)
    asking = known or EmailAddress(
        id=uuid4(), person_id=person.id, address=wanted, digest_at=digest_at, set_at=at
    )
    asking.confirmed_at = asking.bouncing_at = None
    asking.refused_count = 0
    session.add(asking)
    session.flush()
    _ask(session, asking, settings, at)
    return asking


def get_address(session: Session, person_id: UUID) -> EmailAddress:
    """Return a person's address.

    Raises:
        NotFound: They gave none.
    """
    found = queries.address_of(session, person_id)
    if found is None:
        raise NotFound("e-mail address")
    return found


def remove_address(session: Session, person_id: UUID) -> None:
    """Forget a person's address and that they wanted letters; doing it again changes nothing."""
    queries.delete_address(session, person_id)
    channels.stop_mail(session, person_id)


def forget(session: Session, person_id: UUID) -> None:
    """Call every letter back, and forget the address and that they wanted letters.

    That confirmations were asked for stays as long as their limits need it, without the address.
    """
    queries.call_back(session, person_id)
    remove_address(session, person_id)


def confirm(session: Session, token: str, *, at: datetime) -> None:
    """Take it that an address is its person's, since the secret that was sent there is known.

    Raises:
        EmailTokenRefused: It is unknown, older than two days, or was used before.
    """
    address = queries.address_confirmed_by(session, hash_token(token), at=at)
    if address is None:
        raise EmailTokenRefused
    person = session.get_one(Person, address.person_id)
    address.confirmed_at = at
    address.bouncing_at, address.refused_count = None, 0
    address.digest_due_at = _next_digest(address, person, at)
    queries.use_up(session, address.id)


def unsubscribe(session: Session, token: str, *, settings: Settings) -> None:
    """Switch e-mail off for every purpose of whoever's letter it was; again changes nothing.

    Raises:
        EmailTokenRefused: It stood in none of our letters.
    """
    address_id = by_any(settings.codes.secrets, lambda key: read_unsubscribe_token(key, token))
    if address_id is None:
        raise EmailTokenRefused
    address = queries.address_by_id(session, address_id)
    if address is not None:
        channels.stop_mail(session, address.person_id)


def require_mail(settings: Settings) -> None:
    """Refuse where no letters are sent.

    Raises:
        EmailUnavailable: They are not.
    """
    if settings.mail.host is None:
        raise EmailUnavailable


def require_confirmed(session: Session, person_id: UUID, settings: Settings) -> None:
    """Refuse unless a person can be written to.

    Raises:
        EmailUnavailable: No letters are sent here.
        EmailNotConfirmed: They have no address, or did not confirm it.
    """
    require_mail(settings)
    if not is_possible(session, person_id, settings):
        raise EmailNotConfirmed


def is_possible(session: Session, person_id: UUID, settings: Settings) -> bool:
    """Tell whether a person can be written to: they confirmed their address."""
    address = queries.address_of(session, person_id)
    return (
        settings.mail.host is not None and address is not None and address.confirmed_at is not None
    )


def follow_clock(session: Session, person: Person, *, at: datetime) -> None:
    """Put a person's next digest to their hour in the time zone that they have now."""
    address = queries.address_of(session, person.id)
    if address is not None and address.digest_due_at is not None:
        address.digest_due_at = _next_digest(address, person, at)


def wait_before_another(asked: Sequence[datetime], at: datetime) -> timedelta:
    """Return how long to wait before another letter with a secret may be asked for.

    Args:
        asked: When the others of the last day were, the last one first.
        at: Now.
    """
    waits = [asked[0] + PAUSE - at] if asked else []
    waits += [asked[MOST_A_DAY - 1] + A_DAY - at] if len(asked) >= MOST_A_DAY else []
    return max([timedelta(0), *waits])


def _ask(session: Session, address: EmailAddress, settings: Settings, at: datetime) -> None:
    mark = mark_of(settings.codes.secret, address.address)
    queries.hold_mark(session, mark)
    # Others may have asked for letters to the same address.
    with everywhere(session):
        asked = queries.letters_asked_for(
            session, LetterKind.CONFIRMATION, of=queries.by_mark(mark), since=at - A_DAY
        )
    too_many = bool(wait_before_another(asked, at))
    session.add(
        Letter(
            id=uuid4(),
            person_id=address.person_id,
            address_id=address.id,
            address_mark=None if too_many else mark,
            kind=LetterKind.CONFIRMATION,
            state=LetterState.DROPPED if too_many else LetterState.QUEUED,
            reason="too many were asked for" if too_many else None,
            created_at=at,
            due_at=at,
            expires_at=at + CONFIRMATION_LIFETIME,
        )
    )
    session.flush()
    outbox.ring(session)


def _next_digest(address: EmailAddress, person: Person, at: datetime) -> datetime:
    return next_at(address.digest_at, ZoneInfo(person.time_zone), after=at)
