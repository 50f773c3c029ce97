"""Without signal: pages open, what is done waits, and the running service has it once."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from functools import partial
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select

from geoservices.accounts.consents import TEXTS
from geoservices.accounts.models import Consent, Purpose
from geoservices.checkins.models import CheckIn
from geoservices.checkins.verification import Evidence
from geoservices.database import transaction
from geoservices.listings.models import Listing
from geoservices.tasks.models import Task, TaskStep
from geoservices.tasks.states import TaskState
from tests.api.scanned import static_link
from tests.eventually import eventually
from tests.picturing import jpeg
from tests.signing import PASSWORD
from tests.web import test_inbox
from tests.web.conftest import MakeTask, Opener, Site, come_in, faults
from tests.web.line import Line, line_to

tell = test_inbox.tell
PATIENCE = timedelta(seconds=30)
OF_BEFORE = "We cannot reach our service just now. This is how it was at"
IS_READY = "() => navigator.serviceWorker.controller !== null"
KEPT = """([key, text]) => caches.open('answers').then((cache) => cache.match(key))
    .then((kept) => kept?.text()).then((told) => told !== undefined && told.includes(text))"""
WAITING = """() => new Promise((done) => {
    indexedDB.open('geoservices-unsent').onsuccess = ({ target: { result } }) => {
        const all = result.transaction('waiting').objectStore('waiting').count();
        all.onsuccess = () => { result.close(); done(all.result); };
    };
})"""
MADE_EARLIER = """(minutes) => new Promise((done) => {
    indexedDB.open('geoservices-unsent').onsuccess = ({ target: { result } }) => {
        const work = result.transaction('waiting', 'readwrite');
        work.objectStore('waiting').openCursor().onsuccess = ({ target: { result: cursor } }) => {
            if (!cursor) return;
            const matter = cursor.value.matter;
            matter.at = new Date(Date.parse(matter.at) - minutes * 60_000).toISOString();
            cursor.update(cursor.value);
            work.told = matter.at;
            cursor.continue();
        };
        work.oncomplete = () => { result.close(); done(work.told); };
    };
})"""
"""Say of what waits that it was done so many minutes before."""

NO_ROOM = """() => {
    IDBObjectStore.prototype.add = () => { throw new DOMException('Full', 'QuotaExceededError'); };
}"""
SIGN_OUT = """() => fetch('/v1/session').then((answer) => answer.json()).then((browser) =>
    fetch('/v1/sign-in', {method: 'DELETE', headers: {'X-CSRF-Token': browser.csrf_token}}))"""

CLAIM = """(path) => fetch('/v1/session').then((answer) => answer.json()).then((browser) =>
    fetch(path, {method: 'POST', headers: {'X-CSRF-Token': browser.csrf_token}}))"""


@dataclass(frozen=True, slots=True)
class FarSite(Site):
    """A site that browsers reach through a line."""

    line: Line


@pytest.fixture(scope="module")
def site(site: Site) -> Iterator[FarSite]:
    """The service at the end of a line."""
    with line_to(urlsplit(site.url).port or 0) as line:
        told = {field.name: getattr(site, field.name) for field in fields(site)}
        yield FarSite(**{**told, "url": line.url}, line=line)


@pytest.fixture
def lose_signal(site: FarSite) -> Iterator[Callable[[Page], None]]:
    """Take the signal from a page's phone, until `find_signal` or the end of the test."""

    def lose_signal(_: Page) -> None:
        # Playwright's own way keeps Firefox's pages from asking their service worker.
        site.line.cut()

    yield lose_signal
    site.line.mend()


def find_signal(page: Page, site: FarSite) -> None:
    """Give it back."""
    site.line.mend()
    page.evaluate("dispatchEvent(new Event('online'))")


def be_ready(page: Page, *keys: str, saying: str = "") -> None:
    """Wait until the app is kept, and what was seen under these addresses, as it is now."""
    page.wait_for_function(IS_READY)
    for key in keys:
        eventually(partial(is_kept, page, key, saying), within=PATIENCE)


def how_many_wait(page: Page) -> int:
    """How many things the queue has."""
    return int(page.evaluate(WAITING))


def is_kept(page: Page, key: str, saying: str) -> bool:
    """Whether what was seen under an address is kept, and says something."""
    return bool(page.evaluate(KEPT, [key, saying]))


