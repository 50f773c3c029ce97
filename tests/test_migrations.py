"""Migrations go up, down and up again, and the models are what they make."""

import os
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

from tests.conftest import make_database, migrate

ROOT = Path(__file__).parent.parent
SCHEMA = """
    SELECT 'column', table_name, column_name, data_type, is_nullable, column_default
    FROM information_schema.columns WHERE table_schema = 'public'
    UNION ALL
    SELECT 'index', tablename, indexname, indexdef, '', '' FROM pg_indexes
    WHERE schemaname = 'public'
    UNION ALL
    SELECT 'constraint', conrelid::regclass::text, conname, pg_get_constraintdef(oid), '', ''
    FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND conrelid <> 0
    UNION ALL
    SELECT 'trigger', tgrelid::regclass::text, tgname, pg_get_triggerdef(oid), '', ''
    FROM pg_trigger WHERE NOT tgisinternal
    UNION ALL
    SELECT 'function', '', proname, prosrc, '', '' FROM pg_proc p
    WHERE pronamespace = 'public'::regnamespace
      AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = p.oid AND deptype = 'e')
    ORDER BY 1, 2, 3
"""
OWNED_BY_EXTENSIONS = """
    SELECT c.relname, coalesce(s.n_live_tup, 0)
    FROM pg_class c JOIN pg_depend d ON d.objid = c.oid AND d.deptype = 'e'
    LEFT JOIN pg_stat_user_tables s ON s.relid = c.oid
    WHERE c.relkind IN ('r', 'v') ORDER BY 1
"""
UNDER_WAY = """
    INSERT INTO task_imports (id, organisation_id, mode, dry_run, time_zone, state, lines_count,
        lines_done, attempt_count, asked_at, due_at)
    SELECT gen_random_uuid(), id, %s, %s, time_zone, 'working', 300, 200, 1, now(), now()
    FROM organisations
"""
LIMITED = """
    WITH o AS (
      INSERT INTO organisations (id, slug, name, time_zone, created_at)
      VALUES (gen_random_uuid(), 'devon', 'Devon', 'Europe/London', now()) RETURNING id
    ), c AS (
      INSERT INTO campaigns
        (id, organisation_id, name, purpose, campaign_class, version, created_at, published_at)
      SELECT gen_random_uuid(), id, 'Tea', 'nearby', 'service', 2, now(), now() FROM o RETURNING id
    ), v AS (
      INSERT INTO campaign_versions (campaign_id, number, definition, made_at)
      SELECT c.id, said.number, said.definition::jsonb, now()
      FROM c, (VALUES
        (1, '{"audience": {"at_most": 9}}'), (2, '{"audience": {"at_most": 7}}')
      ) AS said (number, definition)
    )
    INSERT INTO campaign_seats (campaign_id, taken) SELECT id, 3 FROM c
"""
PUT_ON = """
    WITH o AS (
      INSERT INTO organisations (id, slug, name, time_zone, created_at)
      VALUES (gen_random_uuid(), 'devon', 'Devon', 'Europe/London', now()) RETURNING id
    ), p AS (
      INSERT INTO places (id, organisation_id, source, external_id, name, category, point,
        time_zone, words, digest, created_at, updated_at)
      SELECT gen_random_uuid(), id, 'hand', '1', 'Library', 'library', 'POINT(-3.5 50.7)',
        'Europe/London', '', '', now(), now() FROM o RETURNING id, organisation_id
    ), l AS (
      INSERT INTO listings (id, organisation_id, place_id, kind, title, text, evidence_needed,
        starts_at, created_at)
      SELECT gen_random_uuid(), organisation_id, id, 'event', 'Chess', '', 'inside', now(),
        '2020-01-01' FROM p RETURNING id
    )
    INSERT INTO events (id, time_zone) SELECT id, 'Europe/London' FROM l
"""


@pytest.fixture(scope="module")
def own_url(server_url: str, worker_id: str) -> Iterator[str]:
    """An empty database of these tests' own."""
    name = f"test_migrations_{worker_id}"
    yield make_database(server_url, name)
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def alembic(own_url: str, monkeypatch: pytest.MonkeyPatch) -> Config:
    """Alembic, pointed at that database as an operator would."""
    monkeypatch.setitem(os.environ, "GEOSERVICES_DATABASE_URL", own_url)
    return Config(ROOT / "alembic.ini")


