"""What is there when pictures are taken: a library with things on, a citizen, a caretaker."""

import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import uuid4

from playwright.sync_api import (
    Browser,
    BrowserContext,
    Geolocation,
    Page,
    StorageState,
    expect,
)
from shapely.geometry import shape

from geoservices import clock
from local.actors import Caller
from local.processes import program
from local.story.stage import Stage

LIBRARY = "Exeter Library"
POLLING_PLACE = "Topsham Library"
PASSWORD = "plinth owl gravel cello"  # noqa: S105  # Of an account that is gone with its stack.
TOLD_WITHIN_S = 60.0
MESSAGES = "() => fetch('/v1/notifications').then((r) => r.json()).then((j) => j.items.length)"
CHECKLIST = (
    "Read the meter by the door",
    "Read the meter behind the boiler",
    "Lock the door again",
)
BEGUN = "Meter reading, boiler room"
LONG = "Summer reading challenge: sign up, read six books and collect a medal at the front desk"


@dataclass(frozen=True, slots=True)
class Scene:
    """What pages are about, and who looks at them."""

    parameters: Mapping[str, str]
    """What stands for the names in braces in addresses."""
    places: Mapping[str, str]
    """Ids of places by their names."""
    tasks: Mapping[str, str]
    """Ids of tasks by their titles."""
    username: str
    """The caretaker's."""
    position: Geolocation
    """Where everybody is: in the library."""


def set_scene(stage: Stage) -> Scene:
    """Put on what the pages show."""
    found = {name: stage.place(q=name) for name in (LIBRARY, POLLING_PLACE)}
    places = {name: place["id"] for name, place in found.items()}
    library = places[LIBRARY]
    inside = shape(found[LIBRARY]["geofence"]["geometry"]).representative_point()
    _mark_sensitive(stage, places[POLLING_PLACE])
    for key, english, welsh in (
        ("story-time", "Story time", "Amser stori"),
        ("local-history", "Local history", "Hanes lleol"),
        ("makers", "Making things", "Creu pethau"),
    ):
        names = {"en-GB": english, "cy": welsh}
        stage.manager.ask("PUT", f"/v1/topics/{key}", json={"names": names})
    listings = _put_on(stage, library)
    tasks = _set_tasks(stage, library)
    username = _hire(stage, tasks)
    told = {"kind": "static", "label": "Front desk"}
    poster = stage.manager.ask("POST", f"/v1/places/{library}/codes", json=told)
    code = poster["link"].rpartition("/")[2]
    return Scene(
        parameters={"placeId": library, "taskId": tasks[BEGUN], "code": code, **listings},
        places=places,
        tasks=tasks,
        username=username,
        position={"longitude": inside.x, "latitude": inside.y, "accuracy": 9},
    )


def _mark_sensitive(stage: Stage, place_id: str) -> None:
    now = clock.now()
    mark = {
        "kind": "polling",
        "from": (now - timedelta(hours=1)).isoformat(),
        "until": (now + timedelta(hours=14)).isoformat(),
    }
    stage.manager.ask("PUT", f"/v1/places/{place_id}/sensitivity", json=mark)


def _put_on(stage: Stage, library: str) -> dict[str, str]:
    """Put offers and events on, and return their ids by what addresses call them."""
    drink = stage.manager.announce(
        library,
        kind="offer",
        title="A free hot drink with any book",
        text="Show this at the café. One a visit.",
        terms="While stocks last.",
        stock=200,
        per_person=1,
    )
    stage.manager.announce(
        library,
        kind="offer",
        title="Two for one at the sale shelf",
        text="By the stairs on the ground floor.",
        evidence_needed="near",
    )
    stage.manager.announce(
        library,
        kind="offer",
        title="A look into the archive",
        text="Ask at the desk on the second floor.",
        evidence_needed="staff-scan",
    )
    story = stage.manager.announce(
        library,
        kind="event",
        title="Story time",
        text="For children up to five. Bring somebody to sit on.",
        starts_at=_morning_in(days=1),
        length="PT45M",
        rule="FREQ=DAILY;COUNT=30",
        sign_up="open",
        capacity=12,
        reminders=["PT2H"],
    )
    stage.manager.announce(
        library,
        kind="event",
        title=LONG,
        text="For everybody from four to eleven.",
        starts_at=_morning_in(days=3),
        length="PT6H",
    )
    stage.manager.campaign(
        drink,
        trigger="checked-in",
        audience="citizen",
        purpose="check-in-content",
        campaign_class="offer",
        body="Show this at the café in Exeter Library today.",
    )
    stage.manager.campaign(
        story,
        trigger="entered",
        audience="citizen",
        purpose="nearby",
        body="Story time at Exeter Library: come in, it is free.",
    )
    return {"offerId": drink["id"], "eventId": story["id"]}


