"""Letters claimed, written, and settled once the server has answered."""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from geoservices.accounts.tokens import hash_token
from geoservices.letters import changes, composing, passwords, queries
from geoservices.letters.links import make_confirmation_token, make_unsubscribe_token
from geoservices.letters.models import (
    Confirmation,
    EmailAddress,
    Letter,
    LetterKind,
    LetterState,
)
from geoservices.letters.queries import Told
from geoservices.mail.composing import Mail
from geoservices.mail.sending import MailOutcome, Sent
from geoservices.settings.service import Settings

FIRST_WAIT = timedelta(minutes=1)
LONGEST_WAIT = timedelta(hours=2)
BOUNCING_AFTER = 3
"""So many letters in a row refused for it make an address bouncing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Posting:
    """One attempt under way: which letter, which number, and what goes out."""

    letter_id: UUID
    address_id: UUID | None
    number: int
    mail: Mail


def claim(
    session: Session, ids: Sequence[UUID], *, settings: Settings, at: datetime
) -> list[Posting]:
    """Take letters for sending, each with a lease, and write them as things stand now.

    What there is no reason left to send is settled at once. A letter that another worker holds is
    passed over. If this worker dies, the lease runs out and the letter is sent again with the same
    Message-ID.
    """
    letters = queries.take(session, ids, at=at)
    addresses = queries.lock_addresses(session, _ids(one.address_id for one in letters))
    members = passwords.hold(session, letters)
    told: dict[UUID, list[Told]] = {}
    for item in queries.told_in(session, [one.id for one in letters], at=at):
        told.setdefault(item.letter_id, []).append(item)
    postings: list[Posting] = []
    for letter in letters:
        address = addresses.get(letter.address_id) if letter.address_id else None
        items = told.get(letter.id, [])
        if obstacle := _obstacle(letter, address, items, settings, at):
            _finish(letter, *obstacle)
        elif reason := passwords.obstacle(letter, members.get(letter.person_id)):
            _finish(letter, LetterState.DROPPED, reason)
        else:
            postings.append(_begin(session, letter, address, items, settings, at))
    session.flush()
    return postings


def settle(
    session: Session, results: Sequence[tuple[Posting, MailOutcome]], *, at: datetime
) -> None:
    """Write down what became of letters, and of the addresses that nothing is taken for.

    A failure counts only for the attempt under way; that the server has the letter counts always.
    """
    letters = queries.lock_letters(session, [posting.letter_id for posting, _ in results])
    addresses = queries.lock_addresses(session, _ids(posting.address_id for posting, _ in results))
    for posting, outcome in results:
        letter = letters.get(posting.letter_id)
        if letter is None or letter.state not in queries.UNFINISHED:
            continue
        current = letter.state == LetterState.SENDING and letter.attempt_count == posting.number
        if not current and outcome.kind is not Sent.TAKEN:
            continue
        _settle_one(letter, outcome, at)
        if posting.address_id in addresses:
            _count_refusal(addresses[posting.address_id], outcome, at)


def wait_before(attempt_count: int) -> timedelta:
    """Return how long to wait after so many attempts.

    The wait doubles from a minute up to two hours, with up to half of it taken off at random so
    that many letters do not come back at once.
    """
    doubled = min(FIRST_WAIT * 2.0 ** min(attempt_count - 1, 32), LONGEST_WAIT)
    return doubled * random.uniform(0.5, 1.0)  # noqa: S311


def _obstacle(
    letter: Letter,
    address: EmailAddress | None,
    items: Sequence[Told],
    settings: Settings,
    at: datetime,
) -> tuple[LetterState, str] | None:
    if settings.mail.host is None:
        return LetterState.DROPPED, "e-mail was switched off"
    if address is None and letter.recipient is None:
        return LetterState.DROPPED, "the address was taken away"
    if letter.expires_at <= at:
        return LetterState.FAILED, "its time had passed before it was sent"
    return _nothing_to_tell(letter, address, items) if address else None


def _nothing_to_tell(
    letter: Letter, address: EmailAddress, items: Sequence[Told]
) -> tuple[LetterState, str] | None:
    if letter.kind == LetterKind.CONFIRMATION:
        return (LetterState.DROPPED, "confirmed already") if address.confirmed_at else None
    if address.confirmed_at is None or address.bouncing_at is not None:
        return LetterState.DROPPED, "the address is not confirmed, or bouncing"
    return None if items else (LetterState.DROPPED, "nothing was left to tell")


def _begin(
    session: Session,
    letter: Letter,
    address: EmailAddress | None,
    items: Sequence[Told],
    settings: Settings,
    at: datetime,
) -> Posting:
    letter.state = LetterState.SENDING
    letter.leased_until = letter.due_at = at + settings.mail.lease
    letter.attempt_count += 1
    unsubscribe = None
    if address is None:
        words = _to_member(session, letter, settings, at)
    elif letter.kind == LetterKind.CONFIRMATION:
        words = _ask(session, letter, address, settings.public_url)
    else:
        token = make_unsubscribe_token(settings.codes.secret, address.id)
        unsubscribe = f"{settings.public_url}/v1/email/unsubscribe?token={token}"
        words = composing.digest(
            [_item(one, settings.public_url) for one in items], unsubscribe=unsubscribe
        )
    mail = Mail(
        id=letter.id,
        to=letter.recipient or (address.address if address else ""),
        subject=words.subject,
        text=words.text,
        html=words.html,
        written_at=letter.created_at,
        unsubscribe=unsubscribe,
    )
    return Posting(
        letter_id=letter.id,
        address_id=letter.address_id,
        number=letter.attempt_count,
        mail=mail,
    )


def _to_member(
    session: Session, letter: Letter, settings: Settings, at: datetime
) -> composing.Words:
    if letter.kind in changes.CHANGES:
        return changes.write(session, letter)
    return passwords.write(session, letter, settings=settings, at=at)


def _ask(
    session: Session, letter: Letter, address: EmailAddress, public_url: str
) -> composing.Words:
    # Each attempt has a secret of its own, so that none is kept that could be read.
    token = make_confirmation_token()
    session.add(
        Confirmation(
            token_hash=hash_token(token),
            address_id=address.id,
            expires_at=letter.expires_at,
        )
    )
    return composing.confirmation(f"{public_url}/email#{token}")


def _ids(ids: Iterable[UUID | None]) -> set[UUID]:
    return {one for one in ids if one is not None}


def _item(told: Told, public_url: str) -> composing.Item:
    return composing.Item(
        title=told.title,
        body=told.body,
        link=f"{public_url}/notifications/{told.notification_id}",
    )


def _settle_one(letter: Letter, outcome: MailOutcome, at: datetime) -> None:
    if outcome.kind is Sent.TAKEN:
        _finish(letter, LetterState.SENT, outcome.reason)
        letter.sent_at = at
        return
    if outcome.kind is not Sent.PUT_OFF:
        _finish(letter, LetterState.FAILED, outcome.reason)
        return
    again_at = at + wait_before(letter.attempt_count)
    if again_at >= letter.expires_at:
        _finish(letter, LetterState.FAILED, f"no time left to try again: {outcome.reason}")
        return
    letter.state = LetterState.QUEUED
    letter.reason = outcome.reason[:200]
    letter.leased_until = None
    letter.due_at = again_at


def _count_refusal(address: EmailAddress, outcome: MailOutcome, at: datetime) -> None:
    if outcome.kind is Sent.TAKEN:
        address.refused_count = 0
    if outcome.kind is not Sent.NOBODY:
        return
    address.refused_count += 1
    if address.refused_count >= BOUNCING_AFTER:
        address.bouncing_at = address.bouncing_at or at
        address.digest_due_at = None


def _finish(letter: Letter, state: LetterState, reason: str) -> None:
    letter.state = state
    letter.reason = reason[:200]
    letter.leased_until = None
