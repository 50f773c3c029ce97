"""What is asked of addresses and letters."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from geoservices.accounts.models import Consent, Person
from geoservices.campaigns.models import Campaign, Decision
from geoservices.campaigns.rules import Trigger
from geoservices.channels.models import ChannelChoice
from geoservices.leasing.queries import Queue, is_free
from geoservices.letters.models import (
    Confirmation,
    DigestItem,
    EmailAddress,
    Letter,
    LetterKind,
    LetterState,
)
from geoservices.listings.models import Listing
from geoservices.notifications.models import Notification
from geoservices.notifications.queries import UNREAD
from geoservices.places.models import Place
from geoservices.places.queries import is_sensitive_at

UNFINISHED = (LetterState.QUEUED, LetterState.SENDING)
DUE: Final[Queue[UUID]] = Queue(row=Letter, waiting=Letter.state.in_(UNFINISHED), at_once=200)


class Due(NamedTuple):
    """An address whose person may be told something, and the clock they live by."""

    address: EmailAddress
    time_zone: str


class Told(NamedTuple):
    """One notification in a digest."""

    letter_id: UUID
    notification_id: UUID
    title: str
    body: str


def address_of(session: Session, person_id: UUID) -> EmailAddress | None:
    """Return a person's address."""
    return session.scalars(
        select(EmailAddress).where(EmailAddress.person_id == person_id)
    ).one_or_none()


def address_by_id(session: Session, address_id: UUID) -> EmailAddress | None:
    """Return an address, locked."""
    return session.get(EmailAddress, address_id, with_for_update=True)


