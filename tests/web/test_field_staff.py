"""Staff sign in, find what is to be done where they are, and do it, against the running service."""

import re
import struct
import zlib
from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

from playwright.sync_api import Page, expect

from geoservices import clock
from geoservices.checkins.verification import Evidence
from geoservices.database import transaction
from geoservices.tasks.models import Priority, Task
from tests.eventually import eventually
from tests.web.conftest import MakeTask, Site, come_in, faults
from tests.web.test_locating import SOON_MS, bar
from tests.web.test_map import ABOVE, BEFORE, BEHIND, BELOW, NO_DRAWING, draws, frame

SIDE = 64


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


HEADER = struct.pack(">IIBBBBB", SIDE, SIDE, 8, 2, 0, 0, 0)
ROWS = zlib.compress((b"\x00" + b"\xc0\x30\x30" * SIDE) * SIDE)
RED = b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", HEADER) + _chunk(b"IDAT", ROWS) + _chunk(b"IEND", b"")
"""A red square."""
PHOTOS = "(path) => fetch(`/v1${path}/photos`).then((answer) => answer.json())"


def test_from_signing_in_to_done(
    sign_in: Callable[..., Page], site: Site, make_task: MakeTask
) -> None:
    """What is near by position, taken, proved by a check-in, ticked, noted, photographed, done."""
    title = f"Bleed the radiators {uuid4().hex[:6]}"
    task_id = make_task(
        title,
        text="Cold on the first floor.",
        priority=Priority.HIGH,
        due_at=clock.now() - timedelta(hours=1),
        evidence_needed=Evidence.NEAR,
        checklist=[{"id": "bleed", "text": "Bleed"}, {"id": "refill", "text": "Refill"}],
    )
    page = sign_in("/tasks")
    expect(page.get_by_text("You have no tasks.")).to_be_visible()
    page.get_by_role("button", name="Here").click()
    page.get_by_role("button", name="Use my location").click()
    card = page.get_by_role("listitem").filter(has_text=title)
    expect(card).to_contain_text(re.compile("Important.*Overdue since.*Nobody has it yet"))
    page.get_by_role("button", name="Near", exact=True).click()
    expect(card).to_contain_text("10 m away")

    card.get_by_role("link").click()
    expect(page.get_by_role("heading", level=1, name=title)).to_be_focused()
    expect(page.get_by_label("Bleed", exact=True)).to_be_disabled()
    page.get_by_role("button", name="Take this task").click()
    expect(page.get_by_text("The task is yours now.")).to_be_visible()
    page.get_by_role("button", name="Start").click()
    expect(page.get_by_text("Check in at the place first.")).to_be_visible()
    page.get_by_role("button", name="Check in here").click()
    page.get_by_role("button", name="I agree, check me in").click()
    expect(page.get_by_role("heading", name="You are checked in at Exeter")).to_be_focused()
    page.get_by_role("button", name="Start").click()
    expect(page.get_by_text("You have begun. Good luck.")).to_be_visible()

    page.get_by_role("button", name="It is done").click()
    expect(page.get_by_text("Tick everything on the list first.")).to_be_visible()
    page.get_by_label("Bleed", exact=True).check()
    page.get_by_label("Refill").check()
    expect(page.get_by_text("2 of 2 done")).to_be_visible()
    page.get_by_role("button", name="Add the note").click()
    note = page.get_by_label("Something the next person should know")
    expect(note).to_be_focused()
    note.fill("The key is in the cellar.")
    page.get_by_role("button", name="Add the note").click()
    expect(page.get_by_text("Your note is there.")).to_be_visible()
    expect(note).to_have_value("")
    expect(page.get_by_text("The key is in the cellar.")).to_be_visible()
    photo = page.get_by_label("Add a photo")
    photo.set_input_files({"name": "a.txt", "mimeType": "text/plain", "buffer": b"no photo"})
    expect(page.get_by_text("This file is no photo")).to_be_visible()
    photo.set_input_files({"name": "a.png", "mimeType": "image/png", "buffer": RED})
    expect(page.get_by_role("img", name="Photo 1, added")).to_be_visible()

    page.get_by_role("button", name="It is done").click()
    expect(page.get_by_text("Done. Thank you.")).to_be_visible()
    assert faults(page) == []
    with transaction(site.sessions) as session:
        assert session.get_one(Task, task_id).state == "done"
    page.get_by_role("link", name="Tasks", exact=True).click()
    expect(page.get_by_role("button", name="Near", exact=True)).to_have_attribute(
        "aria-pressed", "true"
    )
    expect(card).to_have_count(0)


