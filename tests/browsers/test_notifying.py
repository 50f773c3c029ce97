"""From a check-in to the screen and back: real pushes, browsers, clicks and receipts."""

import json
from typing import Any

import pytest

from tests.browsers.acting import be_told, set_up
from tests.browsers.desktop import Desktop
from tests.browsers.driving import PATIENCE, Screen, Visitor
from tests.browsers.site import Site
from tests.eventually import eventually

ON_SCREEN = """() => navigator.serviceWorker.ready
    .then((registration) => registration.getNotifications())
    .then((all) => all.map(({ title, body, tag }) => ({ title, body, tag })))"""
KEEPING = """(work) => new Promise((resolve, reject) => {
    const opening = indexedDB.open("geoservices");
    opening.onerror = () => reject(opening.error);
    opening.onsuccess = () => {
        const { result: database } = opening;
        const receipts = database.transaction("receipts", "readwrite").objectStore("receipts");
        const request = work === null ? receipts.getAll() : receipts.add(work);
        request.onsuccess = () => { database.close(); resolve(request.result); };
        request.onerror = () => reject(request.error);
    };
})"""


def kept_by(screen: Screen) -> list[Any]:
    """The receipts that a browser has still to send."""
    found: list[Any] = screen.evaluate(KEEPING)
    return found


def hostile(navigate: str) -> bytes:
    """A message that leads elsewhere."""
    told = {"title": "Come here", "body": "It is worth it.", "navigate": navigate, "tag": "a"}
    return json.dumps({"web_push": 8030, "notification": told}).encode()


def test_a_check_in_is_told_and_what_becomes_of_it_comes_back(
    visitor: Visitor, site: Site, desktop: Desktop, title: str
) -> None:
    """Encrypted by the worker, decrypted by the browser, shown, clicked, and read on the page."""
    screen = set_up(visitor, site)

    be_told(screen, site, title)

    eventually(lambda: desktop.titles() == [title], within=PATIENCE)
    eventually(lambda: site.receipts(title) == {"shown"}, within=PATIENCE)
    link = site.link(title)
    tag = link.rpartition("/")[2].replace("-", "")
    assert screen.evaluate(ON_SCREEN) == [{"title": title, "body": "Come in.", "tag": tag}]
    assert not desktop.ever[0].is_silent
    screen.reads("Messages pop up on this phone, and they arrive.")

    desktop.click(title)

    opened = visitor.screen_at(link)
    opened.reads("You checked in at Exeter Library.")
    opened.reads("It was sent to your phone.")
    eventually(lambda: site.receipts(title) == {"shown", "clicked"}, within=PATIENCE)
    assert desktop.titles() == []


def test_a_click_opens_the_page_where_none_is_open(
    visitor: Visitor, site: Site, desktop: Desktop, title: str
) -> None:
    """The service worker is woken for it."""
    screen = set_up(visitor, site)
    be_told(screen, site, title)
    eventually(lambda: desktop.titles() == [title], within=PATIENCE)
    visitor.open("about:blank")
    screen.close()

    desktop.click(title)

    visitor.screen_at(site.link(title)).reads(title)
    eventually(lambda: site.receipts(title) == {"shown", "clicked"}, within=PATIENCE)


def test_a_copy_takes_the_place_of_the_first_and_is_quiet(
    visitor: Visitor, site: Site, desktop: Desktop, title: str
) -> None:
    """Once the first was wiped away, a copy does not come back."""
    screen = set_up(visitor, site)
    be_told(screen, site, title)
    eventually(lambda: site.receipts(title) == {"shown"}, within=PATIENCE)

    site.send_again(title)

    eventually(lambda: len(desktop.ever) == 2, within=PATIENCE)
    eventually(lambda: desktop.titles() == [title], within=PATIENCE)
    assert len(screen.evaluate(ON_SCREEN)) == 1

    desktop.dismiss(title)
    eventually(lambda: site.receipts(title) == {"shown", "dismissed"}, within=PATIENCE)
    site.send_again(title)

    eventually(lambda: len(desktop.ever) == 3, within=PATIENCE)
    eventually(lambda: desktop.titles() == [], within=PATIENCE)
    assert [one.is_silent for one in desktop.ever] == [False, True, True]
    assert screen.evaluate(ON_SCREEN) == []


def test_receipts_wait_for_a_connection(
    visitor: Visitor, site: Site, desktop: Desktop, title: str
) -> None:
    """The notification is shown all the same, and the next visit to the page sends them."""
    screen = set_up(visitor, site)
    site.line.cut.add("/v1/receipts")
    be_told(screen, site, title)
    eventually(lambda: desktop.titles() == [title], within=PATIENCE)
    desktop.dismiss(title)
    eventually(lambda: len(kept_by(screen)) == 2, within=PATIENCE)
    assert site.receipts(title) == set()

    site.line.cut.clear()
    screen.open(f"{site.url}/notifications")

    eventually(lambda: site.receipts(title) == {"shown", "dismissed"}, within=PATIENCE)
    eventually(lambda: kept_by(screen) == [], within=PATIENCE)


@pytest.mark.parametrize(
    ("payload", "shown"),
    [
        (b"\xff", "There is something new for you"),
        (b'{"notification": {"body": "without a title"}}', "There is something new for you"),
        (hostile("https://elsewhere.example/"), "Come here"),
    ],
    ids=["no JSON", "no title", "a link to others"],
)
def test_whatever_comes_is_shown_and_leads_nowhere_else(
    visitor: Visitor, site: Site, desktop: Desktop, payload: bytes, shown: str
) -> None:
    """A push that shows nothing would cost the permission."""
    screen = set_up(visitor, site)
    screen.open(f"{site.url}/notifications?folder=archive")

    site.push(payload)

    eventually(lambda: desktop.titles() == [shown], within=PATIENCE)
    desktop.click(shown)
    visitor.screen_at(f"{site.url}/notifications")


def test_a_receipt_that_is_refused_holds_up_no_other(
    visitor: Visitor, site: Site, desktop: Desktop, title: str
) -> None:
    """What the service cannot read is given up, the rest is sent."""
    screen = set_up(visitor, site)
    screen.evaluate(KEEPING, {"token": "", "kind": "shown", "occurred_at": "never"})

    be_told(screen, site, title)

    eventually(lambda: site.receipts(title) == {"shown"}, within=PATIENCE)
    eventually(lambda: kept_by(screen) == [], within=PATIENCE)
    assert desktop.titles() == [title]