def _morning_in(*, days: int) -> str:
    """Write half past ten, so many days from now, as the service reads it."""
    return f"{clock.now() + timedelta(days=days):%Y-%m-%d}T10:30:00Z"


def _set_tasks(stage: Stage, library: str) -> dict[str, str]:
    now = clock.now()
    meters = stage.manager.announce(
        library,
        kind="task",
        title=BEGUN,
        text="Read both meters and take a photograph of each. The key is at the front desk.",
        priority="high",
        due_at=(now + timedelta(hours=5)).isoformat(),
        checklist=[{"id": str(n), "text": text} for n, text in enumerate(CHECKLIST)],
    )
    others = [
        stage.manager.announce(library, kind="task", title=title, text=text, **terms)
        for title, text, terms in (
            (
                "The flap of the returns box sticks",
                "It closes by itself, but slowly.",
                {"priority": "urgent", "due_at": (now - timedelta(hours=2)).isoformat()},
            ),
            ("Poster of the summer reading", "Hang it beside the entrance.", {"priority": "low"}),
            (
                "Send the readings to the energy team",
                "By the form on the staff pages.",
                {"depends_on": [meters["id"]]},
            ),
            (
                "Fire extinguishers on the ground floor, the first floor and in the staff kitchen",
                "Check the date on each of the five.",
                {"evidence_needed": "inside"},
            ),
        )
    ]
    stage.manager.campaign(
        meters,
        trigger="entered",
        audience="staff",
        purpose="staff-tasks",
        body="A task waits at Exeter Library. It takes about ten minutes.",
    )
    return {one["title"]: one["id"] for one in (meters, *others)}


def _hire(stage: Stage, tasks: Mapping[str, str]) -> str:
    """Give a caretaker an account, working hours and a task they have begun."""
    username = f"anna-{uuid4().hex[:8]}"
    made = subprocess.run(
        [
            *(program("geoservices"), "account", "--organisation", "devon", "--role", "staff"),
            *("--name", "Anna Trelawney", "--username", username),
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    with Caller(stage.api) as nobody:
        token = made.stdout.strip().partition("#")[2]
        nobody.ask("POST", "/v1/password", json={"token": token, "password": PASSWORD})
        credentials = {"username": username, "password": PASSWORD, "credential": "bearer"}
        anna = nobody.ask("POST", "/v1/sign-in", json=credentials)["token"]
    with Caller(stage.api, anna) as caretaker:
        task = tasks[BEGUN]
        caretaker.ask("POST", f"/v1/tasks/{task}/claim")
        caretaker.ask("POST", f"/v1/tasks/{task}/start")
        caretaker.ask("PATCH", f"/v1/tasks/{task}", json={"ticks": {"0": True}})
        note = {"id": str(uuid4()), "note": "The ladder is in the cellar."}
        caretaker.ask("POST", f"/v1/tasks/{task}/notes", json=note)
    return username


def be_citizen(browser: Browser, api: str, scene: Scene, **told: Any) -> StorageState:
    """Have a browser that checked in at the library, and was told of an offer since."""
    with browser.new_context(**told) as context:
        page = context.new_page()
        page.goto(f"{api}/you/choices")
        page.get_by_role("button", name="Start choosing").click()
        for purpose in ("When I check in", "When I come near a place"):
            card = page.get_by_role("listitem").filter(
                has=page.get_by_role("heading", name=purpose)
            )
            card.get_by_role("button", name="Yes, I agree").click()
            expect(card.get_by_text("You said yes on")).to_be_visible()
        page.goto(f"{api}/places/{scene.places[LIBRARY]}")
        page.get_by_role("button", name="Check in here").click()
        expect(page.get_by_role("heading", name="You are checked in")).to_be_visible()
        _wait_for_a_message(page)
        return context.storage_state()


def _wait_for_a_message(page: Page) -> None:
    """Wait for what the workers make of the check-in.

    Raises:
        TimeoutError: They made nothing of it.
    """
    give_up_at = time.monotonic() + TOLD_WITHIN_S
    while not page.evaluate(MESSAGES):
        if time.monotonic() > give_up_at:
            raise TimeoutError("Nobody was told of anything.")
        page.wait_for_timeout(200)


def be_staff(browser: Browser, api: str, scene: Scene, **told: Any) -> StorageState:
    """Have a browser in which the caretaker is signed in."""
    with browser.new_context(**told) as context:
        _sign_in(context, api, scene)
        return context.storage_state()


def _sign_in(context: BrowserContext, api: str, scene: Scene) -> None:
    credentials = {"username": scene.username, "password": PASSWORD, "credential": "cookie"}
    answer = context.request.post(f"{api}/v1/sign-in", data=credentials)
    if not answer.ok:
        raise RuntimeError(f"The caretaker was not let in: {answer.status} {answer.text()}")
