"""The page itself: the inbox, the single notification, and whether everybody can use it."""

from pathlib import Path
from typing import Any, Literal

import axe_playwright_python
import pytest

from tests.browsers.acting import IS_ON, be_told, set_up
from tests.browsers.driving import Engine, Screen, Visitor
from tests.browsers.site import Site

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text("utf-8")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
CHECK = """(tags) => axe.run(document, { runOnly: { type: 'tag', values: tags } })
    .then(({ violations }) => violations.map(({ id, nodes }) => [id, nodes.map((n) => n.html)]))"""
WIDER_THAN_THE_SCREEN = "document.documentElement.scrollWidth > window.innerWidth"


def faults(screen: Screen) -> list[Any]:
    """What axe finds fault with."""
    screen.evaluate(f"() => {{ {AXE} }}")
    found: list[Any] = screen.evaluate(CHECK, RULES)
    return [*found, *(["too wide"] if screen.evaluate(WIDER_THAN_THE_SCREEN) else [])]


def test_the_inbox_keeps_what_was_told_until_it_is_put_away(
    visitor: Visitor, site: Site, title: str
) -> None:
    """New at first, read once opened, and back again from the archive."""
    screen = set_up(visitor, site)
    be_told(screen, site, title)
    screen.open(f"{site.url}/notifications")
    screen.reads("New")

    screen.click(title, role="link")
    screen.reads("Why did I get this?")
    screen.reads("You agreed to be told of such things.")
    screen.click("All notifications", role="link")
    screen.reads(title)
    assert not screen.evaluate("document.querySelector('.mark')")

    screen.click(f"Archive: {title}")
    screen.reads("Moved to the archive.")
    screen.reads("There is nothing here yet.")
    screen.click("Archive", role="link")
    screen.click(f"Move back: {title}")
    screen.reads("Nothing is archived.")
    screen.open(f"{site.url}/notifications")
    screen.reads(title)


def test_a_push_of_several_shows_all_of_them(
    visitor: Visitor, site: Site, title: str, tmp_path: Path
) -> None:
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
    assert faults(screen) == []
    screen.photograph(tmp_path / "bundle.png")
    assert screen.evaluate("document.getElementById('single-archive').offsetParent") is None
    screen.open(f"{site.url}/notifications")
    screen.reads(titles[0])
    assert not screen.evaluate("document.querySelector('.mark')")


def test_a_notification_of_somebody_elses_is_not_shown(
    browser: Engine, site: Site, title: str
) -> None:
    """Its address alone tells nothing, with a device of one's own or with none."""
    with browser.visitor(site.url) as told:
        be_told(set_up(told, site), site, title)
    with browser.visitor(site.url) as other:
        screen = other.open(site.link(title))
        screen.reads("This notification is another")
        screen.click("Set up this browser")
        screen.reads("There is nothing here yet.")
        screen.open(site.link(title))
        screen.reads("There is no such notification for this browser.")


def test_a_device_that_was_revoked_is_set_up_anew(visitor: Visitor, site: Site) -> None:
    """Instead of failing for ever."""
    screen = set_up(visitor, site)
    screen.evaluate("calls.call('DELETE', '/v1/devices/me')")

    screen.open(f"{site.url}/notifications")

    screen.reads("This browser is no longer known to us")
    screen.click("Set up this browser")
    screen.reads("There is nothing here yet.")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everybody_can_use_the_pages(
    visitor: Visitor, site: Site, title: str, scheme: Literal["light", "dark"], tmp_path: Path
) -> None:
    """Axe finds no fault with them on a phone's screen, by day and by night."""
    screen = visitor.open(f"{site.url}/notifications")
    screen.set_scheme(scheme)
    screen.reads("Public services near you")
    welcome = faults(screen)
    screen.close()
    screen = set_up(visitor, site)
    be_told(screen, site, title)
    screen.open(f"{site.url}/notifications")
    screen.set_scheme(scheme)
    screen.reads(title)
    screen.reads(IS_ON)
    overview = faults(screen)
    screen.photograph(tmp_path / "overview.png")
    screen.open(site.link(title))
    screen.reads("You checked in at Exeter Library.")
    single = faults(screen)
    screen.photograph(tmp_path / "single.png")

    assert {"welcome": welcome, "overview": overview, "single": single} == {
        "welcome": [],
        "overview": [],
        "single": [],
    }