def test_somebody_else_was_quicker_and_a_session_ends(
    sign_in: Callable[..., Page], make_task: MakeTask
) -> None:
    """It is said in words, and what was typed is there after signing in once more."""
    path = f"/tasks/{make_task('Change the lamp')}"
    username = uuid4().hex
    first, second = sign_in(path, username=username), sign_in(path)
    first.get_by_role("button", name="Take this task").click()
    expect(first.get_by_text("The task is yours now.")).to_be_visible()
    second.get_by_role("button", name="Take this task").click()
    expect(second.get_by_role("alert")).to_contain_text("Somebody else has taken this task")
    expect(second.get_by_text("Somebody else has it", exact=True)).to_be_visible()
    expect(second.get_by_role("button", name="Take this task")).to_have_count(0)

    first.context.set_offline(offline=True)
    first.get_by_role("button", name="More time").click()
    expect(first.get_by_role("alert")).to_contain_text("You are offline.")
    first.context.set_offline(offline=False)
    first.get_by_role("button", name="Try again").click()
    expect(first.get_by_text("You have more time now.")).to_be_visible()

    first.get_by_role("button", name="I cannot do it").click()
    first.get_by_role("button", name="Send").click()
    reason = first.get_by_label("Why can you not do it?")
    expect(reason).to_have_accessible_description(
        "Whoever plans the work reads this. Say in a few words why"
    )
    reason.fill("No ladder")
    first.context.clear_cookies(name="member")
    first.get_by_role("button", name="Send").click()
    expect(first.get_by_role("link", name="Sign in")).to_have_attribute(
        "href", f"/sign-in?next={path.replace('/', '%2F')}"
    )
    expect(reason).to_have_value("No ladder")
    come_in(first, path, username)
    expect(first.get_by_text("There are no photos yet.")).to_be_visible()
    first.context.clear_cookies(name="member")
    first.get_by_label("Add a photo").set_input_files(
        {"name": "a.png", "mimeType": "image/png", "buffer": RED}
    )
    expect(first.get_by_text("Kept on this phone until you sign in.")).to_be_visible()
    come_in(first, path, username)
    eventually(lambda: len(first.evaluate(PHOTOS, path)) == 1, within=timedelta(seconds=30))
    first.get_by_role("button", name="I cannot do it").click()
    expect(reason).to_have_value("No ladder")
    first.get_by_role("button", name="Send").click()
    expect(first.get_by_text("We have noted that you cannot do it.")).to_be_visible()


def test_declined_with_a_reason(sign_in: Callable[..., Page], make_task: MakeTask) -> None:
    """It is open for others, and the history says why."""
    page = sign_in(f"/tasks/{make_task('Paint the door')}")
    page.get_by_role("button", name="Take this task").click()
    page.get_by_role("button", name="I cannot do it").click()
    page.get_by_label("Why can you not do it?").fill("No ladder")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_text("We have noted that you cannot do it.")).to_be_visible()
    expect(page.get_by_role("listitem").filter(has_text="Turned down")).to_contain_text("No ladder")
    expect(page.get_by_text("Nobody has it yet")).to_be_visible()


def test_working_hours_and_a_phone_set_up(sign_in: Callable[..., Page], site: Site) -> None:
    """Located in the hours that were set and agreed to, as every page says, and not afterwards."""
    username = uuid4().hex
    page = sign_in("/at-work", username=username)
    expect(page.get_by_text("You are not being located.")).to_be_visible()
    for box in page.get_by_role("checkbox").all():
        box.uncheck()
    page.get_by_label("Until").fill("09:00")
    page.get_by_label("Until").press("Enter")
    first, *_ = page.get_by_role("checkbox").all()
    expect(first).to_be_focused()
    expect(first).to_have_accessible_description("Choose at least one day")
    for box in page.get_by_role("checkbox").all():
        box.check()
    page.get_by_role("button", name="I agree, turn it on").click()
    until = page.get_by_label("Until")
    expect(until).to_be_focused()
    expect(until).to_have_accessible_description("Work must end at another time than it begins")
    page.get_by_label("From").fill("00:00")
    until.fill("23:59")
    page.context.clear_cookies(name="member")
    page.get_by_role("button", name="I agree, turn it on").click()
    come_in(page, "/at-work", username)
    expect(page.get_by_label("Monday")).to_be_checked()
    expect(page.get_by_label("Sunday")).to_be_checked()
    expect(page.get_by_label("From")).to_have_value("00:00")
    page.get_by_role("button", name="I agree, turn it on").click()
    expect(page.get_by_text("Locating is on in these hours.")).to_be_visible()
    expect(bar(page)).to_contain_text("You are being located for your tasks until")
    expect(bar(page).get_by_role("button", name="Stop")).to_have_count(0)
    page.get_by_role("button", name="Turn it on").click()
    expect(bar(page)).to_contain_text("This phone tells us where it is while this is open.")
    page.get_by_role("link", name="Nearby").click()
    expect(bar(page)).to_contain_text("You are being located for your tasks until")
    expect(bar(page).get_by_role("link", name="Exeter Library")).to_be_visible(timeout=SOON_MS)
    [visit] = page.evaluate("fetch('/v1/visits').then((a) => a.json())")["items"]
    assert visit["place_id"] == str(site.library.id)
    bar(page).get_by_role("link", name="Change").click()
    expect(page.get_by_role("heading", level=1, name="At work")).to_be_focused()
    bar(page).get_by_role("button", name="Stop").click()
    expect(page.get_by_text("It is off in this browser.")).to_be_visible()
    expect(bar(page)).to_contain_text("You are being located for your tasks until")
    page.get_by_role("button", name="Show the code").click()
    expect(page.get_by_role("img", name="Code that sets OwnTracks up")).to_be_visible()
    link = page.get_by_role("link", name="Or open it on this phone")
    assert (link.get_attribute("href") or "").startswith("owntracks:")
    assert faults(page) == []
    page.get_by_role("button", name="Turn locating off").click()
    expect(page.get_by_text("Locating is off.")).to_be_visible()
    expect(page.get_by_text("You are not being located.")).to_be_visible()
    expect(bar(page)).not_to_contain_text("You are being located")


