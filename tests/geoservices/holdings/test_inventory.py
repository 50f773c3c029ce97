"""The inventory leaves no table out, finds each row by an index, and explains each column."""

from collections.abc import Iterator
from itertools import pairwise

import pytest
from sqlalchemy import Column, Table
from sqlalchemy.orm import Session

from geoservices.errors import NotFound
from geoservices.holdings import queries
from geoservices.holdings.inventory import PERSON, Fate, Holding
from geoservices.holdings.kinds import INVENTORY, NOTHING
from geoservices.holdings.service import kind_named, overview
from geoservices.tables import all_tables
from tests.api.world import make_world

TABLES = all_tables().tables
KINDS = [pytest.param(holding, id=holding.kind) for holding in INVENTORY]
SMALL = {"outbox_messages", "api_keys", "place_shares"}
"""Tables whose rows are gone within seconds, or are few: an index would cost more than it saves."""


def leading(table: Table) -> Iterator[Column[object]]:
    """The first column of each index and key that has every row in it where that is not null."""
    for index in table.indexes:
        first = next(iter(index.columns))
        where = index.dialect_options["postgresql"]["where"]
        if where is None or str(where) == f"{first.name} IS NOT NULL":
            yield first
    for constraint in table.constraints:
        if hasattr(constraint, "columns") and type(constraint).__name__ in {
            "PrimaryKeyConstraint",
            "UniqueConstraint",
        }:
            yield from list(constraint.columns)[:1]


def test_every_table_is_told_of() -> None:
    """It holds something of a person, or it is said why not; a new one has to choose."""
    held = {holding.table for holding in INVENTORY}

    assert held | NOTHING.keys() == set(TABLES)
    assert held.isdisjoint(NOTHING)


def test_whatever_leads_to_a_person_is_held() -> None:
    """A table that refers to a table of somebody's is somebody's itself, by that very column.

    Of what is others' and only names the person, that need not be so.
    """
    held = {holding.table for holding in INVENTORY}
    theirs = {holding.table for holding in INVENTORY if holding.fate is Fate.DELETED}
    columns = {(holding.table, holding.column) for holding in INVENTORY}

    referring = {
        (table.name, column.name)
        for table in TABLES.values()
        for column in table.columns
        for key in column.foreign_keys
        if key.column.table.name == "people"
    }
    others = {
        table.name
        for table in TABLES.values()
        for key in table.foreign_keys
        if key.column.table.name in theirs
    }

    assert referring <= columns
    assert others <= held


@pytest.mark.parametrize("holding", KINDS)
def test_every_column_is_told_or_it_is_said_why_not(holding: Holding) -> None:
    """And what leads to the person need not be."""
    named = holding.told.keys() | holding.withheld.keys() | {holding.column}

    assert named == {column.name for column in holding.source.columns}
    assert holding.told.keys().isdisjoint(holding.withheld)


@pytest.mark.parametrize("holding", KINDS)
def test_no_secret_is_told(holding: Holding) -> None:
    """Neither a token's hash, nor a key, nor anything else of bytes."""
    told = [holding.source.c[name] for name in holding.told]

    assert [column.name for column in told if column.type.python_type is bytes] == []


@pytest.mark.parametrize("holding", KINDS)
def test_rows_are_found_by_an_index_and_in_an_order(holding: Holding) -> None:
    """So that erasing one person costs nothing for all the others."""
    column = holding.source.c[holding.column]

    assert holding.table in SMALL or column in set(leading(holding.source))
    assert not any(holding.source.c[name].nullable for name in holding.order)


def test_kinds_come_after_what_they_are_found_by() -> None:
    """Erased from the last to the first, each is found until it is gone."""
    seen = {PERSON}
    for holding in INVENTORY:
        assert set(holding.of) <= seen | {holding.kind}, holding.kind
        seen.add(holding.kind)

    assert len({holding.kind for holding in INVENTORY}) == len(INVENTORY.holdings)


def test_an_unknown_kind_is_not_found() -> None:
    """It is refused as any other address that leads nowhere."""
    with pytest.raises(NotFound):
        kind_named("secrets")


def test_one_person_is_told_of_their_own_alone(session: Session) -> None:
    """Two people with one of everything: each sees theirs, and none of the other's."""
    mine = make_world(session)
    theirs = make_world(session, slug="dorset")

    for one, other in ((mine, theirs), (theirs, mine)):
        told = str([held.newest for held in overview(session, one.person.id)])
        assert str(one.device.id) in told
        assert str(one.ids["visit_id"]) in told
        assert str(one.ids["delivery_id"]) in told
        for name in ("visit_id", "check_in_id", "notification_id", "delivery_id", "export_id"):
            assert str(other.ids[name]) not in told
        assert str(other.device.id) not in told


@pytest.mark.parametrize("holding", KINDS)
def test_pages_have_everything_once(session: Session, holding: Holding) -> None:
    """Row by row, newest first, as all at once."""
    world = make_world(session)
    every = queries.page(session, holding, world.person.id, after=None, limit=100)

    paged = []
    after = None
    while page := queries.page(session, holding, world.person.id, after=after, limit=1):
        paged += page
        after = page[-1][1]

    assert paged == every
    assert len(every) == queries.count(session, holding, world.person.id)
    assert all(newer > older for (_, newer), (_, older) in pairwise(every))
