"""The story `make demo` plays: four people at the libraries of Devon, on the running service.

`python -m local.story --api URL --push URL [--json]`. Exits with 0 only if every act happened.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import psycopg
import shapely
from psycopg import sql
from shapely.geometry import MultiPolygon, shape

from geodata.simulation import GOOD_SKY, SimulatedPing, stroll_past, walk
from geoservices import clock
from geoservices.access.rights import Role
from geoservices.accounts.issuing import issue_access_token
from geoservices.database import make_engine, make_session_factory, transaction
from local.actors import Caller, Manager, Phone, milliseconds

SEED = 2011
READY_WITHIN = timedelta(seconds=60)
PUSH_WITHIN = timedelta(seconds=20)
QUIET_FOR = timedelta(seconds=1)
INTERVAL = timedelta(seconds=10)
PACE_S = 0.02
"""Between two pings of a walk; their own times are 10 s apart."""
TABLES = ("pings", "visits", "transitions", "check_ins", "subscriptions")


class Untold(Exception):
    """Something that the story tells of did not happen."""


@dataclass
class Teller:
    """Tells the story as it happens, and keeps what happened."""

    aloud: bool
    acts: list[dict[str, Any]] = field(default_factory=list)

    def act(self, name: str, title: str) -> dict[str, Any]:
        """Begin an act and return the record to fill in."""
        self.say(f"\n{title}")
        record: dict[str, Any] = {"act": name, "title": title, "happened": False}
        self.acts.append(record)
        return record

    def say(self, line: str) -> None:
        """Say a line, unless only the record is wanted."""
        if self.aloud:
            print(line, flush=True)


@dataclass(frozen=True)
class Stage:
    """What every act needs."""

    api: str
    push: str
    database_url: str
    manager: Manager
    staff_token: str
    teller: Teller

    def place(self, **search: Any) -> dict[str, Any]:
        """Find a place of Devon's that has a drawn outline."""
        found = self.manager.ask("GET", "/v1/places", params={"limit": 200, **search})
        for feature in found["features"]:
            geofences = self.manager.ask("GET", "/v1/geofences", params={"place_id": feature["id"]})
            drawn = [one for one in geofences["features"] if one["geometry"]["type"] != "Point"]
            if drawn:
                return {**feature, "geofence": drawn[0]}
        raise Untold(f"No place with an outline fits {search}.")

    def rows_of(self, phone: Phone) -> dict[str, int]:
        """Count what the database holds of a device."""
        count = sql.SQL("SELECT count(*) FROM {} WHERE device_id = %s")
        with psycopg.connect(self.database_url) as connection:
            return {
                table: (
                    connection.execute(count.format(sql.Identifier(table)), [phone.id]).fetchone()
                    or (0,)
                )[0]
                for table in TABLES
            }


def main(arguments: list[str]) -> int:
    """Play the story."""
    parser = argparse.ArgumentParser(prog="python -m local.story", description=__doc__)
    parser.add_argument("--api", required=True)
    parser.add_argument("--push", required=True)
    parser.add_argument("--json", action="store_true", help="print one JSON object at the end")
    options = parser.parse_args(arguments)
    teller = Teller(aloud=not options.json)
    began = time.monotonic()
    fault = _play(options.api, options.push, teller)
    happened = fault is None and len(teller.acts) == len(ACTS)
    if options.json:
        record = {
            "happened": happened,
            "fault": fault,
            "seconds": round(time.monotonic() - began, 2),
            "acts": teller.acts,
        }
        print(json.dumps(record, indent=2))
    elif fault:
        print(f"\nThe story broke off: {fault}", file=sys.stderr)
    else:
        teller.say("\nAll four happened, on the real parts.")
    return 0 if happened else 1


def _play(api: str, push: str, teller: Teller) -> str | None:
    """Play every act, and return what went wrong, if anything did."""
    try:
        stage = _set_stage(api, push, teller)
        with stage.manager:
            for act in ACTS:
                act(stage)
    except Exception as error:  # noqa: BLE001  # Whatever it is, the record is still told.
        return f"{type(error).__name__}: {error}"
    return None


