"""Which pictures there are: a line for each state of a page that somebody should look at.

A page that is new in `addresses.ts` needs one here, `Shot("inbox", who=Who.CITIZEN)`; a test says
so. What has to be touched before the picture is taken is a function of the page.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from playwright.sync_api import Page, Route

from local.configuration import CHECKOUT
from local.screens.scene import BEGUN, CHECKLIST, POLLING_PLACE, Scene

ADDRESSES = CHECKOUT / "web" / "src" / "addresses.ts"
AN_ADDRESS = re.compile(r'^  (\w+): "(/[^"]*)",$', re.MULTILINE)

Step = Callable[[Page], None]


class Who(StrEnum):
    """Who looks at a page."""

    NOBODY = "nobody"
    """A browser that has been nowhere."""
    CITIZEN = "citizen"
    STAFF = "staff"


def stay(_page: Page) -> None:
    """Touch nothing."""


def touch(*names: str) -> Step:
    """Touch buttons in turn, by what stands on them."""

    def go(page: Page) -> None:
        for name in names:
            page.get_by_role("main").get_by_role("button", name=name, exact=True).first.click()

    return go


@dataclass(frozen=True, slots=True)
class Shot:
    """One state of a page; it is taken on a phone and on a desk, by day and by night."""

    page: str
    """Its name in `addresses.ts`."""
    state: str = "first"
    who: Who = Who.NOBODY
    go: Step = stay
    """What is touched once the page is there."""
    at: Callable[[Scene], Mapping[str, str]] = field(default=lambda _scene: {})
    """What the address says, where that is not what most pages are about."""
    behind: str = ""
    """What stands behind the address: a query or a fragment, with what the scene fills in."""
    has_position: bool = True
    fails: bool = False
    """Whether the service answers nothing that the page asks for."""
    welsh: bool = False
    """Whether it is also taken in Welsh, before anything is touched."""
    forced_colors: bool = False
    """Whether the system chooses all colours, as in high contrast."""

    @property
    def name(self) -> str:
        """What its files' names begin with."""
        return f"{self.page}-{self.state}-{self.who}"


def search_for(text: str) -> Step:
    """Look for places by a name."""

    def go(page: Page) -> None:
        page.get_by_role("searchbox").fill(text)
        page.get_by_role("button", name="Search", exact=True).click()

    return go


def task(title: str) -> Callable[[Scene], Mapping[str, str]]:
    """Say which task a page is about."""
    return lambda scene: {"taskId": scene.tasks[title]}


def nowhere(_scene: Scene) -> Mapping[str, str]:
    """Say that nothing of the kind is there."""
    return dict.fromkeys(("placeId", "taskId", "eventId", "offerId", "notificationId"), "none")


def polling_place(scene: Scene) -> Mapping[str, str]:
    """Say that it is about a sensitive place."""
    return {"placeId": scene.places[POLLING_PLACE]}


def open_all(page: Page) -> None:
    """Open what is folded up."""
    for summary in page.locator("main summary").all()[:2]:
        summary.click()


def open_message(page: Page) -> None:
    """Open the newest message, and what it says of itself."""
    page.get_by_role("main").get_by_role("heading", level=2).get_by_role("link").first.click()
    page.get_by_role("heading", name="Why you got this").wait_for()
    open_all(page)


def work_without_signal(page: Page) -> None:
    """Do two things to a task in the basement, and see what became of them."""
    page.get_by_role("link", name="Tasks for staff").click()
    page.get_by_role("link", name=BEGUN).click()
    page.get_by_role("heading", level=1, name=BEGUN).wait_for()
    page.route("**/v1/**", lambda route: route.abort("internetdisconnected"))
    page.get_by_role("checkbox", name=CHECKLIST[1]).click()
    note = page.get_by_role("button", name="Add the note")
    note.click()
    page.get_by_role("textbox").fill("The lamp in the boiler room is broken.")
    note.click()
    page.get_by_role("link", name="2 things wait for signal").click()


CITIZEN, STAFF = Who.CITIZEN, Who.STAFF
HERE, ALL, NEAR = touch("Use my location"), touch("All"), touch("Near", "Use my location")

