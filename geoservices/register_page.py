"""The page docs/register.md: `python -m geoservices.register_page > docs/register.md`."""

import sys
from collections.abc import Iterator
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import MetaData, Table

from geoservices.register import Entry, Kept, entry_of
from geoservices.settings.service import Settings
from geoservices.tables import all_tables

HEAD = """\
# The register of personal data

Every column that holds something of a person, what it is for, which legal basis it stands on and
how long it is kept. It is the record of processing that Article 30 of the UK GDPR asks for, as
far as software can write it: the organisation adds who it is, whom it shares with and where its
servers stand. The [assessment](dpia.md) and the [privacy notice](privacy-notice.md) refer to it.

It is generated from what the models say of their columns, and a test fails when a column says
nothing: `python -m geoservices.register_page > docs/register.md`.

"Special" marks what may reveal health, belief and the like of whoever was at a place or was told
of it (Article 9). It rests on explicit consent, Article 9(2)(a). Where the basis is consent, the
person was asked in plain words, and withdrawing ends what rests on it.

"""


def page(metadata: MetaData) -> str:
    """Return the page, with a section for each table that holds personal data.

    Raises:
        LookupError: A column says nothing of itself.
    """
    tables = sorted(metadata.tables.values(), key=lambda table: table.name)
    entries = {table: list(_entries(table)) for table in tables}
    held = {table: found for table, found in entries.items() if found}
    nothing = [f"`{table.name}`" for table, found in entries.items() if not found]
    return "".join(
        [
            HEAD,
            "## How long it is kept\n\n",
            "| table | kept | setting |\n| --- | --- | --- |\n",
            *(line for table, found in held.items() for line in _retention(table, found)),
            f"\nNothing of anybody is in {', '.join(nothing)}.\n",
            *(part for table, found in held.items() for part in _section(table, found)),
        ]
    )


def _entries(table: Table) -> Iterator[tuple[str, Entry]]:
    for column in table.columns:
        try:
            entry = entry_of(column.info, table.info)
        except LookupError as error:
            raise LookupError(f"{table.name}.{column.name}: {error}") from error
        if entry is not None:
            yield column.name, entry


def _retention(table: Table, entries: list[tuple[str, Entry]]) -> Iterator[str]:
    columns_by_kept: dict[Kept, list[str]] = {}
    for name, entry in entries:
        columns_by_kept.setdefault(entry.kept, []).append(name)
    most = max(columns_by_kept, key=lambda kept: len(columns_by_kept[kept]))
    for kept, names in columns_by_kept.items():
        some = "" if kept == most else f": {', '.join(f'`{name}`' for name in names)}"
        setting = "" if kept.setting is None else _setting(kept.setting)[0]
        yield f"| `{table.name}`{some} | {_told(kept)} | {setting} |\n"


def _section(table: Table, entries: list[tuple[str, Entry]]) -> Iterator[str]:
    yield f"\n## {table.name}\n\n"
    yield "| column | holds | special | to | basis | kept |\n"
    yield "| --- | --- | --- | --- | --- | --- |\n"
    for name, entry in entries:
        special = "yes" if entry.special else ""
        kept = _told(entry.kept)
        yield (
            f"| `{name}` | {entry.what} | {special} | {entry.purpose} | {entry.basis} | {kept} |\n"
        )


def _told(kept: Kept) -> str:
    return kept.words if kept.setting is None else f"{_setting(kept.setting)[1]} {kept.words}"


def _setting(path: str) -> tuple[str, str]:
    """Return a setting's name in the environment, and its default as it would stand there."""
    *groups, member = path.split(".")
    model: Any = Settings
    for group in groups:
        model = model.model_fields[group].annotation
    field = model.model_fields[member]
    default = TypeAdapter(field.annotation).dump_json(field.default).decode().strip('"')
    name = f"{Settings.model_config['env_prefix']}{'__'.join([*groups, member]).upper()}"
    return f"`{name}`", f"`{default}`"


if __name__ == "__main__":
    sys.stdout.write(page(all_tables()))
