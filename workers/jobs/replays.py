"""Campaigns are run on what was recorded, before they tell anybody."""

from collections.abc import Sequence
from uuid import UUID

import structlog

from geoservices.campaigns import replays
from geoservices.campaigns.lifecycle import ReplayState
from workers import runtime
from workers.app import app

log = structlog.get_logger()


@app.task(name="replays.carry_out")
def carry_out(replay_ids: Sequence[str]) -> None:
    """Work on replays. Run twice, the second run passes over what the first one is at."""
    done = 0
    for replay_id in replay_ids:
        ended = replays.carry_out(runtime.sessions(), UUID(replay_id), settings=runtime.settings())
        done += ended is ReplayState.DONE
        if ended is ReplayState.FAILED:
            log.warning("replay_failed", replay_id=replay_id)
    log.info("replays_done", replays=done)