def _set_stage(api: str, push: str, teller: Teller) -> Stage:
    _wait_until_ready(api)
    database_url = os.environ["GEOSERVICES_DATABASE_URL"]
    engine = make_engine(database_url, pool_size=1)
    with transaction(make_session_factory(engine)) as session:
        manager_token, staff_token = (
            issue_access_token(
                session,
                "devon",
                role=role,
                name=f"Demo {role}",
                lifetime=timedelta(days=1),
                at=clock.now(),
            )
            for role in (Role.MANAGER, Role.STAFF)
        )
    engine.dispose()
    return Stage(
        api=api,
        push=push,
        database_url=database_url,
        manager=Manager(api, manager_token),
        staff_token=staff_token,
        teller=teller,
    )


def _wait_until_ready(api: str) -> None:
    give_up_at = time.monotonic() + READY_WITHIN.total_seconds()
    with Caller(api) as caller:
        while time.monotonic() < give_up_at:
            if caller.is_service_ready():
                return
            time.sleep(0.1)
    raise Untold(f"The service at {api} was not ready within {READY_WITHIN}.")


def field_worker(stage: Stage) -> None:
    """A field worker walks past a library and is pushed the task that waits there."""
    told = stage.teller.act("a", "(a) A field worker walks past Exeter Library.")
    place = stage.place(q="Exeter Library")
    task = stage.manager.announce(
        place["id"],
        kind="task",
        title="Meter reading, boiler room",
        text="Read both meters and take a photograph of each.",
    )
    campaign = stage.manager.campaign(
        task,
        trigger="entered",
        audience="staff",
        purpose="staff-tasks",
        body="A task waits at Exeter Library. It takes about ten minutes.",
    )
    with Phone(stage.api, stage.push, owner=stage.staff_token) as phone:
        phone.agree("staff-tasks")
        # Whoever tries the demo does so at any hour.
        phone.ask("PUT", "/v1/working-hours", json={"hours": "24/7"})
        phone.subscribe()
        walked = _walk_past(stage, phone, place, told)
        message, told["notification"] = phone.await_push(task["id"], within=PUSH_WITHIN)
        _tell_push(stage, told, message, since=walked["entered_sent_at"])
        told["decision"] = _decision(phone, campaign["id"])
        told["visit"] = phone.ask("GET", "/v1/visits")["items"][0]
    _require(told["decision"]["gate"] is None, "The decision was not to send.")
    _require(message["notification"]["title"] == task["title"], "The push is about another thing.")
    told["happened"] = True


def citizen(stage: Stage) -> None:
    """A citizen checks in by button and gets the offer, in the answer and as a push."""
    told = stage.teller.act("b", "(b) A citizen checks in at Barnstaple Library by button.")
    place = stage.place(q="Barnstaple Library")
    offer = stage.manager.announce(
        place["id"],
        kind="offer",
        title="A free hot drink with any book",
        text="Show this at the cafe. One a visit.",
    )
    stage.manager.campaign(
        offer,
        trigger="checked-in",
        audience="citizen",
        purpose="check-in-content",
        campaign_class="offer",
        body="Show this at the cafe in Barnstaple Library today.",
    )
    with Phone(stage.api, stage.push) as phone:
        phone.agree("check-in-content")
        phone.subscribe()
        inside = shape(place["geofence"]["geometry"]).representative_point()
        sent_at = clock.now()
        answer = phone.ask(
            "POST",
            "/v1/check-ins",
            json={
                "id": str(phone.id),
                "place_id": place["id"],
                "position": {"lon": inside.x, "lat": inside.y, "accuracy_m": 9},
            },
        )
        unlocked = [one["listing"]["title"] for one in answer["listings"] if one["unlocked"]]
        stage.teller.say(
            f"    Checked in with the evidence `{answer['evidence']}`; on now: "
            f"{', '.join(unlocked)}."
        )
        told["check_in"] = answer
        message, told["notification"] = phone.await_push(offer["id"], within=PUSH_WITHIN)
        _tell_push(stage, told, message, since=sent_at)
    _require(offer["title"] in unlocked, "The offer was not in the answer.")
    _require(message["notification"]["title"] == offer["title"], "The push is about another thing.")
    told["happened"] = True


