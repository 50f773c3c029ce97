"""What is asked of accounts."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from psycopg import sql
from sqlalchemy import ColumnElement, or_, select, update
from sqlalchemy.dialects.postgresql import distinct_on, insert
from sqlalchemy.orm import Session

from geoservices.access.rights import Role
from geoservices.accounts.models import (
    Consent,
    ConsentReceipt,
    Device,
    Organisation,
    Person,
    Purpose,
    SignIn,
)
from geoservices.arrays import Blobs, Uuids
from geoservices.database import among, newest_first
from geoservices.trips import ask


class HeldDevice(NamedTuple):
    """What a held device's row says."""

    id: UUID
    person_id: UUID
    token_hash: bytes
    places_only: bool
    followed_until: datetime | None
    fix_at: datetime | None
    fix_lon: float | None
    fix_lat: float | None
    fix_accuracy_m: float | None


def device_by_token(session: Session, token_hash: bytes) -> tuple[Device, Person] | None:
    """Return the device that has this token and is not revoked, with its person."""
    row = session.execute(
        select(Device, Person)
        .join(Person, Person.id == Device.person_id)
        .where(
            Device.token_hash == token_hash,
            Device.revoked_at.is_(None),
            Person.disabled_at.is_(None),
        )
    ).one_or_none()
    return (row[0], row[1]) if row else None


def living_device(session: Session, device_id: UUID) -> Device | None:
    """Return the device of that id, unless it is revoked."""
    return session.scalars(
        select(Device).where(Device.id == device_id, Device.revoked_at.is_(None))
    ).one_or_none()


def sign_in_by_token(
    session: Session, token_hash: bytes, *, at: datetime
) -> tuple[SignIn, Person] | None:
    """Return the sign-in that has this token, if it still holds, with its member."""
    row = session.execute(
        select(SignIn, Person)
        .join(Person, Person.id == SignIn.person_id)
        .where(SignIn.token_hash == token_hash, *_holding(at), Person.disabled_at.is_(None))
    ).one_or_none()
    return (row[0], row[1]) if row else None


def sign_ins_of(session: Session, person_id: UUID, *, at: datetime) -> Sequence[SignIn]:
    """Return where a member is signed in, the one used last first."""
    return session.scalars(
        select(SignIn)
        .where(SignIn.person_id == person_id, *_holding(at))
        .order_by(SignIn.last_used_at.desc(), SignIn.id)
    ).all()


def note_use(session: Session, sign_in_id: UUID, *, at: datetime) -> None:
    """Write down that a sign-in is in use, unless somebody else is about to."""
    free = (
        select(SignIn.id)
        .where(SignIn.id == sign_in_id, SignIn.last_used_at < at)
        .with_for_update(skip_locked=True)
    )
    session.execute(
        update(SignIn)
        .where(SignIn.id.in_(free))
        .values(last_used_at=at)
        .execution_options(synchronize_session=False)
    )


def end_sign_ins(
    session: Session,
    person_id: UUID,
    *,
    only: UUID | None = None,
    but: UUID | None = None,
    at: datetime,
) -> int:
    """End a member's sign-ins, one of them or all but one, and return how many still held."""
    which = [SignIn.id == only] if only else []
    which += [SignIn.id != but] if but else []
    ended = session.scalars(
        update(SignIn)
        .where(SignIn.person_id == person_id, *_holding(at), *which)
        .values(revoked_at=at)
        .returning(SignIn.id)
    )
    return len(ended.all())


def _holding(at: datetime) -> list[ColumnElement[bool]]:
    """Return the conditions that a sign-in is good at an instant."""
    return [
        SignIn.revoked_at.is_(None),
        SignIn.expires_at > at,
        or_(SignIn.idle.is_(None), SignIn.last_used_at + SignIn.idle > at),
    ]


def organisation_by_slug(session: Session, slug: str) -> Organisation | None:
    """Return the organisation of that short name."""
    return session.scalars(select(Organisation).where(Organisation.slug == slug)).one_or_none()


