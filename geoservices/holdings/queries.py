"""What is asked of whatever is held about one person, by the inventory and in no other way."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, Table, delete, func, or_, select, tuple_, update
from sqlalchemy.orm import Session

from geoservices.accounts.models import Organisation
from geoservices.holdings.inventory import NAMED, PERSON, Fate, Holding
from geoservices.holdings.kinds import INVENTORY
from geoservices.places.models import Place

Told = Mapping[str, Any]
"""A row as its person sees it, by the names of its columns."""
Key = tuple[Any, ...]
"""What a row's `Holding.order` columns hold."""

NAMES = {
    "place_id": (Place.id, Place.name),
    "organisation_id": (Organisation.id, Organisation.name),
}
"""Where the names are that `NAMED` numbers are told with."""


def count(session: Session, holding: Holding, person_id: UUID) -> int:
    """Count the rows of a kind that are a person's."""
    rows = select(func.count()).select_from(holding.source).where(found(holding, person_id))
    return session.scalars(rows).one()


def page(
    session: Session, holding: Holding, person_id: UUID, *, after: Key | None, limit: int
) -> list[tuple[Told, Key]]:
    """Return rows of a kind that are a person's, newest first, each with its key.

    Args:
        session: The session.
        holding: The kind.
        person_id: Whose they are.
        after: The key of the last row of the page before; None for the first page.
        limit: The most rows.
    """
    statement = _newest_first(holding, person_id).limit(limit)
    if after is not None:
        statement = statement.where(tuple_(*_order(holding)) < after)
    return [(_told(row), _key(holding, row)) for row in session.execute(statement).mappings()]


def stream(
    session: Session, holding: Holding, person_id: UUID, *, at_once: int
) -> Iterator[Sequence[Told]]:
    """Yield all rows of a kind that are a person's, newest first, so many at once."""
    statement = _newest_first(holding, person_id).execution_options(yield_per=at_once)
    for some in session.execute(statement).mappings().partitions():
        yield [_told(row) for row in some]


def erase_some(
    session: Session, holding: Holding, person_id: UUID, *, limit: int, skip_locked: bool = False
) -> int:
    """Erase up to so many rows of a kind that are a person's; return how many.

    Args:
        session: The session.
        holding: The kind.
        person_id: Whose they are; rows of others are not locked.
        limit: The most rows.
        skip_locked: Whether to pass over what somebody else holds.
    """
    table = holding.source
    if holding.table == PARTITIONED:
        some = _oldest_of_one_device(session, holding, person_id, limit)
    else:
        key = list(table.primary_key)
        mine = select(*key).where(found(holding, person_id)).limit(limit)
        if skip_locked:
            mine = mine.with_for_update(skip_locked=True)
        some = tuple_(*key).in_(mine)
    if holding.fate is Fate.UNNAMED:
        gone = session.execute(update(table).where(some).values({holding.column: None}))
    else:
        gone = session.execute(delete(table).where(some))
    return int(gone.rowcount)  # type: ignore[attr-defined]  # Both kinds of statement have one.


PARTITIONED = "pings"


def _oldest_of_one_device(
    session: Session, holding: Holding, person_id: UUID, limit: int
) -> ColumnElement[bool]:
    """Return the condition that a ping is one of the oldest of one of a person's devices.

    No key leads into a partition, but the index of each begins with these two columns.
    """
    device, recorded = holding.source.c.device_id, holding.source.c.recorded_at
    one = session.scalars(select(device).where(found(holding, person_id)).limit(1)).first()
    oldest = select(recorded).where(device == one).order_by(recorded).limit(limit).subquery()
    return (device == one) & (recorded <= select(func.max(oldest.c.recorded_at)).scalar_subquery())


def found(holding: Holding, person_id: UUID) -> ColumnElement[bool]:
    """Return the condition that a row of a kind is a person's."""
    column = holding.source.c[holding.column]
    ways = [
        column == person_id
        if kind == PERSON
        else column.in_(_ids(INVENTORY[kind].source, found(INVENTORY[kind], person_id)))
        for kind in holding.of
    ]
    return or_(*ways)


def _ids(table: Table, mine: ColumnElement[bool]) -> Select[tuple[UUID]]:
    return select(table.c.id).where(mine)


def _newest_first(holding: Holding, person_id: UUID) -> Select[Any]:
    table = holding.source
    columns: list[ColumnElement[Any]] = []
    for name in holding.told:
        columns.append(table.c[name])
        if name in NAMES:
            id_, name_of = NAMES[name]
            named = select(name_of).where(id_ == table.c[name]).scalar_subquery()
            columns.append(named.label(NAMED[name]))
    keys = [column.label(f"{KEY}{number}") for number, column in enumerate(_order(holding))]
    order = [column.desc() for column in _order(holding)]
    return select(*columns, *keys).where(found(holding, person_id)).order_by(*order)


KEY = "key_"
"""What the columns of a row's key are called beside those that are told."""


def _order(holding: Holding) -> list[ColumnElement[Any]]:
    return [holding.source.c[name] for name in holding.order]


def _told(row: Mapping[Any, Any]) -> Told:
    return {name: value for name, value in row.items() if not name.startswith(KEY)}


def _key(holding: Holding, row: Mapping[Any, Any]) -> Key:
    return tuple(row[f"{KEY}{number}"] for number in range(len(holding.order)))
