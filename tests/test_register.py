"""The register of personal data says something of every column, and says what the models say."""

from pathlib import Path

import pytest
from sqlalchemy import Column, Integer, MetaData, String, Table

from geoservices.register import KEY, Basis, Entry, about, entry_of, not_personal, personal
from geoservices.register_page import page
from geoservices.settings.service import Settings
from geoservices.tables import all_tables

REGISTER = Path(__file__).parent.parent / "docs/register.md"
PEOPLE = {"people", "devices"}
"""Whatever leads to these is about somebody."""
POINTERS = ("person_id", "device_id", "member_id", "sign_in_id")
"""Names of columns that lead to people without a foreign key."""


def said_of(column: Column[str], info: dict[str, object]) -> Entry | None:
    """What the register says of a column of a table."""
    table = Table("things", MetaData(), column, info=info)
    return entry_of(table.columns[column.name].info, table.info)


def leading_to_people() -> set[str]:
    """The tables whose rows belong to somebody, by however many foreign keys."""
    found = set(PEOPLE)
    tables = all_tables().tables.values()
    while True:
        more = {
            table.name
            for table in tables
            for key in table.foreign_keys
            if key.column.table.name in found and key.ondelete == "CASCADE"
        } | {table.name for table in tables if set(POINTERS) & set(table.columns.keys())}
        if more <= found:
            return found
        found |= more


def test_the_page_is_what_the_models_say() -> None:
    """`python -m geoservices.register_page > docs/register.md` was run; no column is left out."""
    assert REGISTER.read_text("utf-8") == page(all_tables())


def test_what_belongs_to_people_is_personal() -> None:
    """No table that leads to a person says as a whole that it holds nothing of anybody."""
    careless = {
        name for name in leading_to_people() if all_tables().tables[name].info.get(KEY) is None
    }

    assert careless == set()


def test_a_column_that_points_at_people_is_personal() -> None:
    """Wherever it is: who made something is something of theirs."""
    pointing = [
        (table.name, column.name)
        for table in all_tables().tables.values()
        for column in table.columns
        if column.name in POINTERS
        or {key.column.table.name for key in column.foreign_keys} & PEOPLE
    ]

    assert len(pointing) > 10
    for table, name in pointing:
        found = all_tables().tables[table]
        assert entry_of(found.columns[name].info, found.info) is not None, f"{table}.{name}"


def test_retention_names_settings_that_exist() -> None:
    """By their paths."""
    for table in all_tables().tables.values():
        for column in table.columns:
            entry = entry_of(column.info, table.info)
            if entry is not None and entry.kept.setting is not None:
                group, member = entry.kept.setting.split(".")
                assert member in type(Settings.model_fields[group].default).model_fields


def test_a_column_that_says_nothing_is_found() -> None:
    """With its name, where the page is made."""
    metadata = MetaData()
    Table(
        "things",
        metadata,
        Column("id", Integer, info=not_personal),
        Column("name", String),
        info=about(purpose="know them", basis=Basis.PUBLIC_TASK),
    )

    with pytest.raises(LookupError, match=r"things\.name"):
        page(metadata)


@pytest.mark.parametrize(
    ("column", "table"),
    [({}, {}), ({}, about(purpose="x", basis=Basis.CONSENT)), (personal("a name"), {})],
    ids=["nothing", "nothing but the table", "not what for"],
)
def test_what_is_not_whole_is_refused(column: dict[str, object], table: dict[str, object]) -> None:
    """A column of a table about people says what it holds, and something says what for."""
    with pytest.raises(LookupError):
        said_of(Column("name", String, info=column), info=table)


def test_a_column_may_differ_from_its_table() -> None:
    """It says so itself, and the table says the rest."""
    common = about(purpose="know them", basis=Basis.PUBLIC_TASK)
    own = personal("a name", basis=Basis.CONSENT, special=True)

    entry = said_of(Column("name", String, info=own), info=common)
    none = said_of(Column("name", String, info=not_personal), info=common)

    assert entry is not None
    assert (entry.purpose, entry.basis, entry.special) == ("know them", Basis.CONSENT, True)
    assert none is None
    assert said_of(Column("name", String), info=not_personal) is None
