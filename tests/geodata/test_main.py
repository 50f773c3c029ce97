"""The command line, on a database of its own, with real commits."""

import gzip
import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import select, text, update
from typer.testing import CliRunner, Result

from geodata.__main__ import app
from geoservices.accounts.service import ensure_organisation
from geoservices.database import (
    DatabaseRole,
    SessionFactory,
    make_engine,
    make_session_factory,
    transaction,
)
from geoservices.geofences.models import Geofence
from geoservices.places.models import Place
from tests.conftest import make_migrated_database
from tests.factories import NOON

SAMPLE = Path(__file__).parents[2] / "geodata/samples/devon-libraries.geojson"


@pytest.fixture(scope="module")
def own_url(server_url: str, worker_id: str) -> str:
    """A migrated database of this module's own."""
    return make_migrated_database(server_url, f"test_geodata_{worker_id}")


@pytest.fixture
def database(own_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[SessionFactory]:
    """The module's database, holding one organisation and nothing else."""
    monkeypatch.setenv("GEOSERVICES_DATABASE_URL", own_url)
    owner, engine = make_engine(own_url, role=DatabaseRole.OWNER), make_engine(own_url)
    with owner.begin() as connection:
        connection.execute(text("TRUNCATE organisations CASCADE"))
    owner.dispose()
    sessions = make_session_factory(engine)
    with transaction(sessions) as session:
        ensure_organisation(session, "devon", name="D", time_zone="Europe/London", at=NOON)
    yield sessions
    engine.dispose()


def run(*arguments: object, stdin: bytes | None = None) -> Result:
    """Run the command."""
    return CliRunner().invoke(app, [str(argument) for argument in arguments], input=stdin)


def test_a_good_file_exits_with_0(database: SessionFactory) -> None:
    """And says in one line what was done."""
    result = run("import", SAMPLE, "--source", "libraries")

    assert result.exit_code == 0, result.output
    assert result.stdout == (
        "65 features read: 65 added, 0 updated, 0 unchanged, 0 refused; "
        "0 repaired, 0 with warnings\n"
    )
    with database() as session:
        assert len(session.scalars(select(Place)).all()) == 65


@pytest.mark.usefixtures("database")
def test_some_refused_exits_with_2(tmp_path: Path) -> None:
    """The first refusals on standard error, all of them in the report file and in JSON."""
    file, report = tmp_path / "some.geojsonl", tmp_path / "notes.jsonl"
    good = {
        "type": "Feature",
        "id": 1,
        "properties": {"name": "Good", "opening_hours": "?"},
        "geometry": {"type": "Point", "coordinates": [-3.5, 50.7]},
    }
    file.write_text("\n".join([json.dumps(good), *["{}"] * 30]))

    told = run("import", file, "--source", "x", "--report", report, "--dry-run")
    result = run("import", file, "--source", "x", "--json")

    assert (told.exit_code, result.exit_code) == (2, 2)
    assert told.stdout.startswith("Dry run, nothing stored. 31 features read: 1 added")
    lines = told.stderr.splitlines()
    assert lines[0] == (
        'line 2: refused: a GeoJSON Feature is expected: an object of type "Feature" [/type]'
    )
    assert len(lines) == 21
    assert lines[-1] == "and 11 more; --report FILE writes all of them"
    notes = [json.loads(line) for line in report.read_text().splitlines()]
    assert len(notes) == 31
    assert notes[0]["kind"] == "warning"
    whole = json.loads(result.stdout)
    assert (whole["read"], whole["added"], whole["refused"]) == (31, 1, 30)
    assert len(whole["notes"]) == 31
    assert whole["dry_run"] is False


@pytest.mark.usefixtures("database")
def test_a_hostile_id_does_not_reach_the_terminal(tmp_path: Path) -> None:
    """Control characters and half characters are shown as escapes."""
    file = tmp_path / "hostile.geojsonl"
    ids = ["\x1b[2J", "\ud800"]
    file.write_text("\n".join(json.dumps({"type": "Feature", "id": one}) for one in ids))

    result = run("import", file, "--source", "x")

    assert result.exit_code == 2
    assert r"line 1 ('\x1b[2J'): refused" in result.stderr
    assert r"line 2 ('\ud800'): refused" in result.stderr


def test_an_unreadable_file_exits_with_1(database: SessionFactory, tmp_path: Path) -> None:
    """With the line and the reason, and nothing stored."""
    file = tmp_path / "broken.geojson"
    file.write_bytes(SAMPLE.read_bytes()[:30_000])

    result = run("import", file, "--source", "x")

    assert result.exit_code == 1
    assert result.stdout == ""
    assert f"{file}, line 33: not JSON" in result.stderr
    assert "Nothing was stored." in result.stderr
    with database() as session:
        assert session.scalars(select(Place)).all() == []


@pytest.mark.usefixtures("database")
def test_standard_input_may_be_gzip() -> None:
    """`-` reads it, twice over without asking twice."""
    result = run("import", "-", "--source", "x", stdin=gzip.compress(SAMPLE.read_bytes()))

    assert result.exit_code == 0, result.output
    assert "65 added" in result.stdout


@pytest.mark.usefixtures("database")
def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The organisation, the database, the setting: one sentence each, exit code 1."""
    unknown = run("import", SAMPLE, "--source", "x", "--organisation", "kent")
    nowhere = run("import", "/nowhere", "--source", "x")
    monkeypatch.setenv("GEOSERVICES_DATABASE_URL", "postgresql://postgres@127.0.0.1:1/none")
    unreachable = run("import", SAMPLE, "--source", "x")
    monkeypatch.delenv("GEOSERVICES_DATABASE_URL")
    unset = run("import", SAMPLE, "--source", "x")

    assert [one.exit_code for one in (unknown, nowhere, unreachable, unset)] == [1, 1, 1, 1]
    assert nowhere.stderr == "/nowhere: No such file or directory\n"
    assert "geoservices organisation create kent --name" in unknown.stderr
    assert "The database" in unreachable.stderr
    assert "GEOSERVICES_DATABASE_URL" in unset.stderr


def test_a_walk_past_a_place_is_ready_to_be_sent(database: SessionFactory, tmp_path: Path) -> None:
    """JSON lines with the API's fields; the same seed and start make the same file."""
    assert run("import", SAMPLE, "--source", "x").exit_code == 0
    with database() as session:
        place = session.scalars(select(Place).where(Place.external_id == "devon-exeter")).one()
    out = tmp_path / "walk.jsonl"
    options = ["--place", place.id, "--seed", 7, "--start", "2026-03-04T12:00:00"]

    to_file = run("simulate", *options, "--out", out)
    to_stdout = run("simulate", *options)

    assert (to_file.exit_code, to_stdout.exit_code) == (0, 0)
    assert to_stdout.stdout == out.read_text(encoding="utf-8")
    pings = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert len(pings) > 50
    assert len({UUID(ping["id"]) for ping in pings}) == len(pings)
    assert set(pings[0]) == {
        *("id", "recorded_at", "lon", "lat", "accuracy_m", "speed_mps", "heading_deg"),
    }
    assert datetime.fromisoformat(pings[0]["recorded_at"]) == NOON
    assert {round(ping["lat"], 1) for ping in pings} == {50.7}


def test_a_stay_anywhere_needs_no_database() -> None:
    """Unless told when it starts, its last ping is made now."""
    result = run("simulate", "--lon", 1.5, "--lat", 2.5, "--stay-minutes", 1, "--noise", "none")

    pings = [json.loads(line) for line in result.stdout.splitlines()]
    assert len(pings) == 13
    assert {(ping["lon"], ping["lat"], ping["heading_deg"]) for ping in pings} == {(1.5, 2.5, None)}
    first, last = (datetime.fromisoformat(pings[k]["recorded_at"]) for k in (0, -1))
    assert (last - first).total_seconds() == 60


def test_a_walk_must_be_somewhere() -> None:
    """A place, or both longitude and latitude."""
    result = run("simulate", "--lon", 1.5)

    assert result.exit_code == 2
    assert "--place" in result.output


def test_a_place_nobody_watches_is_not_walked_past(database: SessionFactory) -> None:
    """A disabled geofence is no outline to go by."""
    assert run("import", SAMPLE, "--source", "x").exit_code == 0
    with transaction(database) as session:
        session.execute(update(Geofence).values(disabled_at=NOON))
        place_id = session.scalars(select(Place.id).limit(1)).one()

    result = run("simulate", "--place", place_id)

    assert result.exit_code == 1
    assert "no such geofence at this place" in result.stderr


@pytest.mark.usefixtures("database")
def test_a_place_nobody_knows_is_not_walked_past() -> None:
    """One sentence, exit code 1."""
    result = run("simulate", "--place", "00000000-0000-4000-8000-000000000000")

    assert result.exit_code == 1
    assert "no such place" in result.stderr


def test_it_runs_as_a_module() -> None:
    """`python -m geodata --help` names both commands."""
    done = subprocess.run(
        [sys.executable, "-m", "geodata", "--help"], capture_output=True, text=True, check=True
    )

    assert "import" in done.stdout
    assert "simulate" in done.stdout