def test_a_check_in_without_signal_is_told_once(
    open_page: Opener, site: FarSite, lose_signal: Callable[[Page], None]
) -> None:
    """By the phone's time, from two tabs; until then the app opens and says what waits."""
    path = f"/v1/places/{site.library.id}"
    page = open_page(path.removeprefix("/v1"))
    # So what is kept for nobody is forgotten as the browser becomes somebody.
    be_ready(page, path, f"{path}/listings")
    page.get_by_role("button", name="Check in here").click()
    page.get_by_role("button", name="I agree, check me in").click()
    page.get_by_role("button", name="Undo this check-in").click()
    expect(page.get_by_text("Your check-in is deleted.")).to_be_visible()
    be_ready(page, path, f"{path}/listings")

    lose_signal(page)
    page.get_by_role("button", name="Check in here").click()
    expect(page.get_by_text("We keep it on this phone that you were here")).to_be_visible()
    told = page.evaluate(MADE_EARLIER, 10)
    other = page.context.new_page()
    other.goto(page.url)
    expect(other.get_by_role("heading", level=1, name="Exeter Library")).to_be_visible()
    expect(other.get_by_text(OF_BEFORE)).to_be_visible()
    other.get_by_role("link", name="1 thing waits for signal").click()
    expect(other.get_by_text("Checked in, ")).to_be_visible()
    other.reload()
    expect(other.get_by_text("Checked in, ")).to_be_visible()
    assert faults(other) == []

    find_signal(page, site)
    expect(other.get_by_text("Nothing waits to be sent.")).to_be_visible()
    expect(page.get_by_text("We have your word for it. It reached us late.")).to_be_visible()
    with transaction(site.sessions) as session:
        [made] = session.scalars(select(CheckIn).where(CheckIn.evidence == Evidence.OFFLINE_CLAIM))
        assert made.claimed_at == datetime.fromisoformat(told)
        session.delete(made)


def test_a_code_that_is_scanned_without_signal_checks_in(
    open_page: Opener, site: FarSite, lose_signal: Callable[[Page], None]
) -> None:
    """By night and in Welsh, as the page is that it leads to; what is agreed to is kept as read."""
    path = urlsplit(static_link(site.code, site.settings)).path
    page = open_page(path, locale="cy", color_scheme="dark")
    expect(page.locator("html[lang=cy] h1")).to_have_text("Mae’r cod hwn ar gyfer Exeter Library")
    assert faults(page) == []
    page.get_by_role("link", name="Cofrestru fy mod i yma").click()
    be_ready(page)

    lose_signal(page)
    page.goto("about:blank")
    page.goto(f"{site.url}{path}")
    page.wait_for_url(f"**/check-in#{path.rpartition('/')[2]}")
    page.get_by_role("button", name="Cofrestru fy mod i yma").click()
    expect(page.get_by_text("Rydym yn cadw ar y ffôn hwn eich bod chi yma")).to_be_visible()
    page.goto(f"{site.url}/unsent")
    expect(page.get_by_role("button", name="Anfon nawr")).to_be_visible()
    find_signal(page, site)
    words = TEXTS[Purpose.CHECK_IN_CONTENT].texts["cy"]
    expect(page.get_by_role("blockquote")).to_have_text(words)
    assert faults(page) == []
    page.get_by_role("button", name="Rwy’n cytuno, cofrestrwch fi").click()
    expect(page.get_by_role("blockquote")).to_be_hidden()
    with site.sessions() as session:
        last = select(Consent.language).order_by(Consent.given_at.desc()).limit(1)
        assert session.scalars(last).one() == "cy"


