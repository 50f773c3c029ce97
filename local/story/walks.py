"""Walks past places, made up and replayed faster than life."""

import time
from datetime import datetime, timedelta
from typing import Any

import shapely
from shapely.geometry import MultiPolygon, shape

from geodata.simulation import GOOD_SKY, SimulatedPing, stroll_past, walk
from geoservices import clock
from local.actors import Phone
from local.story.stage import Stage, require

SEED = 2011
INTERVAL = timedelta(seconds=10)
PACE_S = 0.02
"""Between two pings of a walk; their own times are 10 s apart."""


def way_past(place: dict[str, Any]) -> list[SimulatedPing]:
    """Simulate a walk along the street past a place that ends at this moment."""
    outline = MultiPolygon(shapely.get_parts(shape(place["geofence"]["geometry"])).tolist())
    way = stroll_past(outline, offset_m=8, before_m=70, after_m=330)

    def from_when(start_at: datetime) -> list[SimulatedPing]:
        return walk(way, start_at=start_at, interval=INTERVAL, noise=GOOD_SKY, seed=SEED)

    now = clock.now()
    took = from_when(now)[-1].recorded_at - now
    return from_when(now - took)


def walk_past(
    stage: Stage, phone: Phone, place: dict[str, Any], told: dict[str, Any]
) -> dict[str, datetime]:
    """Walk past a place, telling each transition; return when the entering ping was sent."""
    pings = way_past(place)
    told["pings"] = len(pings)
    told["transitions"] = []
    entered: dict[str, datetime] = {}
    for number, ping in enumerate(pings):
        sent_at = clock.now()
        answer = phone.report(ping, number).raise_for_status().json()
        for transition in answer["transitions"]:
            told["transitions"].append(transition)
            stage.teller.say(
                f"    ping {number + 1:>2} of {len(pings)}, accurate to {ping.accuracy_m:.0f} m: "
                f"{_in_words(transition)}"
            )
            if transition["kind"] == "entered":
                entered["entered_sent_at"] = sent_at
        time.sleep(PACE_S)
    require(bool(entered), "The phone was never seen to enter.")
    for transition in _told_by_timers(phone, told["transitions"]):
        told["transitions"].append(transition)
        stage.teller.say(f"    by the timer, between two pings: {_in_words(transition)}")
    return entered


def _told_by_timers(phone: Phone, answered: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return what no answer told: the walk is over already, so a timer may come first."""
    known = {transition["id"] for transition in answered}
    visits = phone.ask("GET", "/v1/visits")["items"]
    return [one for visit in visits for one in visit["transitions"] if one["id"] not in known]


def _in_words(transition: dict[str, Any]) -> str:
    return (
        f"{transition['kind']} ({transition['reason']}, confidence {transition['confidence']} of 3)"
    )
