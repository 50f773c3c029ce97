"""The act of what is held until the doors open."""

import json
import subprocess
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import shapely
from shapely.geometry import mapping

from geoservices import clock
from local.actors import Phone
from local.processes import program
from local.story.stage import PUSH_WITHIN, Stage, decision, require, tell_push
from local.story.walks import walk_past

NAME = "The Reading Tent"
HERE = ZoneInfo("Europe/London")
AHEAD = timedelta(seconds=25)
"""Long enough to walk in and be decided on before the doors open."""
OPEN_FOR = timedelta(hours=4)
GROUND = shapely.box(-3.6004, 50.6, -3.5996, 50.6003)
"""Where the tent stands: degrees on WGS 84."""


def early_bird(stage: Stage) -> Callable[[], None]:
    """Somebody comes before the doors open, and is told of the event when they do."""
    told = stage.teller.act("e", f"(e) A citizen comes to {NAME} before its doors open.")
    opens_at = next_minute(clock.now() + AHEAD)
    place = _pitch(stage, opens_at)
    event = stage.manager.announce(
        place["id"], kind="event", title="Poems for breakfast", text="Bring one, or listen."
    )
    campaign = stage.manager.campaign(
        event,
        trigger="entered",
        audience="citizen",
        purpose="nearby",
        only_when_open=True,
        after_holding="release",
        body=f"{NAME} is open now: come in, it is free.",
    )
    phone = Phone(stage.api, stage.push)
    phone.agree("nearby")
    phone.subscribe()
    walk_past(stage, phone, place, told)
    told["held"] = decision(phone, campaign["id"])
    stage.teller.say(
        f"    Held at the gate `{told['held']['gate']}`: {told['held']['reason']} It waits."
    )
    require(told["held"]["gate"] == "opening-hours", "It was not held for the hours.")

    def doors_open() -> None:
        stage.teller.say(f"\n(e, again) The doors of {NAME} open at {_by_clock(opens_at)}.")
        with phone:
            wait = max(opens_at - clock.now(), timedelta(0)) + PUSH_WITHIN
            message, told["notification"] = phone.await_push(event["id"], within=wait)
            tell_push(stage, told, message, since=opens_at)
            told["released"] = decision(phone, campaign["id"])
        require(told["ms_to_push"] > 0, "It was told before the doors opened.")
        require(told["released"]["gate"] is None, "The decision was not to send.")
        require(told["released"]["follows_id"] == told["held"]["id"], "It follows another one.")
        told["happened"] = True

    return doors_open


def next_minute(at: datetime) -> datetime:
    """Return the first whole minute after an instant: opening hours have no seconds."""
    return at.replace(second=0, microsecond=0) + timedelta(minutes=1)


def _pitch(stage: Stage, opens_at: datetime) -> dict[str, Any]:
    """Have a place that opens at an instant, by the command that brings in all places."""
    hours = f"{_by_clock(opens_at)}-{_by_clock(opens_at + OPEN_FOR)}"
    feature = {
        "type": "Feature",
        "id": "reading-tent",
        "properties": {"name": NAME, "opening_hours": hours},
        "geometry": mapping(GROUND),
    }
    brought = subprocess.run(
        [
            *(program("geodata"), "import", "-", "--source", "story", "--organisation", "devon"),
            *("--time-zone", HERE.key, "--margin-m", "25"),
        ],
        input=json.dumps(feature),
        text=True,
        capture_output=True,
        check=False,
    )
    require(brought.returncode == 0, f"The place was not brought in: {brought.stderr}")
    return stage.place(q=NAME)


def _by_clock(at: datetime) -> str:
    return f"{at.astimezone(HERE):%H:%M}"
