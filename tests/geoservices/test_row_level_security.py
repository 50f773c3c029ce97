"""PostgreSQL shows nobody what is not theirs, whatever was forgotten in a query."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from psycopg.errors import InsufficientPrivilege
from sqlalchemy import (
    CheckConstraint,
    Column,
    Connection,
    Engine,
    Executable,
    Table,
    null,
    select,
    text,
)
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.orm import Session

from geoservices.database import DatabaseRole
from geoservices.listings.models import ListingKind
from geoservices.scopes import EVERYWHERE, NOTHING, Scope, set_scope
from geoservices.tables import all_tables
from tests.factories import NOON

TABLES = all_tables().tables
WHOSE = {"organisation_id", "person_id", "device_id"}
OF_THE_LOG = {"audit_chains", "audit_entries"}
"""What callers may not write at all (tests/geoservices/audit/)."""
GUARDED = sorted(
    name
    for name, table in TABLES.items()
    if WHOSE & set(table.columns.keys()) and name not in OF_THE_LOG
)
OF_ORGANISATIONS = [name for name in GUARDED if "organisation_id" in TABLES[name].columns]
PUBLIC = {"places", "listings", "topics"}
"""What everyone may see, and only its organisation may change."""
BY_PERSON = {"decisions", "interests", "notifications", "redemptions"}
"""What an organisation is not shown though it is about its things."""
OF_MEMBERS = {"devices", "sign_ins", "team_members"}
"""What an organisation is shown of its members."""
COMMANDS = ("SELECT", "INSERT", "UPDATE", "DELETE")
EXAMPLES: dict[type, Callable[[int], object]] = {
    UUID: lambda _: uuid4(),
    str: str,
    int: int,
    bytes: lambda number: bytes([number]),
    datetime: lambda number: NOON + timedelta(days=number),
    date: lambda number: NOON.date() + timedelta(days=number),
}
"""Values of primary keys, by the number of a row."""
LACKING = """
SELECT relname FROM pg_class JOIN pg_namespace AS n ON n.oid = relnamespace
WHERE nspname = 'public' AND relname = ANY(:tables) AND NOT (relrowsecurity AND relforcerowsecurity)
"""
POLICIES = """
SELECT tablename, cmd, roles::text[] FROM pg_policies WHERE schemaname = 'public'
"""
HOW_TO = """
A table with rows of somebody's needs policies; the migration that makes it says:
    ALTER TABLE {0} ENABLE ROW LEVEL SECURITY;
    ALTER TABLE {0} FORCE ROW LEVEL SECURITY;
    CREATE POLICY everywhere ON {0} TO geoservices_service USING (true);
    CREATE POLICY within ON {0} TO geoservices_caller
        USING (organisation_id = (SELECT caller_organisation()));
docs/decisions/0035 has the other conditions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Whose a row is; `of` is None for a citizen, who was somewhere of an organisation's."""

    person_id: UUID
    device_id: UUID
    organisation_id: UUID
    of: UUID | None

    def row(self, table: Table) -> dict[str, object]:
        """What a row of theirs says of whose it is."""
        told: dict[str, object] = {
            name: getattr(self, name) for name in WHOSE & set(table.c.keys())
        }
        if table.name == "people":
            return {"id": self.person_id, "organisation_id": self.of}
        return told | ({"id": self.device_id} if table.name == "devices" else {})


DEVON, DORSET = uuid4(), uuid4()
MEMBER, OTHER_MEMBER, CITIZEN, OTHER_CITIZEN = HOLDERS = [
    Holder(person_id=uuid4(), device_id=uuid4(), organisation_id=organisation_id, of=of)
    for of in (DEVON, DORSET, None)
    for organisation_id in ([of] if of else [DEVON, DORSET])
]
SCOPES = {
    "nobody": NOTHING,
    "a machine of Devon's": Scope(organisation_id=DEVON),
    "a member of Devon's": Scope(organisation_id=DEVON, person_id=MEMBER.person_id),
    "a citizen": Scope(person_id=CITIZEN.person_id),
    "everybody": EVERYWHERE,
}


def is_theirs(table: Table, holder: Holder, scope: Scope) -> bool:
    """Tell whether a row is the organisation's that a scope names, or the person's."""
    columns = holder.row(table)
    organisation_id = columns.get("organisation_id") if table.name not in BY_PERSON else None
    if table.name in OF_MEMBERS:
        organisation_id = holder.of
    of_organisation = organisation_id is not None and organisation_id == scope.organisation_id
    names_person = table.name == "people" or {"person_id", "device_id"} & set(columns)
    of_person = bool(names_person) and holder.person_id == scope.person_id
    return scope == EVERYWHERE or of_organisation or of_person


def rows(table: Table, holders: Iterable[Holder]) -> set[tuple[object, ...]]:
    """What is told of holders' rows of a table."""
    return {tuple(value for _, value in sorted(holder.row(table).items())) for holder in holders}


@pytest.fixture
def outer(owner: Engine) -> Iterator[Connection]:
    """A transaction of the owner's, in which one row of each holder's is enough for a table."""
    with owner.connect() as connection:
        outer = connection.begin()
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        yield connection
        outer.rollback()


