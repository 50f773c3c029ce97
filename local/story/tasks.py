"""Acts of staff and their tasks."""

from local.actors import Phone
from local.story.stage import PUSH_WITHIN, QUIET_FOR, Stage, require, tell_push
from local.story.walks import walk_past

TASKS = {
    "Fire extinguishers, ground floor": "Check the date on each of the five.",
    "Poster of the summer reading": "Hang it beside the entrance.",
    "Returns box": "The flap sticks.",
}


def caretaker(stage: Stage) -> None:
    """Three tasks wait in one building, and the caretaker's phone buzzes once."""
    told = stage.teller.act("g", "(g) Three tasks wait for a caretaker at Tiverton Library.")
    place = stage.place(q="Tiverton Library")
    tasks = [
        stage.manager.announce(place["id"], kind="task", title=title, text=text)
        for title, text in TASKS.items()
    ]
    for task in tasks:
        stage.manager.campaign(
            task,
            trigger="entered",
            audience="staff",
            purpose="staff-tasks",
            body="It waits for you at Tiverton Library.",
        )
    with Phone(stage.api, stage.push, owner=stage.staff_token) as phone:
        phone.agree("staff-tasks")
        phone.ask("PUT", "/v1/working-hours", json={"hours": "24/7"})
        phone.subscribe()
        walked = walk_past(stage, phone, place, told)
        message, bundle = phone.await_push(tasks[0]["id"], within=PUSH_WITHIN)
        tell_push(stage, told, message, since=walked["entered_sent_at"])
        told["notification"], told["members"] = bundle, phone.members_of(bundle)
        told["others"] = phone.browser.messages(wait=QUIET_FOR)
    stage.teller.say(f"    One push, {len(told['members'])} messages in the inbox.")
    titles = {member["title"] for member in told["members"]}
    require(titles == set(TASKS), "The push is not about the three tasks.")
    require(not told["others"], "There was another push.")
    told["happened"] = True
