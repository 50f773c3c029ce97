"""What is asked of the audit log."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Row, Select, column, delete, func, or_, select, table, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from geoservices.audit.chaining import BEGINNING, Act, ActorKind, Anchor, Entry
from geoservices.audit.models import AuditChain, AuditEntry

# Accounts write in the log, so the log knows nothing of accounts but where the short names are.
ORGANISATIONS = table("organisations", column("id"), column("slug"))
OF_ACTS = (
    "organisation_id",
    "at",
    "actor_kind",
    "person_id",
    "credential_id",
    "role",
    "action",
    "rights",
    "subjects",
    "status",
    "request_id",
    "detail",
)
"""The columns of an entry that say what somebody did."""
COLUMNS = tuple(AuditEntry.__table__.columns)


class Chain(NamedTuple):
    """Where a chain begins and ends; `slug` is its organisation's, None the installation's own."""

    id: UUID
    organisation_id: UUID | None
    slug: str | None
    head: Anchor
    before: Anchor
    """The last entry that was pruned; number 0 of none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which entries somebody asks for; None asks for all."""

    since: datetime | None = None
    until: datetime | None = None
    actor_id: UUID | None = None
    """A person, or what they came by."""
    action: str | None = None
    subject: str | None = None
    """As `kind:id`."""


def lock_head(session: Session, chain_id: UUID) -> Anchor | None:
    """Let nobody else write in a chain until the transaction ends; None if there is no such."""
    row = session.execute(
        select(AuditChain.last_number, AuditChain.last_hash)
        .where(AuditChain.id == chain_id)
        .with_for_update(key_share=True)
    ).one_or_none()
    return None if row is None else Anchor(number=row.last_number, hash=row.last_hash)


def begin_chain(session: Session, chain_id: UUID, organisation_id: UUID | None) -> None:
    """Make an empty chain, unless somebody else just has."""
    session.execute(
        insert(AuditChain)
        .values(
            id=chain_id,
            organisation_id=organisation_id,
            last_number=0,
            last_hash=BEGINNING,
            first_number=1,
            before_hash=BEGINNING,
        )
        .on_conflict_do_nothing()
    )


def append(session: Session, entries: Sequence[Entry]) -> None:
    """Store entries that follow one another at the end of a chain whose head is locked."""
    session.execute(insert(AuditEntry), [_values(entry) for entry in entries])
    last = entries[-1]
    session.execute(
        update(AuditChain)
        .where(AuditChain.id == last.chain_id)
        .values(last_number=last.number, last_hash=last.hash)
        .execution_options(synchronize_session=False)
    )


def chains(session: Session, *, slug: str | None = None) -> list[Chain]:
    """Return the chains there are, the installation's own first, or the one of an organisation."""
    statement = (
        select(AuditChain, ORGANISATIONS.c.slug)
        .outerjoin(ORGANISATIONS, ORGANISATIONS.c.id == AuditChain.organisation_id)
        .order_by(ORGANISATIONS.c.slug.nulls_first())
        .execution_options(populate_existing=True)
    )
    if slug is not None:
        statement = statement.where(ORGANISATIONS.c.slug == slug)
    return [
        Chain(
            id=row.AuditChain.id,
            organisation_id=row.AuditChain.organisation_id,
            slug=row.slug,
            head=Anchor(number=row.AuditChain.last_number, hash=row.AuditChain.last_hash),
            before=Anchor(number=row.AuditChain.first_number - 1, hash=row.AuditChain.before_hash),
        )
        for row in session.execute(statement)
    ]


def chain(session: Session, chain_id: UUID) -> Chain:
    """Return a chain that is known to exist, as it is now."""
    return next(chain for chain in chains(session) if chain.id == chain_id)


def entries_after(
    session: Session, chain_id: UUID, number: int, *, limit: int, wanted: Wanted | None = None
) -> list[Entry]:
    """Return the next entries of a chain, oldest first."""
    statement = _asking(chain_id, wanted or Wanted()).where(AuditEntry.number > number)
    rows = session.execute(statement.order_by(AuditEntry.number).limit(limit))
    return [_entry(row) for row in rows]


def entries_before(
    session: Session, chain_id: UUID, number: int | None, *, limit: int, wanted: Wanted
) -> list[Entry]:
    """Return a page of a chain's entries, newest first, beginning before the one of a number."""
    statement = _asking(chain_id, wanted)
    if number is not None:
        statement = statement.where(AuditEntry.number < number)
    rows = session.execute(statement.order_by(AuditEntry.number.desc()).limit(limit))
    return [_entry(row) for row in rows]


def last_before(session: Session, chain_id: UUID, before: datetime) -> int:
    """Return the number up to which all entries of a chain are older than an instant.

    The last entry of all is never counted in: a chain keeps its end.
    """
    first_kept = select(func.min(AuditEntry.number)).where(
        AuditEntry.chain_id == chain_id, AuditEntry.at >= before
    )
    last = select(AuditChain.last_number).where(AuditChain.id == chain_id)
    return (session.scalar(first_kept) or session.scalars(last).one()) - 1


def prune(session: Session, chain_id: UUID, number: int) -> None:
    """Let a chain begin after the entry of a number, and remove what is before."""
    hash_ = select(AuditEntry.hash).where(
        AuditEntry.chain_id == chain_id, AuditEntry.number == number
    )
    session.execute(
        update(AuditChain)
        .where(AuditChain.id == chain_id)
        .values(first_number=number + 1, before_hash=hash_.scalar_subquery())
        .execution_options(synchronize_session=False)
    )
    session.execute(
        delete(AuditEntry)
        .where(AuditEntry.chain_id == chain_id, AuditEntry.number <= number)
        .execution_options(synchronize_session=False)
    )


def _asking(chain_id: UUID, wanted: Wanted) -> Select[Any]:
    statement = select(*COLUMNS).where(AuditEntry.chain_id == chain_id)
    if wanted.since is not None:
        statement = statement.where(AuditEntry.at >= wanted.since)
    if wanted.until is not None:
        statement = statement.where(AuditEntry.at < wanted.until)
    if wanted.actor_id is not None:
        statement = statement.where(
            or_(
                AuditEntry.person_id == wanted.actor_id,
                AuditEntry.credential_id == wanted.actor_id,
            )
        )
    if wanted.action is not None:
        statement = statement.where(AuditEntry.action == wanted.action)
    if wanted.subject is not None:
        statement = statement.where(AuditEntry.subjects.contains([wanted.subject]))
    return statement


def _values(entry: Entry) -> dict[str, Any]:
    act = {name: getattr(entry.act, name) for name in OF_ACTS}
    return {
        **act,
        "rights": list(entry.act.rights),
        "subjects": list(entry.act.subjects),
        "detail": dict(entry.act.detail),
        "chain_id": entry.chain_id,
        "number": entry.number,
        "previous_hash": entry.previous_hash,
        "hash": entry.hash,
    }


def _entry(row: Row[Any]) -> Entry:
    told = row._asdict()
    act = {name: told[name] for name in OF_ACTS}
    act["actor_kind"] = ActorKind(act["actor_kind"])
    act["rights"], act["subjects"] = tuple(act["rights"]), tuple(act["subjects"])
    return Entry(
        chain_id=row.chain_id,
        number=row.number,
        act=Act(**act),
        previous_hash=row.previous_hash,
        hash=row.hash,
    )
