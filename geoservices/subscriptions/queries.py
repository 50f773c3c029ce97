"""What is asked of subscriptions.

Whoever holds several rows holds them in the order of their ids, after its person's and before its
deliveries, so that nobody waits for someone who waits for them.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Select, delete, func, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from geoservices.accounts.models import Device
from geoservices.arrays import Instants, Integers, Texts, Uuids
from geoservices.database import among
from geoservices.subscriptions.models import EndedReason, Subscription
from geoservices.trips import send


class Result(NamedTuple):
    """How a push to a subscription ended: accepted, or failed for a reason of the sender's."""

    subscription_id: UUID
    at: datetime
    failure: str | None = None


@dataclass(slots=True)
class _Sum:
    """What several results of one subscription come to."""

    accepted_count: int = 0
    first_accepted_at: datetime | None = None
    last_accepted_at: datetime | None = None
    failed_at: datetime | None = None
    failure: str | None = None


UNHEARD = {"accepted_unseen": 0, "unseen_since": None}
"""How a subscription stands after a sign of life."""
UNTOLD = {
    "last_accepted_at": None,
    "last_shown_at": None,
    "last_failure_at": None,
    "last_failure_reason": None,
}
"""How it stands before anything was sent to it."""

# The rows are locked in the order of their ids; UPDATE alone would take them as they lie.
RECORD = b"""
    WITH held AS (
        SELECT id FROM subscriptions WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE
    )
    UPDATE subscriptions AS old SET
        last_accepted_at = greatest(old.last_accepted_at, new.last_accepted_at),
        accepted_unseen = old.accepted_unseen + new.accepted_count,
        unseen_since = coalesce(old.unseen_since, new.first_accepted_at),
        last_failure_at = greatest(old.last_failure_at, new.failed_at),
        last_failure_reason = CASE
            WHEN new.failed_at >= coalesce(old.last_failure_at, '-infinity') THEN new.failure
            ELSE old.last_failure_reason
        END
    FROM held JOIN unnest($1, $2, $3, $4, $5, $6) AS new (
        id, accepted_count, first_accepted_at, last_accepted_at, failed_at, failure
    ) ON new.id = held.id
    WHERE old.id = held.id
"""
SEEN = b"""
    WITH held AS (
        SELECT id FROM subscriptions WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE
    )
    UPDATE subscriptions AS old
    SET last_shown_at = greatest(old.last_shown_at, $2[1]), accepted_unseen = 0, unseen_since = NULL
    FROM held WHERE old.id = held.id
"""