def organisation_by_id(session: Session, organisation_id: UUID) -> Organisation:
    """Return an organisation that is known to exist, as the database has it now."""
    return session.get_one(Organisation, organisation_id, populate_existing=True)


def hold_organisation(session: Session, organisation_id: UUID) -> None:
    """Let nobody else change the organisation's members for now."""
    session.execute(
        select(Organisation.id)
        .where(Organisation.id == organisation_id)
        .with_for_update(key_share=True)
    )


def keep_organisation(session: Session, organisation_id: UUID) -> None:
    """Let nobody change what the organisation says of itself for now; many may keep it at once."""
    session.execute(
        select(Organisation.id).where(Organisation.id == organisation_id).with_for_update(read=True)
    )


def is_only_admin(session: Session, organisation_id: UUID, person_id: UUID) -> bool:
    """Tell whether nobody but this person runs the organisation and is let in."""
    running = session.scalars(
        select(Person.id)
        .where(
            Person.organisation_id == organisation_id,
            Person.role == Role.ADMIN,
            Person.disabled_at.is_(None),
        )
        .limit(2)
    ).all()
    return running == [person_id]


def members_called(session: Session, organisation_id: UUID, called: str) -> Sequence[Person]:
    """Return an organisation's members of that name or e-mail address, the eldest first."""
    return session.scalars(
        select(Person)
        .where(
            Person.organisation_id == organisation_id,
            or_(Person.name == called, Person.email == called.lower()),
        )
        .order_by(Person.created_at, Person.id)
    ).all()


def revoke_all_of(
    session: Session, person_ids: Collection[UUID], *, at: datetime
) -> tuple[int, int]:
    """Revoke what people still carry; return how many sign-ins and how many devices."""
    counts = [
        len(
            session.scalars(
                update(table)
                .where(table.person_id.in_(person_ids), table.revoked_at.is_(None))
                .values(revoked_at=at)
                .returning(table.id)
            ).all()
        )
        for table in (SignIn, Device)
    ]
    return counts[0], counts[1]


def consents_in_force(session: Session, person_id: UUID) -> Sequence[Consent]:
    """Return the consents a person has given and not withdrawn, oldest first."""
    return session.scalars(
        select(Consent)
        .where(Consent.person_id == person_id, Consent.withdrawn_at.is_(None))
        .order_by(Consent.given_at, Consent.id)
    ).all()


def last_consents(session: Session, person_id: UUID) -> dict[Purpose, Consent]:
    """Return the last consent a person gave for each purpose, withdrawn or not."""
    rows = session.scalars(
        select(Consent)
        .ext(distinct_on(Consent.purpose))
        .where(Consent.person_id == person_id)
        .order_by(Consent.purpose, Consent.withdrawn_at.desc().nulls_first(), Consent.id)
    )
    return {Purpose(consent.purpose): consent for consent in rows}


def receipts_of(
    session: Session, person_id: UUID, *, after: tuple[datetime, UUID] | None, limit: int
) -> Sequence[ConsentReceipt]:
    """Return a person's receipts, newest first; `after` is the page before's last key."""
    statement = select(ConsentReceipt).where(ConsentReceipt.person_id == person_id)
    page = newest_first(
        statement, ConsentReceipt.occurred_at, ConsentReceipt.id, after=after, limit=limit
    )
    return session.scalars(page).all()


def purposes_of(session: Session, person_ids: Iterable[UUID]) -> dict[UUID, frozenset[Purpose]]:
    """Return what each person agrees to at the moment; those who agree to nothing are left out."""
    rows = session.execute(
        select(Consent.person_id, Consent.purpose).where(
            among(Consent.person_id, person_ids), Consent.withdrawn_at.is_(None)
        )
    )
    found: dict[UUID, set[Purpose]] = {}
    for person_id, purpose in rows:
        found.setdefault(person_id, set()).add(Purpose(purpose))
    return {person_id: frozenset(purposes) for person_id, purposes in found.items()}