SHOTS: tuple[Shot, ...] = (
    Shot("nearMe", welsh=True),
    Shot("nearMe", "found", CITIZEN, go=HERE),
    Shot("nearMe", "none", go=search_for("Atlantis")),
    Shot("nearMe", "faulty", go=search_for("")),
    Shot("nearMe", "denied", go=HERE, has_position=False),
    Shot("nearMe", "failed", go=HERE, fails=True),
    Shot("place", welsh=True),
    Shot("place", "asking", go=touch("Check in here")),
    Shot("place", "checked-in", CITIZEN, go=touch("Check in here")),
    Shot("place", "sensitive", at=polling_place),
    Shot("place", "missing", at=nowhere),
    Shot("place", "failed", fails=True),
    Shot("offer", welsh=True),
    Shot("offer", "code", CITIZEN, go=touch("Get my code")),
    Shot("offer", "missing", at=nowhere),
    Shot("event", welsh=True),
    Shot("event", "booked", CITIZEN, go=touch("Book a place")),
    Shot("event", "missing", at=nowhere),
    Shot("mine"),
    Shot("mine", who=CITIZEN, welsh=True),
    Shot("checkIn", "without-code"),
    Shot("checkIn", "with-code", behind="#{code}", welsh=True),
    Shot("checkIn", "checked-in", CITIZEN, behind="#{code}", go=touch("Check in here")),
    Shot("watching", welsh=True),
    Shot("watching", "sensitive", at=polling_place),
    Shot("map"),
    Shot("map", "here", CITIZEN, go=touch("Show where I am"), welsh=True),
    Shot("you", welsh=True),
    Shot("you", who=CITIZEN),
    Shot("you", who=STAFF),
    Shot("choices"),
    Shot("choices", who=CITIZEN, welsh=True),
    Shot("choices", "stopping", CITIZEN, go=touch("Stop this")),
    Shot("choices", "failed", CITIZEN, fails=True),
    Shot("data"),
    Shot("data", who=CITIZEN, go=open_all, welsh=True),
    Shot("data", "erasing", CITIZEN, go=touch("Make a code", "Delete everything")),
    Shot("messages"),
    Shot("messages", who=CITIZEN, welsh=True),
    Shot("messages", "failed", CITIZEN, fails=True),
    Shot("messages", "opened", CITIZEN, go=open_message),
    Shot("messages", "in-high-contrast", CITIZEN, forced_colors=True),
    Shot("message", "missing", CITIZEN, at=nowhere),
    Shot("telling"),
    Shot("telling", who=CITIZEN, welsh=True),
    Shot("telling", who=STAFF),
    Shot("signIn", welsh=True),
    Shot("signIn", "faulty", go=touch("Sign in")),
    Shot("signIn", who=STAFF),
    Shot("password", welsh=True),
    Shot("password", "choosing", behind="#made-up", go=touch("Set the password")),
    Shot("join", behind="#1111-1111", welsh=True),
    Shot("join", "known", CITIZEN, behind="#1111-1111", go=touch("Add this phone")),
    Shot("email", behind="#made-up", welsh=True),
    Shot("email", "stopping", behind="#stop=made-up"),
    Shot("email", "incomplete"),
    Shot("tasks"),
    Shot("tasks", "mine", STAFF, welsh=True),
    Shot("tasks", "all", STAFF, go=ALL),
    Shot("tasks", "near", STAFF, go=NEAR),
    Shot("tasks", "map", STAFF, go=touch("All", "Show these on a map")),
    Shot("tasks", "in-high-contrast", STAFF, go=ALL, forced_colors=True),
    Shot("tasks", "failed", STAFF, fails=True),
    Shot("task"),
    Shot("task", "begun", STAFF, welsh=True),
    Shot("task", "declining", STAFF, go=touch("I cannot do it", "Send")),
    Shot("task", "late", STAFF, at=task("The flap of the returns box sticks")),
    Shot("task", "waiting", STAFF, at=task("Send the readings to the energy team")),
    Shot("task", "missing", STAFF, at=nowhere),
    Shot("unsent", welsh=True),
    Shot("unsent", "full", STAFF, go=work_without_signal),
    Shot("atWork"),
    Shot("atWork", who=STAFF, welsh=True),
)


def read_addresses() -> Mapping[str, str]:
    """Return the address of each page of the app, with parameters in braces, by its name."""
    return dict(AN_ADDRESS.findall(ADDRESSES.read_text("utf-8")))


def fail(route: Route) -> None:
    """Answer as a service does that has trouble."""
    route.fulfill(status=503, body="")
