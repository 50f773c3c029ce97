"""The act of a campaign that is tried on what people did, and tells nobody."""

import time
from typing import Any

from local.actors import Phone
from local.story.checking_in import check_in
from local.story.stage import REPLAYED_WITHIN, Stage, require

VISITORS = 30
"""Enough for a number to be told of them: of fewer than ten nothing is."""


def what_if(stage: Stage) -> None:
    """A manager asks whom a draft would have told, had it been live in the last days."""
    told = stage.teller.act("h", f"(h) {VISITORS} citizens check in at Exmouth Library.")
    place = stage.place(q="Exmouth Library")
    for _ in range(VISITORS):
        with Phone(stage.api, stage.push) as phone:
            phone.agree("check-in-content")
            phone.agree("statistics")
            check_in(phone, place)
    event = stage.manager.announce(
        place["id"], kind="event", title="Lego club", text="After school, bricks are there."
    )
    draft = stage.manager.draft(
        event,
        trigger="checked-in",
        audience="citizen",
        purpose="check-in-content",
        body="Lego club this afternoon, free.",
    )
    stage.teller.say("    A manager replays a draft that tells whoever checks in of the Lego club:")
    replay = stage.manager.ask("POST", f"/v1/campaigns/{draft['id']}/replays", json={"days": 7})
    told["replay"] = _await(stage, draft["id"], replay["id"])
    require(told["replay"]["state"] == "done", "The replay did not come to its end.")
    for sentence in told["replay"]["result"]["summary"]:
        stage.teller.say(f"      {sentence}")
    require(told["replay"]["result"]["sent"] is not None, "It would have told too few to say.")
    told["happened"] = True


def _await(stage: Stage, campaign_id: str, replay_id: str) -> dict[str, Any]:
    """Wait until a replay is over."""
    give_up_at = time.monotonic() + REPLAYED_WITHIN.total_seconds()
    while time.monotonic() < give_up_at:
        replay: dict[str, Any] = stage.manager.ask(
            "GET", f"/v1/campaigns/{campaign_id}/replays/{replay_id}"
        )
        if replay["state"] not in {"queued", "working"}:
            return replay
        time.sleep(0.2)
    raise TimeoutError("The replay was not over in time.")
