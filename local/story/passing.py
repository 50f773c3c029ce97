"""Acts of people who walk past a place, or into it."""

from local.actors import Phone
from local.story.stage import PUSH_WITHIN, QUIET_FOR, Stage, decision, require, tell_push
from local.story.walks import walk_past, way_past


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
        walked = walk_past(stage, phone, place, told)
        message, told["notification"] = phone.await_push(task["id"], within=PUSH_WITHIN)
        tell_push(stage, told, message, since=walked["entered_sent_at"])
        told["decision"] = decision(phone, campaign["id"])
        told["visit"] = phone.ask("GET", "/v1/visits")["items"][0]
    require(told["decision"]["gate"] is None, "The decision was not to send.")
    require(message["notification"]["title"] == task["title"], "The push is about another thing.")
    told["happened"] = True


def without_consent(stage: Stage) -> None:
    """A phone without consent walks through: nothing is stored, nothing is sent."""
    told = stage.teller.act("c", "(c) A citizen who agreed to nothing walks the same way.")
    place = stage.place(q="Exeter Library")
    with Phone(stage.api, stage.push) as phone:
        phone.browser.subscribe(phone.ask("GET", "/v1/push/key")["application_server_key"])
        answers = [phone.report(ping, n) for n, ping in enumerate(way_past(place))]
        told["pings"] = len(answers)
        told["refusals"] = sorted({f"{one.status_code} {one.json()['type']}" for one in answers})
        told["rows"] = stage.rows_of(phone)
        told["decisions"] = phone.ask("GET", "/v1/decisions")["items"]
        told["pushes"] = phone.browser.messages(wait=QUIET_FOR)
    stage.teller.say(
        f"    {told['pings']} pings, each answered {told['refusals'][0]}; "
        f"{sum(told['rows'].values())} rows stored, {len(told['pushes'])} pushes."
    )
    require(told["refusals"] == ["403 /problems/consent-missing"], "A ping was not refused.")
    require(not any(told["rows"].values()), "Something was stored.")
    require(not told["decisions"] and not told["pushes"], "Something was decided or sent.")
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
        walk_past(stage, phone, closed, told)
        told["decision"] = decision(phone, campaign["id"])
        heard = phone.browser.messages(wait=QUIET_FOR)
        told["pushes"] = [one for one in heard if phone.is_about(one, event["id"])]
    stage.teller.say(
        f"    Held at the gate `{told['decision']['gate']}`: {told['decision']['reason']} "
        f"{len(told['pushes'])} pushes."
    )
    require(told["decision"]["gate"] == "opening-hours", "It was not held for the hours.")
    require(not told["pushes"], "Something was sent.")
    told["happened"] = True
