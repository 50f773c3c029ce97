"""Subscriptions of real browsers, from the opt-in to the end, whoever ends them."""

import httpx2
import pytest

from geoservices.push.vapid import vapid_public_key
from local.browser import NO_TLS
from tests.browsers.acting import agree, be_told, device_of, set_up
from tests.browsers.desktop import Desktop
from tests.browsers.driving import PATIENCE, Engine, Visitor
from tests.browsers.site import Site
from tests.eventually import eventually

IS_OFF = "Messages do not pop up on this phone."
UNSUBSCRIBE = """() => navigator.serviceWorker.ready
    .then((registration) => registration.pushManager.getSubscription())
    .then((subscription) => subscription.unsubscribe())"""


def test_a_test_arrives_and_says_so_on_the_page(
    visitor: Visitor, site: Site, desktop: Desktop
) -> None:
    """Until something was shown here, nobody claims that notifications work."""
    screen = set_up(visitor, site)
    screen.reads("None has arrived yet")

    screen.click("Send me a test")
    screen.reads("A test is on its way.")
    site.work()

    eventually(desktop.titles, within=PATIENCE)
    screen.reads("Messages pop up on this phone, and they arrive.")


def test_turned_off_nothing_is_pushed_and_all_is_there_to_read(
    visitor: Visitor, site: Site, desktop: Desktop, title: str
) -> None:
    """The inbox does not depend on push."""
    screen = set_up(visitor, site)

    screen.click("Turn this off")
    screen.reads(IS_OFF)
    be_told(screen, site, title)

    [subscription] = site.subscriptions(device_of(screen))
    assert subscription["ended_at"] is not None
    screen.open(f"{site.url}/notifications")
    screen.reads(title)
    screen.open(f"{site.url}/you/messages")
    screen.reads(IS_OFF)
    assert desktop.ever == []


def test_a_subscription_that_the_browser_ended_is_ended_here(
    visitor: Visitor, site: Site, title: str
) -> None:
    """Its push service says 410, and the next visit makes another one."""
    screen = set_up(visitor, site)
    screen.evaluate(UNSUBSCRIBE)

    be_told(screen, site, title)

    device_id = device_of(screen)
    assert [row["ended_at"] is None for row in site.subscriptions(device_id)] == [False]
    screen.open(f"{site.url}/notifications")
    screen.reads("Messages")
    eventually(lambda: len(site.subscriptions(device_of(screen))) == 2, within=PATIENCE)
    assert [row["ended_at"] is None for row in site.subscriptions(device_id)] == [False, True]


def test_a_new_key_is_taken_over_on_the_next_visit(
    visitor: Visitor, site: Site, desktop: Desktop, title: str
) -> None:
    """The browser subscribes anew, and what it had before is replaced."""
    screen = set_up(visitor, site)

    site.rotate_key()
    screen.open(f"{site.url}/notifications")
    screen.reads("Messages")
    eventually(lambda: len(site.subscriptions(device_of(screen))) == 2, within=PATIENCE)

    before, after = site.subscriptions(device_of(screen))
    assert before["ended_at"] is not None
    assert after["ended_at"] is None
    assert after["vapid_key"] == vapid_public_key(site.settings.push)
    be_told(screen, site, title)
    eventually(lambda: desktop.titles() == [title], within=PATIENCE)


@pytest.mark.parametrize("browser", ["firefox"], indirect=True)
def test_a_browser_that_lost_its_subscriptions_tells_us_its_new_one(
    visitor: Visitor, site: Site, desktop: Desktop, title: str, mozilla_url: str
) -> None:
    """Firefox says `pushsubscriptionchange`, without a page open; Chromium never says it."""
    screen = set_up(visitor, site)
    device_id = device_of(screen)
    screen.open(f"{site.url}/screen")

    httpx2.post(f"{mozilla_url}/forget-agents", verify=NO_TLS).raise_for_status()

    eventually(lambda: len(site.subscriptions(device_id)) == 2, within=PATIENCE)
    before, after = site.subscriptions(device_id)
    assert before["ended_at"] is not None
    assert after["ended_at"] is None
    screen.open(f"{site.url}/notifications")
    be_told(screen, site, title)
    eventually(lambda: desktop.titles() == [title], within=PATIENCE)


def test_a_page_whose_notifications_are_blocked_says_what_to_do(
    browser: Engine, site: Site
) -> None:
    """And does not ask again."""
    with browser.visitor(site.url, allowed=False) as visitor:
        screen = visitor.open(f"{site.url}/notifications")
        screen.click("Start with this phone")
        screen.reads("There are no messages here.")
        agree(screen, "check-in-content")
        screen.evaluate("Notification.requestPermission()")
        screen.open(f"{site.url}/you/messages")

        screen.reads("You have told this browser to show no messages from us")
        screen.reads("allow them for this page.")
