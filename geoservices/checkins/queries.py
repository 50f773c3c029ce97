"""What is asked of check-ins."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from geoservices.accounts.models import Device
from geoservices.checkins.models import CheckIn
from geoservices.checkins.verification import Evidence
from geoservices.database import among, newest_first


def insert_if_new(session: Session, check_in: CheckIn) -> bool:
    """Store a check-in unless its id is known; tell whether it was stored."""
    row = {column.key: getattr(check_in, column.key) for column in CheckIn.__table__.columns}
    stored = session.execute(
        insert(CheckIn).values(row).on_conflict_do_nothing().returning(CheckIn.id)
    )
    return stored.first() is not None


def by_id(session: Session, ids: Iterable[UUID]) -> dict[UUID, CheckIn]:
    """Return check-ins by their ids."""
    found = session.scalars(select(CheckIn).where(among(CheckIn.id, ids)))
    return {check_in.id: check_in for check_in in found}


def delete_check_in_of(session: Session, check_in_id: UUID, *, person_id: UUID) -> bool:
    """Delete a check-in if it is the person's; tell whether it was."""
    devices = select(Device.id).where(Device.person_id == person_id)
    gone = session.scalars(
        delete(CheckIn)
        .where(CheckIn.id == check_in_id, CheckIn.device_id.in_(devices))
        .returning(CheckIn.id)
    )
    return gone.first() is not None


def check_ins_of(
    session: Session, device_id: UUID, *, after: tuple[datetime, UUID] | None, limit: int
) -> Sequence[CheckIn]:
    """Return a device's check-ins, newest first; `after` is the page before's last key."""
    statement = select(CheckIn).where(CheckIn.device_id == device_id)
    page = newest_first(statement, CheckIn.claimed_at, CheckIn.id, after=after, limit=limit)
    return session.scalars(page).all()


def evidence_there(
    session: Session, person_id: UUID, place_id: UUID, *, since: datetime
) -> set[Evidence]:
    """Return what speaks for a person's being at a place, by their check-ins since an instant."""
    found = session.scalars(
        select(CheckIn.evidence)
        .join(Device, Device.id == CheckIn.device_id)
        .where(
            Device.person_id == person_id,
            CheckIn.place_id == place_id,
            CheckIn.claimed_at >= since,
        )
        .distinct()
    )
    return set(map(Evidence, found))


def forget(session: Session, device_ids: Iterable[UUID]) -> None:
    """Delete every check-in of devices."""
    session.execute(delete(CheckIn).where(CheckIn.device_id.in_(set(device_ids))))
