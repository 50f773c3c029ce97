"""However somebody reads and touches: other colours, no motion, from the right, twice, back."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browsing import Held
from tests.scanning import paint_png, scan
from tests.web.conftest import Opener, Site, faults
from tests.web.test_checking_in import heading

MOVING = """() => document.getAnimations()
    .filter((one) => one.playState === "running" && one.effect.getTiming().duration > 1)
    .map((one) => one.effect.target.outerHTML.slice(0, 200))"""
WITHOUT_AN_EDGE = """() => [...document.querySelectorAll("main :is(button, .button, select)")]
    .filter((one) => getComputedStyle(one).borderTopStyle === "none")
    .map((one) => one.outerHTML.slice(0, 200))"""
"""Where a system chooses all colours, a background alone shows nobody what can be touched."""
GROUNDS = """() => ["chosen", "others"].map((which) => {
    const chosen = "[aria-pressed=true], [aria-current=page]";
    const all = [...document.querySelectorAll("main :is([role=group] button, nav a)")];
    const some = all.filter((one) => one.matches(chosen) === (which === "chosen"));
    return some.map((one) => getComputedStyle(one).backgroundColor);
})"""
"""On which grounds there stands what is chosen among others, and on which these stand."""
MIRRORED = """() => {
    document.documentElement.dir = "rtl";
    const left = (selector) => document.querySelector(selector).getBoundingClientRect().left;
    const out = [...document.body.querySelectorAll("*:not(.unseen)")]
        .filter((one) => one.getBoundingClientRect().left < 0)
        .map((one) => ["sticks out", one.outerHTML.slice(0, 200)]);
    return [left("header .brand") > left("header nav"), out];
}"""


def read_rightwards(page: Page) -> list[Any]:
    """Turn the page round as a language would that is written from the right, and what is wrong."""
    is_mirrored, out = page.evaluate(MIRRORED)
    found = [*out, *faults(page), *([] if is_mirrored else ["not mirrored"])]
    page.evaluate("document.documentElement.dir = 'ltr'")
    return found


def test_in_the_systems_colours_and_without_motion(
    browser: Browser, open_page: Opener, site: Site
) -> None:
    """What can be touched has an edge, and nothing moves, even while something is on its way."""
    if browser.browser_type.name != "chromium":
        pytest.skip("this browser cannot be told so")
    page = open_page(
        "/",
        forced_colors="active",
        reduced_motion="reduce",
        contrast="more",
        # It would ask in the page's place, where nothing can be held.
        service_workers="block",
    )
    assert page.evaluate("matchMedia('(forced-colors: active)').matches")
    held = Held(page, "**/v1/places?*")
    page.get_by_role("button", name="Use my location").click()
    expect(page.get_by_role("main").get_by_role("status")).to_have_text("Loading")
    found = {"on its way": [*page.evaluate(MOVING), *page.evaluate(WITHOUT_AN_EDGE)]}
    held.let_go()
    page.get_by_role("link", name="Exeter Library").click()
    heading(page, "Exeter Library")
    expect(page.get_by_text("With any book.")).to_be_visible()
    page.get_by_role("button", name="Check in here").click()
    expect(page.get_by_role("heading", name="Before you check in")).to_be_focused()
    found["place"] = [*page.evaluate(MOVING), *page.evaluate(WITHOUT_AN_EDGE), *faults(page)]
    page.goto(f"{site.url}/you/choices")
    expect(page.get_by_label("Your time zone")).to_be_visible()
    found["choices"] = [*page.evaluate(MOVING), *page.evaluate(WITHOUT_AN_EDGE), *faults(page)]
    assert {name: told for name, told in found.items() if told} == {}


def test_what_is_chosen_and_a_code_in_the_systems_colours(
    browser: Browser, sign_in: Callable[..., Page], site: Site
) -> None:
    """The view of tasks and the folder have a ground of their own; a code can be scanned."""
    if browser.browser_type.name != "chromium":
        pytest.skip("this browser cannot be told so")
    page = sign_in("/at-work", forced_colors="active", color_scheme="dark")
    page.get_by_role("button", name="Show the code").click()
    code = page.get_by_role("img", name="Code that sets OwnTracks up")
    link = page.get_by_role("link", name="Or open it on this phone").get_attribute("href")
    assert scan(paint_png(code.screenshot())) == link
    for path, chosen in (("/tasks", "Mine"), ("/notifications", "New and read")):
        page.goto(f"{site.url}{path}")
        expect(page.locator("main").get_by_text(chosen, exact=True)).to_be_visible()
        grounds, others = page.evaluate(GROUNDS)
        assert (len(grounds), set(grounds) & set(others)) == (1, set()), path
        assert faults(page) == []


def test_from_the_right_and_with_large_letters(open_page: Opener, site: Site) -> None:
    """A language that is written from the right turns everything round, at any size of letters."""
    found = {}
    page = open_page("/", viewport={"width": 320, "height": 700})
    page.get_by_role("button", name="Use my location").click()
    expect(page.get_by_role("link", name="Exeter Library")).to_be_visible()
    found["near me"] = read_rightwards(page)
    page.evaluate("document.documentElement.style.fontSize = '200%'")
    found["near me, large"] = read_rightwards(page)
    for path, shown in (
        (f"/places/{site.library.id}", "Opening hours"),
        (f"/places/{site.library.id}/watching", "How long we keep it"),
        ("/you", "We do not know this phone"),
        ("/tasks", "Sign in to see tasks"),
    ):
        page.goto(f"{site.url}{path}")
        expect(page.get_by_text(shown)).to_be_visible()
        found[path] = read_rightwards(page)
        page.evaluate("document.documentElement.style.fontSize = '200%'")
        found[f"{path}, large"] = read_rightwards(page)
    assert {name: told for name, told in found.items() if told} == {}


def test_touched_twice_and_gone_back(open_page: Opener, site: Site) -> None:
    """What is touched twice is done once; who goes back and forth finds things as they are."""
    page = open_page(f"/places/{site.library.id}")
    page.get_by_role("button", name="Check in here").dblclick()
    page.get_by_role("button", name="I agree, check me in").dblclick()
    expect(page.get_by_role("heading", name="You are checked in at Exeter")).to_be_focused()
    check_ins = "fetch('/v1/check-ins').then((r) => r.json()).then(({ items }) => items.length)"
    assert page.evaluate(check_ins) == 1
    page.get_by_role("link", name="You", exact=True).dblclick()
    # The second click has the focus at the link, where that comes late.
    expect(page.get_by_role("heading", level=1, name="You and this phone")).to_be_visible()
    expect(page.get_by_text("We know this phone")).to_be_visible()
    page.go_back()
    heading(page, "Exeter Library")
    expect(page.get_by_role("button", name="Check in here")).to_be_visible()
    page.go_forward()
    heading(page, "You and this phone")
    assert page.evaluate(check_ins) == 1