def insert_consent(session: Session, consent: Consent) -> bool:
    """Store a consent unless one for the same purpose is in force already; tell whether it was."""
    stored = session.execute(
        insert(Consent)
        .values(
            id=consent.id,
            person_id=consent.person_id,
            purpose=consent.purpose,
            text_version=consent.text_version,
            language=consent.language,
            given_at=consent.given_at,
        )
        .on_conflict_do_nothing()
        .returning(Consent.id)
    )
    return stored.first() is not None


def end_consent(
    session: Session,
    person_id: UUID,
    purpose: Purpose,
    *,
    unless_version: str | None = None,
    at: datetime,
) -> Consent | None:
    """End the consent in force, unless it was given to one version of the text, and return it."""
    return session.scalars(
        update(Consent)
        .where(
            Consent.person_id == person_id,
            Consent.purpose == purpose,
            Consent.withdrawn_at.is_(None),
            Consent.text_version.is_distinct_from(unless_version),
        )
        .values(withdrawn_at=at)
        .returning(Consent)
    ).one_or_none()


HOLD = sql.SQL(
    """
    SELECT id, person_id, token_hash, places_only, followed_until,
        fix_at, fix_lon, fix_lat, fix_accuracy_m
    FROM devices WHERE {} ORDER BY id FOR NO KEY UPDATE
    """
)
# One statement for both would be planned without either index.
HOLD_BY_ID = HOLD.format(sql.SQL("id = ANY($1)")).as_bytes(None)
HOLD_BY_TOKEN = HOLD.format(sql.SQL("token_hash = ANY($1) AND revoked_at IS NULL")).as_bytes(None)


def hold_devices(session: Session, ids: Collection[UUID]) -> list[HeldDevice]:
    """Hold devices' rows until the transaction ends, so that each device's order is kept.

    Rows are locked in the order of their ids, so that two batches cannot wait for each other. What
    is read is what the row holds once it is locked, whoever else has waited for it. Revoked ones
    are held as well.
    """
    return ask(session, HOLD_BY_ID, Uuids.listed(ids), make=HeldDevice._make)()


def hold_senders(session: Session, token_hashes: Collection[bytes]) -> list[HeldDevice]:
    """Hold the rows of the devices with these tokens; unknown and revoked ones are passed over."""
    return ask(session, HOLD_BY_TOKEN, Blobs.listed(token_hashes), make=HeldDevice._make)()


def lock_devices(session: Session, device_ids: Iterable[UUID]) -> None:
    """Hold the devices' rows until the transaction ends, where nothing of them is needed."""
    hold_devices(session, set(device_ids))


def lock_people(session: Session, person_ids: Iterable[UUID]) -> None:
    """Let no one else decide about these people, or change how they are told, for now.

    Caps, duplicates and browsers are counted, so two transactions must not do it for one person at
    the same time. Whoever also holds devices, subscriptions or deliveries holds the people first.
    """
    session.execute(
        select(Person.id)
        .where(among(Person.id, person_ids))
        .order_by(Person.id)
        .with_for_update(key_share=True)
    )


def person_of_device(session: Session, device_id: UUID) -> UUID:
    """Return the id of the person a device belongs to, which never changes."""
    return session.scalars(select(Device.person_id).where(Device.id == device_id)).one()


def device_ids_of(session: Session, person_id: UUID) -> Sequence[UUID]:
    """Return the ids of a person's devices, revoked ones too."""
    return session.scalars(select(Device.id).where(Device.person_id == person_id)).all()


def person_ids_of(session: Session, device_ids: Iterable[UUID]) -> set[UUID]:
    """Return the ids of the people that devices belong to."""
    return set(
        session.scalars(select(Device.person_id).where(Device.id.in_(set(device_ids)))).all()
    )


def people_of_devices(session: Session, device_ids: Iterable[UUID]) -> dict[UUID, Person]:
    """Return the person each device belongs to, by the device's id."""
    rows = session.execute(
        select(Device.id, Person)
        .join(Person, Person.id == Device.person_id)
        .where(among(Device.id, device_ids))
    )
    return dict(rows.all())
