"""What is asked of offers and of what came of them."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, delete, func, or_, select, true
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from geoservices.database import newest_first
from geoservices.offers.models import Offer, Redemption


class Waiting(NamedTuple):
    """How many pieces of an offer are kept for people with a code, and until when the first is."""

    pieces: int
    until: datetime | None


def by_id(session: Session, offer_id: UUID) -> Offer | None:
    """Return an offer."""
    return session.scalars(select(Offer).where(Offer.id == offer_id)).one_or_none()


def hold(session: Session, offer_id: UUID) -> Offer:
    """Return an offer as the database has it now, and let nobody else redeem it for now.

    Whoever also holds the person holds them first, and redemptions afterwards.
    """
    return session.scalars(
        select(Offer)
        .where(Offer.id == offer_id)
        .with_for_update(of=Offer.__table__, key_share=True)
        .execution_options(populate_existing=True)
    ).one()


def hold_redemption(session: Session, redemption_id: UUID) -> Redemption | None:
    """Return a redemption as the database has it now, and let nobody else change it for now."""
    return session.get(
        Redemption, redemption_id, with_for_update={"key_share": True}, populate_existing=True
    )


def insert_if_new(session: Session, redemption: Redemption) -> bool:
    """Store a redemption unless its id or its code is another's; tell whether it was stored."""
    row = {column.key: getattr(redemption, column.key) for column in Redemption.__table__.columns}
    stored = session.execute(
        insert(Redemption).values(row).on_conflict_do_nothing().returning(Redemption.id)
    )
    return stored.first() is not None


def hold_scan(session: Session, scan_id: UUID) -> None:
    """Let nobody else use a scanner's number until the transaction ends."""
    number = int.from_bytes(scan_id.bytes[:8], "big", signed=True)
    session.execute(select(func.pg_advisory_xact_lock(number)))


def by_mark(session: Session, marks: Collection[bytes]) -> Redemption | None:
    """Return the redemption whose code has one of the marks."""
    return session.scalars(select(Redemption).where(Redemption.code_mark.in_(marks))).one_or_none()


def by_scan(session: Session, scan_id: UUID) -> Redemption | None:
    """Return what the scanner's number was used for."""
    return session.scalars(select(Redemption).where(Redemption.scan_id == scan_id)).one_or_none()


def redemption_by_id(session: Session, redemption_id: UUID) -> Redemption | None:
    """Return a redemption."""
    return session.get(Redemption, redemption_id)


def waiting_of(session: Session, offer_id: UUID, person_id: UUID) -> Redemption | None:
    """Return the code that a person has for an offer, expired or not."""
    return session.scalars(
        select(Redemption).where(
            Redemption.offer_id == offer_id,
            Redemption.person_id == person_id,
            Redemption.redeemed_at.is_(None),
        )
    ).one_or_none()


def latest_of(
    session: Session, offer_id: UUID, person_id: UUID, *, at: datetime
) -> Redemption | None:
    """Return what a person asked for last of an offer: redeemed, or with a code that counts."""
    return session.scalars(
        select(Redemption)
        .where(
            Redemption.offer_id == offer_id,
            Redemption.person_id == person_id,
            or_(Redemption.redeemed_at.is_not(None), Redemption.expires_at > at),
        )
        .order_by(Redemption.made_at.desc(), Redemption.id.desc())
        .limit(1)
        .execution_options(populate_existing=True)
    ).one_or_none()


def drop(session: Session, redemption: Redemption) -> None:
    """Delete a code that was not redeemed in time, for another to take its place."""
    session.execute(delete(Redemption).where(Redemption.id == redemption.id))


def waiting(session: Session, offer_ids: Collection[UUID], *, at: datetime) -> dict[UUID, Waiting]:
    """Return what of offers is kept for people with a code; of one with none, nothing."""
    rows = session.execute(
        select(Redemption.offer_id, func.count(), func.min(Redemption.expires_at))
        .where(
            Redemption.offer_id.in_(offer_ids),
            Redemption.redeemed_at.is_(None),
            Redemption.expires_at > at,
        )
        .group_by(Redemption.offer_id)
    )
    return {offer_id: Waiting(pieces, until) for offer_id, pieces, until in rows}


def had(session: Session, person_id: UUID, since: dict[UUID, datetime | None]) -> dict[UUID, int]:
    """Count what a person redeemed of offers.

    Args:
        session: The session.
        person_id: Who.
        since: From when on it counts, by offer; None counts all.
    """
    counted: list[ColumnElement[bool]] = [
        (Redemption.offer_id == offer_id)
        & (true() if begin is None else Redemption.redeemed_at >= begin)
        for offer_id, begin in since.items()
    ]
    rows = session.execute(
        select(Redemption.offer_id, func.count())
        .where(
            Redemption.person_id == person_id,
            Redemption.redeemed_at.is_not(None),
            or_(*counted),
        )
        .group_by(Redemption.offer_id)
    )
    return dict(rows.all())


def of_person(
    session: Session, person_id: UUID, *, after: tuple[datetime, UUID] | None, limit: int
) -> Sequence[Redemption]:
    """Return what a person redeemed or may redeem, newest first."""
    statement = select(Redemption).where(Redemption.person_id == person_id)
    page = newest_first(statement, Redemption.made_at, Redemption.id, after=after, limit=limit)
    return session.scalars(page).all()


def forget(session: Session, person_id: UUID) -> None:
    """Delete every redemption of a person's; what was redeemed stays counted."""
    session.execute(delete(Redemption).where(Redemption.person_id == person_id))
