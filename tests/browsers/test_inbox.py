"""What pushes lead to: several at once, and work to where it is done."""

from uuid import uuid4

from tests.browsers.acting import agree, ask, be_told, check_in, set_up, turn_on
from tests.browsers.desktop import Desktop
from tests.browsers.driving import PATIENCE, Visitor
from tests.browsers.site import Site
from tests.eventually import eventually
from tests.signing import PASSWORD


def test_a_push_of_several_shows_all_of_them(visitor: Visitor, site: Site, title: str) -> None:
    """Each is new in the inbox until the push is opened, which shows them whole; then none is."""
    screen = set_up(visitor, site)
    titles = [f"{title} {number}" for number in range(3)]
    be_told(screen, site, *titles)
    screen.open(f"{site.url}/notifications")
    for one in titles:
        screen.reads(one)
    screen.reads("New")

    screen.open(site.link(titles[0]))
    screen.reads("3 things at Exeter Library")
    for one in titles:
        screen.reads(one)
    eventually(lambda: site.unread(titles) == 0, within=PATIENCE)
    screen.open(f"{site.url}/notifications")
    screen.reads(titles[0])
    assert not screen.evaluate("document.querySelector('main .mark')")


def test_a_push_about_a_task_opens_the_task(
    visitor: Visitor, site: Site, desktop: Desktop, title: str
) -> None:
    """For somebody who signed in here, whose browser is their work phone."""
    username = uuid4().hex
    site.make_account(username)
    screen = visitor.open(f"{site.url}/sign-in?next=/tasks")
    screen.fill("Username", username)
    screen.fill("Password", PASSWORD)
    screen.click("Sign in")
    screen = visitor.screen_at(f"{site.url}/tasks")
    screen.reads("You have no tasks.")
    agree(screen, "staff-tasks")
    ask(screen, "PUT", "/v1/working-hours", {"hours": "Mo-Su 00:00-24:00"})
    turn_on(screen, site)
    place_id, task_id = site.make_task(title)
    check_in(screen, place_id)
    site.work()
    eventually(lambda: desktop.titles() == [title], within=PATIENCE)

    desktop.click(title)

    visitor.screen_at(f"{site.url}/tasks/{task_id}").reads("Take this task")
    eventually(lambda: site.receipts(title) == {"shown", "clicked"}, within=PATIENCE)
    eventually(lambda: site.unread([title]) == 0, within=PATIENCE)
