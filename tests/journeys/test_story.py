"""The demo's story, played once on a fresh system, as its user plays it."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from geoservices.places.hours import OpenState, hours_at
from local.configuration import CHECKOUT, free_port
from local.console import STARTED_BY
from local.ownership import strays
from tests.local.conftest import open_folder


@pytest.mark.stack
def test_the_story_happens_on_real_parts() -> None:
    """Played once, every act happened, and the record holds what each of them brought about."""
    with open_folder() as folder:
        ports = {
            f"GEOSERVICES_{name}_PORT": str(free_port())
            for name in ("API", "DATABASE", "BROKER", "PUSH")
        }
        outside = {k: v for k, v in os.environ.items() if not k.startswith("GEOSERVICES_")}
        outside.pop(STARTED_BY, None)

        demo = subprocess.run(
            [sys.executable, "-m", "local", "demo", "--once", "--json"],
            capture_output=True,
            text=True,
            cwd=CHECKOUT,
            env=outside | ports | {"GEOSERVICES_DATA_DIR": str(folder)},
            timeout=400,
            check=False,
        )

        assert demo.returncode == 0, demo.stderr
        told = json.loads(demo.stdout)
        assert told["happened"]
        worker, citizen, stranger, visitor, early, reader, caretaker, trial = told["acts"]
        assert [t["kind"] for t in worker["transitions"]] == ["entered", "exited"]
        assert worker["push"]["notification"]["title"] == "Meter reading, boiler room"
        assert worker["decision"]["gate"] is None
        assert worker["notification"]["deliveries"][0]["state"] == "shown"
        assert worker["ms_to_push"] > 0
        assert citizen["check_in"]["evidence"] == "inside"
        assert citizen["push"]["notification"]["title"] == "A free hot drink with any book"
        assert not any(stranger["rows"].values())
        assert visitor["decision"]["gate"] == "opening-hours"
        assert visitor["pushes"] == []
        assert early["held"]["gate"] == "opening-hours"
        assert early["released"]["gate"] is None
        assert early["push"]["notification"]["title"] == "Poems for breakfast"
        assert reader["answers"] == ["201", "409 /problems/redemption-code-used"]
        assert caretaker["push"]["notification"]["title"] == "3 things at Tiverton Library"
        assert len(caretaker["members"]) == 3
        assert trial["replay"]["result"]["sent"]["people"] >= 10
        assert trial["replay"]["result"]["summary"] != []
        assert strays(folder) == []


def test_some_library_is_closed_at_any_time() -> None:
    """The last act needs a drawn library that is closed whenever the story is played."""
    sample = Path(CHECKOUT, "geodata/samples/devon-libraries.geojson").read_text(encoding="utf-8")
    drawn = [
        feature["properties"]["opening_hours"]
        for feature in json.loads(sample)["features"]
        if feature["geometry"]["type"] != "Point"
    ]
    monday = datetime(2026, 6, 1, tzinfo=UTC)

    for quarter in range(7 * 24 * 4):
        at = monday + timedelta(minutes=15 * quarter)
        states = {hours_at(h, time_zone="Europe/London", at=at).state for h in drawn}
        assert OpenState.CLOSED in states