def fill(connection: Connection, *names: str) -> None:
    """Put a row of each holder's into tables; nothing but whose it is matters here."""
    for table in map(TABLES.__getitem__, names):
        changes = [
            f"DROP CONSTRAINT {constraint.name}"
            for constraint in table.constraints
            if isinstance(constraint, CheckConstraint)
        ] + [
            f"ALTER {column.name} DROP NOT NULL"
            for column in table.columns
            if not (column.primary_key or column.nullable or column.identity)
        ]
        if changes:
            connection.exec_driver_sql(f"ALTER TABLE {table.name} {', '.join(changes)}")
        for number, holder in enumerate(HOLDERS):
            add(connection, table, holder, number)


def add(connection: Connection, table: Table, holder: Holder, number: int) -> None:
    """Insert a holder's row."""
    told = {
        column.name: EXAMPLES[column.type.python_type](number)
        for column in table.primary_key
        if column.identity is None
    }
    values = {name: null() for name in list(table.c.keys())} | told | holder.row(table)
    if table.name == "listings":
        values["kind"] = ListingKind.OFFER
    for column in table.columns:
        if column.computed is not None or column.identity is not None:
            del values[column.name]
    connection.execute(table.insert().values(values))


def seen(connection: Connection, statement: Executable, scope: Scope) -> set[tuple[object, ...]]:
    """Run a statement in a scope, undo it, and return what it told."""
    with connection.begin_nested() as savepoint:
        set_scope(connection, scope)
        try:
            return {tuple(row) for row in connection.execute(statement)}
        finally:
            savepoint.rollback()


def telling(table: Table) -> list[Column[Any]]:
    """The columns that say whose a row is, in the order of `rows`."""
    return [table.c[name] for name in sorted(HOLDERS[0].row(table))]


def test_every_table_of_somebodys_is_guarded(session: Session) -> None:
    """Row-level security is on and forced, and there is a policy for each role and command."""
    lacking = set(session.scalars(text(LACKING), {"tables": GUARDED}))
    commands: dict[tuple[str, str], set[str]] = defaultdict(set)
    for name, command, roles in session.execute(text(POLICIES)):
        for role in roles:
            commands[name, role] |= set(COMMANDS) if command == "ALL" else {command}
    for name in GUARDED:
        for role in (DatabaseRole.SERVICE, DatabaseRole.CALLER):
            if commands[name, role] != set(COMMANDS):
                lacking.add(name)

    assert not lacking, "".join(map(HOW_TO.format, sorted(lacking)))


@pytest.mark.parametrize("name", GUARDED)
def test_without_a_filter_everyone_is_shown_only_what_is_theirs(
    outer: Connection, name: str
) -> None:
    """`SELECT`, `UPDATE` and `DELETE` of a whole table reach the caller's rows and no others."""
    table = TABLES[name]
    fill(outer, *{"people", "devices", name})
    [unchanged, *_] = telling(table)
    update = table.update().values({unchanged.name: unchanged}).returning(*telling(table))

    for called, scope in SCOPES.items():
        theirs = rows(table, [one for one in HOLDERS if is_theirs(table, one, scope)])
        if name in PUBLIC:
            changeable = rows(
                table, [one for one in HOLDERS if one.organisation_id == scope.organisation_id]
            )
            changeable = theirs if scope == EVERYWHERE else changeable
            visible = rows(table, HOLDERS)
        else:
            changeable = visible = theirs

        assert seen(outer, select(*telling(table)), scope) == visible, called
        assert seen(outer, update, scope) == changeable, called
        delete = table.delete().returning(*telling(table))
        assert seen(outer, delete, scope) == changeable, called


@pytest.mark.parametrize("name", GUARDED)
def test_nothing_can_be_put_where_it_is_anothers(outer: Connection, name: str) -> None:
    """An `INSERT` for another organisation's, or another person, is refused."""
    table = TABLES[name]
    fill(outer, *{"people", "devices", name})
    outer.execute(table.delete())

    for called in ("nobody", "a member of Devon's", "a citizen"):
        with outer.begin_nested() as savepoint:
            set_scope(outer, SCOPES[called])
            with pytest.raises(ProgrammingError) as refusal, outer.begin_nested():
                add(outer, table, OTHER_MEMBER, number=9)
            savepoint.rollback()

        assert isinstance(refusal.value.orig, InsufficientPrivilege), called


@pytest.mark.parametrize("name", sorted(set(OF_ORGANISATIONS) - {"people"}))
def test_nothing_can_be_handed_to_another_organisation(outer: Connection, name: str) -> None:
    """Not even one's own."""
    table = TABLES[name]
    fill(outer, *{"people", "devices", name})

    with outer.begin_nested():
        set_scope(outer, SCOPES["a machine of Devon's"])
        with suppress(ProgrammingError), outer.begin_nested():
            outer.execute(table.update().values(organisation_id=DORSET))

    assert seen(outer, select(*telling(table)), EVERYWHERE) == rows(table, HOLDERS)