def without_consent(stage: Stage) -> None:
    """A phone without consent walks through: nothing is stored, nothing is sent."""
    told = stage.teller.act("c", "(c) A citizen who agreed to nothing walks the same way.")
    place = stage.place(q="Exeter Library")
    with Phone(stage.api, stage.push) as phone:
        phone.browser.subscribe(phone.ask("GET", "/v1/push/key")["application_server_key"])
        answers = [phone.report(ping, n) for n, ping in enumerate(_way_past(place))]
        told["pings"] = len(answers)
        told["refusals"] = sorted({f"{one.status_code} {one.json()['type']}" for one in answers})
        told["rows"] = stage.rows_of(phone)
        told["decisions"] = phone.ask("GET", "/v1/decisions")["items"]
        told["pushes"] = phone.browser.messages(wait=QUIET_FOR)
    stage.teller.say(
        f"    {told['pings']} pings, each answered {told['refusals'][0]}; "
        f"{sum(told['rows'].values())} rows stored, {len(told['pushes'])} pushes."
    )
    _require(told["refusals"] == ["403 /problems/consent-missing"], "A ping was not refused.")
    _require(not any(told["rows"].values()), "Something was stored.")
    _require(not told["decisions"] and not told["pushes"], "Something was decided or sent.")
    told["happened"] = True


def closed_library(stage: Stage) -> None:
    """An event is held back because the library is closed at this moment."""
    closed = stage.place(category="library", open_now=False)
    name = closed["properties"]["name"]
    told = stage.teller.act("d", f"(d) A citizen walks into {name}, which is closed now.")
    event = stage.manager.announce(
        closed["id"], kind="event", title="Story time", text="For children up to five."
    )
    campaign = stage.manager.campaign(
        event,
        trigger="entered",
        audience="citizen",
        purpose="nearby",
        only_when_open=True,
        body=f"Story time at {name}: come in, it is free.",
    )
    with Phone(stage.api, stage.push) as phone:
        phone.agree("nearby")
        phone.subscribe()
        _walk_past(stage, phone, closed, told)
        told["decision"] = _decision(phone, campaign["id"])
        heard = phone.browser.messages(wait=QUIET_FOR)
        told["pushes"] = [one for one in heard if phone.is_about(one, event["id"])]
    stage.teller.say(
        f"    Held at the gate `{told['decision']['gate']}`: {told['decision']['reason']} "
        f"{len(told['pushes'])} pushes."
    )
    _require(told["decision"]["gate"] == "opening-hours", "It was not held for the hours.")
    _require(not told["pushes"], "Something was sent.")
    told["happened"] = True


ACTS: tuple[Callable[[Stage], None], ...] = (field_worker, citizen, without_consent, closed_library)


def _way_past(place: dict[str, Any]) -> list[SimulatedPing]:
    """Simulate a walk along the street past a place that ends at this moment."""
    outline = MultiPolygon(shapely.get_parts(shape(place["geofence"]["geometry"])).tolist())
    way = stroll_past(outline, offset_m=8, before_m=70, after_m=330)

    def from_when(start_at: datetime) -> list[SimulatedPing]:
        return walk(way, start_at=start_at, interval=INTERVAL, noise=GOOD_SKY, seed=SEED)

    now = clock.now()
    took = from_when(now)[-1].recorded_at - now
    return from_when(now - took)


def _walk_past(
    stage: Stage, phone: Phone, place: dict[str, Any], told: dict[str, Any]
) -> dict[str, datetime]:
    """Walk past a place, telling each transition; return when the entering ping was sent."""
    pings = _way_past(place)
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
    _require(bool(entered), "The phone was never seen to enter.")
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


def _decision(phone: Phone, campaign_id: str) -> dict[str, Any]:
    """Wait for what a campaign decided about the phone's person."""
    give_up_at = time.monotonic() + PUSH_WITHIN.total_seconds()
    while time.monotonic() < give_up_at:
        for decision in phone.ask("GET", "/v1/decisions")["items"]:
            if decision["campaign_id"] == campaign_id:
                found: dict[str, Any] = decision
                return found
        time.sleep(0.05)
    raise TimeoutError("The campaign decided nothing.")


def _tell_push(
    stage: Stage, told: dict[str, Any], message: dict[str, Any], *, since: datetime
) -> None:
    received_at = datetime.fromisoformat(message["received_at"])
    told["push"] = message
    told["ms_to_push"] = milliseconds(since, received_at)
    said = message["notification"]
    stage.teller.say(
        f"    pushed {told['ms_to_push']:.0f} ms later, decrypted by the browser: "
        f"“{said['title']}. {said['body']}”"
    )


def _require(happened: bool, otherwise: str) -> None:  # noqa: FBT001
    if not happened:
        raise Untold(otherwise)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