def test_what_is_on_is_there_without_signal(
    open_page: Opener, site: FarSite, lose_signal: Callable[[Page], None], tell: test_inbox.Tell
) -> None:
    """Messages, an offer and an event that were seen, with when that was."""
    with site.sessions() as session:
        ids = {
            title: session.scalars(select(Listing.id).where(Listing.title == title)).one()
            for title in ("Free hot drink", "Story time")
        }
    page = test_inbox.begin(open_page)
    inbox, message = "/notifications", f"/notifications/{tell('Lego club')}"
    be_ready(page)
    page.reload()
    page.get_by_role("main").get_by_role("link", name="Lego club").click()
    expect(page.get_by_role("heading", level=1, name="Lego club")).to_be_visible()
    be_ready(page, f"/v1{inbox}?folder=inbox&limit=20", f"/v1{message}", saying="Lego club")
    offer, event = f"/offers/{ids['Free hot drink']}", f"/events/{ids['Story time']}"
    place = f"/places/{site.library.id}"
    for path, keys in (
        (offer, [offer]),
        (event, [event, f"{event}/occurrences"]),
        (place, [place, f"{place}/listings"]),
    ):
        page.goto(f"{site.url}{path}")
        be_ready(page, *[f"/v1{key}" for key in keys])
    lose_signal(page)
    for path, title in (
        (offer, "Free hot drink"),
        (event, "Story time"),
        (inbox, "Messages"),
        (message, "Lego club"),
    ):
        page.goto(f"{site.url}{path}")
        expect(page.get_by_role("heading", level=1, name=title)).to_be_visible()
        expect(page.get_by_text(OF_BEFORE)).to_be_visible()
        assert faults(page) == []
    page.get_by_role("link", name="Messages", exact=True).last.click()
    expect(page.get_by_role("main").get_by_role("link", name="Lego club")).to_be_visible()
    page.goto(f"{site.url}{place}")
    expect(page.get_by_text("Free hot drink")).to_be_visible()
    find_signal(page, site)
    with page.expect_response(lambda response: response.url.endswith("/listings")):
        page.get_by_role("button", name="Try again").click()
    expect(page.get_by_text("Free hot drink")).to_be_visible()
    expect(page.get_by_role("button", name="Try again")).to_have_count(0)


def test_a_phone_without_room_claims_to_keep_nothing(
    open_page: Opener, site: FarSite, lose_signal: Callable[[Page], None]
) -> None:
    """It says so; with signal a check-in counts all the same."""
    page = open_page(f"/places/{site.library.id}")
    be_ready(page)
    page.evaluate(NO_ROOM)
    lose_signal(page)
    page.get_by_role("button", name="Check in here").click()
    expect(page.get_by_role("alert")).to_contain_text("You are offline.")
    expect(page.get_by_text("This phone has no room to keep things")).to_be_visible()
    find_signal(page, site)
    page.get_by_role("button", name="Check in here").click()
    page.get_by_role("button", name="I agree, check me in").click()
    expect(page.get_by_role("heading", name="You are checked in at Exeter")).to_be_focused()


def test_a_task_is_done_without_signal(
    sign_in: Callable[..., Page],
    site: FarSite,
    make_task: MakeTask,
    lose_signal: Callable[[Page], None],
) -> None:
    """Begun, ticked, noted, photographed, done; all of it is sent once, after signing in again."""
    task_id = make_task("Sweep the roof", checklist=[{"id": "sweep", "text": "Sweep"}])
    username = uuid4().hex
    page = sign_in(f"/tasks/{task_id}", username=username)
    page.get_by_role("button", name="Take this task").click()
    expect(page.get_by_text("The task is yours now.")).to_be_visible()
    be_ready(page, f"/v1/tasks/{task_id}", saying='"claimed"')

    lose_signal(page)
    page.get_by_role("button", name="Start").click()
    expect(page.get_by_role("link", name="1 thing waits for signal")).to_be_visible()
    page.get_by_role("button", name="It is done").click()
    expect(page.get_by_text("Tick everything on the list first.")).to_be_visible()
    page.get_by_label("Sweep").check()
    expect(page.get_by_role("link", name="2 things wait for signal")).to_be_visible()
    page.get_by_role("button", name="Add the note").click()
    page.get_by_label("Something the next person should know").fill("Mind the gulls.")
    page.get_by_role("button", name="Add the note").click()
    expect(page.get_by_role("link", name="3 things wait for signal")).to_be_visible()
    page.get_by_label("Add a photo").set_input_files(
        {"name": "a.jpg", "mimeType": "image/jpeg", "buffer": jpeg()}
    )
    expect(page.get_by_role("link", name="4 things wait for signal")).to_be_visible()
    page.reload()
    expect(page.get_by_text("1 of 1 done")).to_be_visible()
    page.get_by_role("button", name="It is done").click()
    expect(page.get_by_role("link", name="5 things wait for signal")).to_be_visible()
    assert faults(page) == []

    page.context.clear_cookies(name="member")
    find_signal(page, site)
    page.get_by_role("link", name="5 things wait for you to sign in").click()
    expect(page.get_by_role("heading", level=1, name="Not sent yet")).to_be_visible()
    page.get_by_role("link", name="Sign in", exact=True).first.click()
    page.get_by_label("Username").fill(username)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/unsent")
    expect(page.get_by_text("Nothing waits to be sent.")).to_be_visible()
    with transaction(site.sessions) as session:
        assert session.get_one(Task, task_id).state == TaskState.DONE
        steps = session.scalars(select(TaskStep.kind).where(TaskStep.task_id == task_id))
        assert sorted(steps) == ["claim", "done", "note", "start", "tick"]
    page.get_by_role("link", name="Tasks for staff").click()
    page.goto(f"{site.url}/tasks/{task_id}")
    expect(page.get_by_role("img", name="Photo 1, added")).to_be_visible()