def lock_addresses(session: Session, ids: Collection[UUID]) -> dict[UUID, EmailAddress]:
    """Return those of the addresses that there still are, by their ids, locked."""
    found = session.scalars(
        select(EmailAddress)
        .where(EmailAddress.id.in_(ids))
        .order_by(EmailAddress.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return {address.id: address for address in found}


def delete_address(session: Session, person_id: UUID) -> None:
    """Forget a person's address, with every secret sent to it."""
    session.execute(delete(EmailAddress).where(EmailAddress.person_id == person_id))


def address_confirmed_by(
    session: Session, token_hash: bytes, *, at: datetime
) -> EmailAddress | None:
    """Return the address that a secret was sent to, locked, if the secret is still good."""
    return session.scalars(
        select(EmailAddress)
        .join(Confirmation, Confirmation.address_id == EmailAddress.id)
        .where(Confirmation.token_hash == token_hash, Confirmation.expires_at > at)
        .with_for_update(of=EmailAddress)
    ).one_or_none()


def use_up(session: Session, address_id: UUID) -> None:
    """Make every secret that was sent to an address worthless."""
    session.execute(delete(Confirmation).where(Confirmation.address_id == address_id))


def call_back(session: Session, person_id: UUID) -> None:
    """Send a person none of the letters to their address that wait, and forget their digests.

    Those about a member's account rest on no consent, and go where their organisation knows them.
    """
    # Locked before the address, as where letters are claimed, or the two wait for each other.
    ids = session.scalars(
        select(Letter.id)
        .where(by_person(person_id), Letter.recipient.is_(None))
        .order_by(Letter.id)
        .with_for_update()
    ).all()
    session.execute(delete(Letter).where(Letter.id.in_(ids), Letter.kind == LetterKind.DIGEST))
    session.execute(
        update(Letter)
        .where(Letter.id.in_(ids), Letter.state.in_(UNFINISHED))
        .values(state=LetterState.DROPPED, reason="the consent was withdrawn", leased_until=None)
    )


def hold_mark(session: Session, mark: bytes) -> None:
    """Let nobody else ask for a letter to an address until the transaction ends."""
    number = int.from_bytes(mark[:8], "big", signed=True)
    session.execute(select(func.pg_advisory_xact_lock(number)))


def letters_asked_for(
    session: Session, kind: LetterKind, *, of: ColumnElement[bool], since: datetime
) -> Sequence[datetime]:
    """Return when letters of a kind were asked for since an instant, the last one first."""
    return session.scalars(
        select(Letter.created_at)
        .where(of, Letter.kind == kind, Letter.kind != LetterKind.DIGEST, Letter.created_at > since)
        .order_by(Letter.created_at.desc())
    ).all()


def by_person(person_id: UUID) -> ColumnElement[bool]:
    """Return the condition that a letter is a person's."""
    return Letter.person_id == person_id


def by_mark(mark: bytes) -> ColumnElement[bool]:
    """Return the condition that a letter is to one address, whoever's."""
    return Letter.address_mark == mark


def prune(session: Session, *, before: datetime, at: datetime) -> None:
    """Forget letters with secrets, made before an instant, and the secrets that are over."""
    session.execute(
        delete(Letter).where(
            Letter.kind != LetterKind.DIGEST,
            Letter.created_at < before,
            Letter.state.not_in(UNFINISHED),
        )
    )
    session.execute(delete(Confirmation).where(Confirmation.expires_at <= at))


def addresses_due(session: Session, *, at: datetime, limit: int) -> list[Due]:
    """Lock up to `limit` addresses whose hour has come, the longest due first."""
    rows = session.execute(
        select(EmailAddress, Person.time_zone)
        .join(Person, Person.id == EmailAddress.person_id)
        .where(EmailAddress.digest_due_at <= at)
        .order_by(EmailAddress.digest_due_at)
        .limit(limit)
        .with_for_update(of=EmailAddress, skip_locked=True)
    )
    return [Due(*row) for row in rows]


def to_tell(
    session: Session, person_ids: Collection[UUID], *, since: datetime, at: datetime, most: int
) -> dict[UUID, list[UUID]]:
    """Return what is worth telling each person by letter and was in none, the newest first.

    Args:
        session: Its transaction.
        person_ids: Whom to tell.
        since: What was made before is too old.
        at: Now.
        most: The most notifications for each person.
    """
    rank = func.row_number().over(
        partition_by=Notification.person_id, order_by=Notification.created_at.desc()
    )
    worth = _worth_telling(
        select(Notification.person_id, Notification.id, rank.label("rank")), at
    ).where(
        Notification.person_id.in_(person_ids),
        Notification.created_at > since,
        ~select(DigestItem).where(DigestItem.notification_id == Notification.id).exists(),
    )
    ranked = worth.subquery()
    rows = session.execute(
        select(ranked.c.person_id, ranked.c.id)
        .where(ranked.c.rank <= most)
        .order_by(ranked.c.person_id, ranked.c.rank)
    )
    found: dict[UUID, list[UUID]] = {}
    for person_id, notification_id in rows:
        found.setdefault(person_id, []).append(notification_id)
    return found


def told_in(session: Session, letter_ids: Collection[UUID], *, at: datetime) -> list[Told]:
    """Return what in the digests is still worth telling, the newest first."""
    rows = session.execute(
        _worth_telling(
            select(DigestItem.letter_id, Notification.id, Notification.title, Notification.body), at
        )
        .join(DigestItem, DigestItem.notification_id == Notification.id)
        .where(DigestItem.letter_id.in_(letter_ids))
        .order_by(Notification.created_at.desc(), Notification.id)
    )
    return [Told(*row) for row in rows]


def _worth_telling(statement: Select[*tuple[Any, ...]], at: datetime) -> Select[*tuple[Any, ...]]:
    """Keep what lies unread in the inbox, is not over, and may and shall be told by letter.

    Who is let in nowhere is told nothing, nor is anybody of a place they passed that is sensitive.
    """
    passed_sensitive = (
        select(Place.id)
        .where(Place.id == Decision.place_id, is_sensitive_at(at))
        .where(Decision.trigger != Trigger.CHECKED_IN)
        .exists()
    )
    agreed = and_(
        Consent.person_id == Notification.person_id,
        Consent.purpose == Campaign.purpose,
        Consent.withdrawn_at.is_(None),
    )
    chosen = and_(
        ChannelChoice.person_id == Notification.person_id,
        ChannelChoice.purpose == Campaign.purpose,
        ChannelChoice.email,
    )
    return (
        statement.select_from(Notification)
        .join(Decision, Decision.id == Notification.decision_id)
        .join(Campaign, Campaign.id == Decision.campaign_id)
        .join(Consent, agreed)
        .join(ChannelChoice, chosen)
        .join(Person, Person.id == Notification.person_id)
        .outerjoin(Listing, Listing.id == Notification.listing_id)
        .where(
            UNREAD,
            Person.disabled_at.is_(None),
            ~passed_sensitive,
            Notification.surfaced_at <= at,
            or_(Campaign.ended_at.is_(None), Campaign.ended_at > at),
            Listing.withdrawn_at.is_(None),
            or_(Listing.ends_at.is_(None), Listing.ends_at > at),
        )
    )


def insert_digests(session: Session, letters: Sequence[dict[str, Any]]) -> set[UUID]:
    """Store digests and return the ids of those whose person had none that day."""
    if not letters:
        return set()
    made = session.scalars(
        insert(Letter).values(letters).on_conflict_do_nothing().returning(Letter.id)
    )
    return set(made)


def insert_items(session: Session, rows: Sequence[dict[str, UUID]]) -> None:
    """Store what is in digests."""
    if rows:
        session.execute(insert(DigestItem).values(rows))


def take(session: Session, ids: Collection[UUID], *, at: datetime) -> Sequence[Letter]:
    """Lock those of the letters that are unfinished and that nobody else holds a lease on."""
    return session.scalars(
        select(Letter)
        .where(
            Letter.id.in_(ids),
            Letter.state.in_(UNFINISHED),
            is_free(Letter.leased_until, at=at),
        )
        .order_by(Letter.id)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    ).all()


def lock_letters(session: Session, ids: Collection[UUID]) -> dict[UUID, Letter]:
    """Return letters, locked."""
    found = session.scalars(
        select(Letter)
        .where(Letter.id.in_(ids))
        .order_by(Letter.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return {letter.id: letter for letter in found}