def ask(url: str, question: str) -> list[tuple[object, ...]]:
    """Ask the database."""
    with psycopg.connect(url) as connection:
        return connection.execute(question.encode()).fetchall()


def test_up_down_and_up_again_comes_to_the_same(alembic: Config, own_url: str) -> None:
    """Down leaves nothing of ours behind, and nothing of the extensions' is touched."""
    migrate(own_url)
    first = ask(own_url, SCHEMA)
    extensions = ask(own_url, OWNED_BY_EXTENSIONS)

    command.downgrade(alembic, "base")
    below = ask(own_url, SCHEMA)
    migrate(own_url)

    ours = {str(row[1]) for row in below} - {str(row[0]) for row in extensions}
    assert ours <= {"alembic_version", ""}
    assert [row for row in below if row[0] in {"trigger", "function"}] == []
    assert ask(own_url, SCHEMA) == first
    assert "spatial_ref_sys" in {row[0] for row in extensions}
    assert ask(own_url, "SELECT count(*) > 8000 FROM spatial_ref_sys") == [(True,)]


def test_the_models_are_what_the_migrations_make(alembic: Config, own_url: str) -> None:
    """`alembic check`: nothing to add, change or drop."""
    migrate(own_url)

    command.check(alembic)


def test_migrating_what_is_migrated_changes_nothing(own_url: str) -> None:
    """A second start does no harm."""
    migrate(own_url)
    before = ask(own_url, SCHEMA)

    migrate(own_url)

    assert ask(own_url, SCHEMA) == before


def test_the_migrations_are_one_line(alembic: Config) -> None:
    """One beginning, one end; every step says why, and can be taken back."""
    scripts = ScriptDirectory.from_config(alembic)

    assert len(scripts.get_heads()) == len(scripts.get_bases()) == 1
    for script in scripts.walk_revisions():
        assert script.doc
        assert callable(script.module.downgrade)
        assert Path(script.path).name[:8].isdigit()


def test_an_import_under_way_is_checked_before_it_is_taken_in(
    alembic: Config, own_url: str
) -> None:
    """Before 0039 `working` was the state of files for show, too, of which nothing was kept."""
    migrate(own_url)
    command.downgrade(alembic, "0038")
    with psycopg.connect(own_url) as connection:
        connection.execute(
            "INSERT INTO organisations (id, slug, name, time_zone, created_at) "
            "VALUES (gen_random_uuid(), 'devon', 'Devon', 'Europe/London', now())"
        )
        for mode, dry_run in [("what-is-good", True), ("all-or-nothing", False)]:
            connection.execute(UNDER_WAY, (mode, dry_run))
        connection.execute(UNDER_WAY, ("what-is-good", False))

    migrate(own_url)

    states = "SELECT state, lines_done FROM task_imports ORDER BY dry_run DESC, mode"
    with psycopg.connect(own_url) as connection:
        assert connection.execute(states).fetchall() == [
            ("queued", 0),
            ("queued", 0),
            ("working", 200),
        ]
        connection.execute("DELETE FROM task_imports")
        connection.execute("DELETE FROM organisations")


def test_campaigns_go_on_telling_as_many_as_they_said(alembic: Config, own_url: str) -> None:
    """Since 0043 the number stands beside how many were told: that of the newest version."""
    migrate(own_url)
    command.downgrade(alembic, "0042")
    with psycopg.connect(own_url) as connection:
        connection.execute(LIMITED)

    migrate(own_url)

    with psycopg.connect(own_url) as connection:
        seats = connection.execute("SELECT most, taken FROM campaign_seats").fetchall()
        connection.execute("DELETE FROM campaigns")
        connection.execute("DELETE FROM organisations")
    assert seats == [(7, 3)]


def test_copies_of_events_are_older_than_the_events(alembic: Config, own_url: str) -> None:
    """Since 0045 changes are counted; before it copies had at most 1, and an earlier instant."""
    migrate(own_url)
    command.downgrade(alembic, "0044")
    with psycopg.connect(own_url) as connection:
        connection.execute(PUT_ON)

    migrate(own_url)

    counted = "SELECT revision, changed_at > created_at FROM events JOIN listings USING (id)"
    with psycopg.connect(own_url) as connection:
        found = connection.execute(counted).fetchall()
        connection.execute("DELETE FROM listings")
        connection.execute("DELETE FROM places")
        connection.execute("DELETE FROM organisations")
    assert found == [(1, True)]