def test_what_is_done_after_a_session_ended_is_sent_after_signing_in(
    sign_in: Callable[..., Page], site: FarSite, make_task: MakeTask
) -> None:
    """With signal all the while; the phone says that signing in is what is missing."""
    task_id = make_task("Oil the hinges", checklist=[{"id": "oil", "text": "Oil"}])
    path, username = f"/tasks/{task_id}", uuid4().hex
    page = sign_in(path, username=username)
    page.get_by_role("button", name="Take this task").click()
    expect(page.get_by_text("The task is yours now.")).to_be_visible()
    be_ready(page, f"/v1{path}", saying='"claimed"')

    page.context.clear_cookies(name="member")
    page.get_by_role("button", name="Start").click()
    expect(page.get_by_text("Kept on this phone until you sign in.")).to_be_visible()
    page.get_by_label("Oil").check()
    expect(page.get_by_role("link", name="2 things wait for you to sign in")).to_be_visible()
    page.get_by_role("button", name="It is done").click()
    expect(page.get_by_role("link", name="3 things wait for you to sign in")).to_be_visible()
    assert faults(page) == []
    come_in(page, path, username)
    eventually(lambda: not how_many_wait(page), within=PATIENCE)
    with transaction(site.sessions) as session:
        assert session.get_one(Task, task_id).state == TaskState.DONE
        steps = session.scalars(select(TaskStep.kind).where(TaskStep.task_id == task_id))
        assert sorted(steps) == ["claim", "done", "start", "tick"]


def test_what_was_refused_is_told_in_words(
    sign_in: Callable[..., Page],
    site: FarSite,
    make_task: MakeTask,
    lose_signal: Callable[[Page], None],
) -> None:
    """The task, which was only listed, was withdrawn meanwhile: what was typed is there to be read
    until it is deleted.
    """
    task_id = make_task("Wash the windows")
    page = sign_in("/tasks")
    page.evaluate(CLAIM, f"/v1/tasks/{task_id}/claim")
    page.get_by_role("button", name="Mine").click()
    be_ready(page, f"/v1/tasks/{task_id}", saying='"claimed"')
    lose_signal(page)
    page.get_by_role("link", name="Wash the windows").click()
    expect(page.get_by_text(OF_BEFORE)).to_be_visible()
    assert faults(page) == []
    page.get_by_role("button", name="Start").click()
    page.get_by_role("button", name="Add the note").click()
    page.get_by_label("Something the next person should know").fill("No ladder here.")
    page.get_by_role("button", name="Add the note").click()
    expect(page.get_by_role("link", name="2 things wait for signal")).to_be_visible()
    with transaction(site.sessions) as session:
        task = session.get_one(Task, task_id)
        task.state, task.claimed_by, task.leased_until = TaskState.CANCELLED, None, None

    find_signal(page, site)
    page.get_by_role("link", name="1 thing needs you").click()
    expect(page.get_by_text("This task was cancelled meanwhile.")).to_be_visible()
    expect(page.get_by_text("“No ladder here.”")).to_be_visible()
    assert faults(page) == []
    page.get_by_role("button", name="Delete 2 things").click()
    page.get_by_role("button", name="Delete 2 things").click()
    expect(page.get_by_text("Nothing waits to be sent.")).to_be_visible()
    with transaction(site.sessions) as session:
        steps = session.scalars(select(TaskStep.kind).where(TaskStep.task_id == task_id))
        assert sorted(steps) == ["claim"]


def test_nothing_of_anyone_is_left_for_the_next(
    sign_in: Callable[..., Page], make_task: MakeTask
) -> None:
    """What was seen goes when somebody signs out."""
    path = f"/tasks/{make_task('Read the meter')}"
    page = sign_in(path)
    expect(page.get_by_role("heading", level=1, name="Read the meter")).to_be_visible()
    be_ready(page, f"/v1{path}")
    page.evaluate(SIGN_OUT)
    eventually(lambda: not is_kept(page, f"/v1{path}", "Read the meter"), within=PATIENCE)