def hold_for(
    session: Session, person_id: UUID, endpoint_hashes: Collection[bytes]
) -> Sequence[Subscription]:
    """Hold the person's living subscriptions, and those at the endpoints, whosever they are.

    Those on revoked devices are not held for their person.
    """
    wanted = (
        select(Subscription.id)
        .join(Device, Device.id == Subscription.device_id)
        .where(
            Device.person_id == person_id,
            Device.revoked_at.is_(None),
            Subscription.ended_at.is_(None),
        )
        .union(select(Subscription.id).where(Subscription.endpoint_hash.in_(endpoint_hashes)))
    )
    return session.scalars(
        select(Subscription)
        .where(Subscription.id.in_(wanted))
        .order_by(Subscription.id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).all()


def upsert_subscription(
    session: Session, row: dict[str, Any], *, anew: bool = False
) -> Subscription:
    """Store a subscription; a known endpoint takes the new device and keys and lives again.

    Args:
        session: The session.
        row: Its columns.
        anew: Whether a known one begins without a past, since it was someone else's, or was made
            with another key: what was taken with one says nothing of another.
    """
    statement = insert(Subscription).values(row)
    taken = ("device_id", "p256dh", "auth", "vapid_key", "updated_at")
    stored = session.scalars(
        statement.on_conflict_do_update(
            index_elements=[Subscription.endpoint_hash],
            set_={
                **{name: statement.excluded[name] for name in taken},
                "ended_at": None,
                "ended_reason": None,
                "replaced_by": None,
                **UNHEARD,
                **(UNTOLD if anew else {}),
            },
        ).returning(Subscription),
        execution_options={"populate_existing": True},
    )
    return stored.one()


def renew(session: Session, endpoint_hash: bytes, *, device_id: UUID, at: datetime) -> None:
    """Note that the browser behind a living subscription of a device's is there."""
    session.execute(
        update(Subscription)
        .where(
            Subscription.endpoint_hash == endpoint_hash,
            Subscription.device_id == device_id,
            Subscription.ended_at.is_(None),
        )
        .values(updated_at=at, **UNHEARD)
    )


def subscriptions_of_device(
    session: Session, device_id: UUID, *, ended_since: datetime | None = None
) -> Sequence[Subscription]:
    """Return a device's living subscriptions, and those that ended since the instant given."""
    living = Subscription.ended_at.is_(None)
    wanted = living if ended_since is None else living | (Subscription.ended_at >= ended_since)
    return session.scalars(
        select(Subscription)
        .where(Subscription.device_id == device_id, wanted)
        .order_by(Subscription.created_at, Subscription.id)
    ).all()


def subscriptions_of_people(session: Session, person_ids: Iterable[UUID]) -> dict[UUID, list[UUID]]:
    """Return the ids of each person's living subscriptions on devices that are not revoked."""
    rows = session.execute(
        select(Device.person_id, Subscription.id)
        .join(Device, Device.id == Subscription.device_id)
        .where(
            among(Device.person_id, person_ids),
            Device.revoked_at.is_(None),
            Subscription.ended_at.is_(None),
        )
        .order_by(Subscription.created_at)
    )
    found: dict[UUID, list[UUID]] = {}
    for person_id, subscription_id in rows:
        found.setdefault(person_id, []).append(subscription_id)
    return found


def devices_pushed_to(session: Session, person_id: UUID) -> set[UUID]:
    """Return which of a person's devices have a living subscription."""
    rows = session.scalars(
        select(Subscription.device_id).where(
            Subscription.device_id.in_(_devices_of(person_id)), Subscription.ended_at.is_(None)
        )
    )
    return set(rows)


def owners_of(session: Session, subscription_ids: Iterable[UUID]) -> dict[UUID, UUID]:
    """Return the person behind each subscription; those on revoked devices are left out."""
    rows = session.execute(
        select(Subscription.id, Device.person_id)
        .join(Device, Device.id == Subscription.device_id)
        .where(Subscription.id.in_(set(subscription_ids)), Device.revoked_at.is_(None))
    )
    return dict(rows.all())


def subscription_by_id(session: Session, subscription_id: UUID) -> Subscription | None:
    """Return a subscription."""
    return session.get(Subscription, subscription_id)


def living_by_key(session: Session) -> dict[str, int]:
    """Count the living subscriptions on devices that are not revoked, by their VAPID keys."""
    rows = session.execute(
        select(Subscription.vapid_key, func.count())
        .join(Device, Device.id == Subscription.device_id)
        .where(Subscription.ended_at.is_(None), Device.revoked_at.is_(None))
        .group_by(Subscription.vapid_key)
    )
    return dict(rows.all())


def unrenewed(
    session: Session, *, before: datetime, after: UUID | None, limit: int
) -> Sequence[Subscription]:
    """Hold living subscriptions that were not renewed since, in the order of their ids.

    Those that somebody else holds are passed over.

    Args:
        session: The session.
        before: When the last renewal was, at the latest.
        after: The last id of the round before; None for the first round.
        limit: The most to hold at once.
    """
    wanted = select(Subscription).where(
        Subscription.ended_at.is_(None), Subscription.updated_at <= before
    )
    if after is not None:
        wanted = wanted.where(Subscription.id > after)
    return session.scalars(
        wanted.order_by(Subscription.id)
        .limit(limit)
        .with_for_update(key_share=True, skip_locked=True)
    ).all()


def end_subscriptions(
    session: Session, gone: Iterable[tuple[UUID, bytes, bytes]], *, at: datetime
) -> None:
    """End subscriptions that are gone, each with the keys `p256dh` and `auth` that were used.

    One that has other keys by now was renewed meanwhile and lives on. They are locked in the
    order of their ids, so that two jobs with the same ones do not wait for each other.
    """
    keys = tuple_(Subscription.id, Subscription.p256dh, Subscription.auth)
    ids = session.scalars(
        select(Subscription.id)
        .where(keys.in_(list(gone)), Subscription.ended_at.is_(None))
        .order_by(Subscription.id)
        .with_for_update(key_share=True)
    ).all()
    session.execute(
        update(Subscription)
        .where(Subscription.id.in_(ids))
        .values(ended_at=at, ended_reason=EndedReason.GONE)
    )


def revive(
    session: Session, origin: str, vapid_key: str, *, ended_since: datetime
) -> Sequence[UUID]:
    """Let the subscriptions at a push service live again that it called gone, and that we doubt.

    Those whose browser has a new one stay ended. Those that somebody else holds are passed over;
    they are being renewed, or pushed to in vain.

    Returns:
        The ids of those that live again.
    """
    ended = (
        select(Subscription.id)
        .where(
            Subscription.ended_reason == EndedReason.GONE,
            Subscription.ended_at >= ended_since,
            Subscription.replaced_by.is_(None),
            Subscription.vapid_key == vapid_key,
            Subscription.endpoint.startswith(f"{origin}/", autoescape=True),
        )
        .with_for_update(key_share=True, skip_locked=True)
    )
    return session.scalars(
        update(Subscription)
        .where(Subscription.id.in_(ended))
        .values(ended_at=None, ended_reason=None)
        .returning(Subscription.id)
    ).all()


def record_results(session: Session, results: Iterable[Result]) -> None:
    """Write down how pushes ended, in one statement; call it before deliveries are locked."""
    sums: dict[UUID, _Sum] = {}
    for result in results:
        _add(sums.setdefault(result.subscription_id, _Sum()), result)
    if sums:
        send(
            session,
            RECORD,
            Uuids.listed(sums),
            Integers.listed([one.accepted_count for one in sums.values()]),
            Instants.listed([one.first_accepted_at for one in sums.values()]),
            Instants.listed([one.last_accepted_at for one in sums.values()]),
            Instants.listed([one.failed_at for one in sums.values()]),
            Texts.listed([one.failure for one in sums.values()]),
        )


def seen(session: Session, subscription_ids: Iterable[UUID], *, at: datetime) -> None:
    """Write down that receipts came, in one statement; call it before deliveries are locked."""
    ids = set(subscription_ids)
    if ids:
        send(session, SEEN, Uuids.listed(ids), Instants.listed([at]))


def _add(sum_: _Sum, result: Result) -> None:
    if result.failure is not None:
        if sum_.failed_at is None or result.at >= sum_.failed_at:
            sum_.failed_at, sum_.failure = result.at, result.failure[:200]
        return
    sum_.accepted_count += 1
    sum_.first_accepted_at = min(sum_.first_accepted_at or result.at, result.at)
    sum_.last_accepted_at = max(sum_.last_accepted_at or result.at, result.at)


def lock_of(session: Session, person_id: UUID) -> None:
    """Hold every subscription of a person's, living or not."""
    session.execute(
        select(Subscription.id)
        .where(Subscription.device_id.in_(_devices_of(person_id)))
        .order_by(Subscription.id)
        .with_for_update()
    )


def forget(session: Session, person_id: UUID) -> None:
    """Delete every subscription of a person's, with what was sent to it."""
    session.execute(
        delete(Subscription).where(Subscription.device_id.in_(_devices_of(person_id))),
        execution_options={"synchronize_session": False},
    )


def _devices_of(person_id: UUID) -> Select[UUID]:
    return select(Device.id).where(Device.person_id == person_id)