def test_tasks_are_marked_on_a_map(sign_in: Callable[..., Page], make_task: MakeTask) -> None:
    """Those of one building together, told of by a touch; the list is there with and without it."""
    make_task("Wind the clock")
    path = f"/tasks/{make_task('Mend the gate', priority=Priority.URGENT)}"
    page = sign_in("/tasks")
    page.add_init_script(NO_DRAWING)
    for drawn in (False, True):
        page = sign_in("/tasks", color_scheme="dark") if drawn else page
        page.reload()
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))  # noqa: B023
        page.get_by_role("button", name="All").click()
        expect(page.locator(f'main a[href="{path}"]')).to_be_visible()
        assert [url for url in asked if "maplibre" in url] == []
        page.get_by_role("button", name="Show these on a map").click()
        if drawn:
            draws(page)
        else:
            expect(page.get_by_text("This browser cannot draw the map.")).to_be_visible()
            assert [url for url in asked if "maplibre" in url] == []
        expect(page.locator(f'li a[href="{path}"]')).to_be_visible()

    left, top, right, bottom = frame(page)
    page.mouse.click((left + right + BEFORE - BEHIND) / 2, (top + bottom + ABOVE - BELOW) / 2)
    chosen = page.locator(".chosen")
    expect(chosen.get_by_role("link", name="Wind the clock").first).to_be_visible()
    expect(chosen.get_by_text("Urgent").first).to_be_visible()
    assert faults(page) == []
    chosen.locator(f'a[href="{path}"]').click()
    expect(page.get_by_role("heading", level=1, name="Mend the gate")).to_be_focused()
    page.go_back()
    draws(page)
    page.get_by_role("button", name="Show the list only").click()
    expect(page.locator("canvas")).to_have_count(0)
    expect(page.locator(f'main a[href="{path}"]')).to_be_visible()


def test_everybody_can_use_the_pages_of_staff(
    sign_in: Callable[..., Page], make_task: MakeTask
) -> None:
    """By day and by night, in Welsh too, on 320 pixels and with letters twice as large."""
    path = f"/tasks/{make_task('Count the chairs', checklist=[{'id': 'a', 'text': 'Hall'}])}"
    found = {}
    for scheme, locale, width in (("light", "en-GB", 390), ("dark", "cy-GB", 320)):
        page = sign_in(
            "/tasks", color_scheme=scheme, locale=locale, viewport={"width": width, "height": 700}
        )
        page.locator("main [aria-pressed]").last.click()
        # The other browser's task is called so too.
        link = page.locator(f'main a[href="{path}"]')
        expect(link).to_be_visible()
        found[scheme, "list"] = faults(page)
        link.click()
        expect(page.get_by_role("checkbox")).to_be_visible()
        found[scheme, "task"] = faults(page)
        page.evaluate("document.documentElement.style.fontSize = '200%'")
        found[scheme, "large"] = faults(page)
        page.goto(page.url.replace(path, "/at-work"))
        expect(page.get_by_role("checkbox").first).to_be_visible()
        found[scheme, "at work"] = faults(page)
        page.evaluate("document.documentElement.style.fontSize = '200%'")
        found[scheme, "at work, large"] = faults(page)
    assert {name: told for name, told in found.items() if told} == {}
