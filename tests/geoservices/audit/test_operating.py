"""The operator's commands for the audit log, run as an operator runs them."""

import csv
import json
from pathlib import Path
from uuid import UUID

import pytest

from geoservices.audit import operating
from geoservices.database import SessionFactory
from tests import commanding
from tests.geoservices.audit.conftest import Tamper, write


def run(*arguments: str | Path) -> commanding.Done:
    """Run `geoservices audit` with these arguments."""
    return commanding.run("audit", *arguments)


@pytest.fixture(autouse=True)
def _environment(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEOSERVICES_DATABASE_URL", database_url)


def test_heads_are_kept_and_held_against_the_log_later(
    committed: SessionFactory, devon: UUID, tamper: Tamper, tmp_path: Path
) -> None:
    """Two days' heads fit; once the log was cut off behind them they do not."""
    heads = tmp_path / "heads"
    first = run("head").stdout
    write(committed, devon, 2)
    heads.write_text(first + run("head").stdout)

    whole = run("verify", "--heads", heads)
    tamper("DELETE FROM audit_entries WHERE number > 7")
    tamper(
        "UPDATE audit_chains SET last_number = 7, "
        "last_hash = (SELECT hash FROM audit_entries WHERE number = 7)"
    )
    without = run("verify")
    broken = run("verify", "--organisation", "devon", "--heads", heads)

    assert first.split()[:3] == ["devon", str(devon), "6"]
    assert (whole.returncode, whole.stdout) == (0, "devon: whole: 8 entries\n")
    assert (without.returncode, without.stdout) == (0, "devon: whole: 7 entries\n")
    assert broken.returncode == 1
    assert broken.stderr == (
        "geoservices: devon: BROKEN: entry 8 is missing, and all after it; "
        "7 entries before it are whole\n"
    )


@pytest.mark.usefixtures("devon")
def test_an_export_is_a_file_without_names(tmp_path: Path) -> None:
    """For spreadsheets and for programs, as the file's ending says."""
    tables = {ending: tmp_path / f"log.{ending}" for ending in ("csv", "json")}
    done = [
        run("export", "--organisation", "devon", "--output", file, "--from", "2026-03-06T00:00Z")
        for file in tables.values()
    ]
    wrong = run("export", "--organisation", "devon", "--output", tmp_path / "log.pdf")
    nobody = run("export", "--organisation", "dorset", "--output", tables["csv"])

    rows = list(csv.DictReader(tables["csv"].read_text("utf-8").splitlines()))
    entries = json.loads(tables["json"].read_text("utf-8"))
    assert [one.returncode for one in done] == [0, 0]
    assert [row["number"] for row in rows] == [str(one["number"]) for one in entries]
    assert entries[0] == {
        "number": 3,
        "at": "2026-03-06T12:00Z",
        "actor": "member 1",
        "role": "manager",
        "action": "publish_listing",
        "rights": ["listings:write"],
        "subjects": [f"listing:{UUID(int=2)}"],
        "status": 201,
    }
    assert "ends in one of .csv, .json" in wrong.stderr
    assert "There is no log of dorset yet" in nobody.stderr


@pytest.mark.parametrize("line", ["devon", "devon x 3 00", f"devon {UUID(int=1)} 3 zz"])
def test_heads_that_cannot_be_read_are_refused(line: str) -> None:
    """Rather than passed over."""
    with pytest.raises(ValueError, match="cannot be read"):
        operating.read_heads([line])


def test_heads_that_disagree_are_refused() -> None:
    """One of them was not printed by the command."""
    lines = [f"devon {UUID(int=1)} 3 {byte * 32}" for byte in ("00", "01")]

    with pytest.raises(ValueError, match="disagree about entry 3"):
        operating.read_heads([lines[0], "", *lines])
    assert operating.read_heads([lines[0], "\n", lines[0]]) == {UUID(int=1): {3: bytes(32)}}
