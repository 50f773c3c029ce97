"""A browser tells where it is while the app is open, against the running service."""

from datetime import timedelta

from playwright.sync_api import Locator, Page, expect
from sqlalchemy import func, select

from geoservices import clock
from geoservices.accounts.consents import TEXTS
from geoservices.accounts.models import Consent, Purpose
from geoservices.database import transaction
from geoservices.pings.models import Ping
from geoservices.visits.models import Visit
from tests.api.telling import tell
from tests.eventually import eventually
from tests.factories import EXETER
from tests.web.conftest import Opener, Site, faults

OUTSIDE = (EXETER[0] + 0.0018, EXETER[1])
"""About 130 m away, outside of what is watched."""
NORTH = (OUTSIDE[0], OUTSIDE[1] + 0.0018)
"""Another 200 m away."""
UNSEEN = (OUTSIDE[0] + 0.0018, OUTSIDE[1])
SOON_MS = 60_000
"""A position is sent some ten seconds after it was found; the first may find loops uncompiled."""
SURE_S = 45
"""A position that was leapt to is confirmed sooner than by what a phone that lies still sends."""
NOW = "Finding out where you are while this is open"


def bar(page: Page) -> Locator:
    """What stands on every page while somebody is being located."""
    return page.get_by_role("region", name="Where you are")


def go(page: Page, to: tuple[float, float], accuracy_m: float = 5) -> None:
    """Have the phone be somewhere else."""
    page.context.set_geolocation({"longitude": to[0], "latitude": to[1], "accuracy": accuracy_m})


def lie(page: Page, at: tuple[float, float], *, until: Locator) -> None:
    """Have the phone lie somewhere, found a hand's breadth away each second, until it shows."""
    for second in range(SURE_S):
        if until.is_visible():
            break
        go(page, (at[0] + second % 2 * 1e-6, at[1]))
        page.wait_for_timeout(1_000)
    expect(until).to_be_visible()


def turn_on(page: Page) -> None:
    """Choose it where it is offered, and agree to what it takes."""
    page.get_by_role("button", name="Tell me when I come by a place").click()
    expect(page.get_by_role("heading", name="Tell me when I come by a place")).to_be_focused()
    expect(page.get_by_text("It is off in this browser.")).to_be_visible()
    page.get_by_role("button", name="Turn it on").click()
    expect(page.get_by_role("heading", name="Before you turn it on")).to_be_focused()
    expect(page.get_by_text("When my phone shares where I am")).to_be_visible()
    page.get_by_role("button", name="I agree, turn it on").click()
    expect(page.get_by_text("It is on in this browser.")).to_be_visible()
    expect(bar(page)).to_contain_text(NOW)


def positions(site: Site) -> int:
    """How many positions are stored."""
    with site.sessions() as session:
        return session.scalar(select(func.count()).select_from(Ping)) or 0


def arrive(site: Site, count: int) -> None:
    """Wait until so many positions are stored."""
    eventually(lambda: positions(site) >= count, within=timedelta(milliseconds=SOON_MS))


def look_away(page: Page, *, away: bool) -> None:
    """Have another app be on the screen, or this one again."""
    page.evaluate(
        """(away) => {
            Object.defineProperty(document, "hidden", { configurable: true, value: away });
            document.dispatchEvent(new Event("visibilitychange"));
        }""",
        away,
    )


def test_whoever_comes_by_with_the_app_open_is_told(open_page: Opener, site: Site) -> None:
    """Asked for, seen on every page, a visit and a message come of it; stopped with one touch."""
    page = open_page("/", at=OUTSIDE)
    expect(bar(page)).to_have_count(0)
    assert page.context.cookies() == []
    turn_on(page)
    came = bar(page).get_by_role("link", name="Exeter Library")
    lie(page, EXETER, until=came)
    expect(bar(page)).to_contain_text("You came here at")
    came.click()
    expect(page.get_by_role("heading", level=1, name="Exeter Library")).to_be_focused()
    expect(bar(page)).to_contain_text(NOW)

    with transaction(site.sessions) as session:
        tell(session, site.settings)
    [message] = page.evaluate("fetch('/v1/notifications').then((a) => a.json())")["items"]
    assert message["title"] == "Free hot drink"
    [visit] = page.evaluate("fetch('/v1/visits').then((a) => a.json())")["items"]
    with site.sessions() as session:
        assert session.get_one(Visit, visit["id"]).place_id == site.library.id

    # In another window of the same browser it is on too, and one of them does it.
    other = page.context.new_page()
    other.goto(f"{site.url}/you/choices")
    expect(bar(other)).to_contain_text("Another window of this browser")
    expect(other.get_by_text("It is on in this browser.")).to_be_visible()
    bar(other).get_by_role("button", name="Stop").click()
    expect(bar(other)).to_contain_text("You stopped it.")
    expect(bar(page)).to_have_count(0)
    bar(other).get_by_role("button", name="Close").click()
    expect(bar(other)).to_have_count(0)
    other.reload()
    expect(other.get_by_text("It is off in this browser.")).to_be_visible()
    expect(bar(other)).to_have_count(0)


def test_it_stops_when_it_is_no_longer_allowed_and_says_why(open_page: Opener, site: Site) -> None:
    """By the browser's settings, by taking back what was agreed to; never asked for on load."""
    page = open_page("/", at=OUTSIDE)
    before = positions(site)
    turn_on(page)
    arrive(site, before + 1)
    page.context.clear_permissions()
    expect(bar(page)).to_contain_text("Your browser no longer lets us see where you are")
    expect(page.get_by_text("It is off in this browser.")).to_be_visible()
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(bar(page)).to_have_count(0)
    stored = positions(site)

    # The browser asks once more: one forbids it at once, with the other nobody answers.
    page.clock.install()
    page.reload()
    page.get_by_role("button", name="Tell me when I come by a place").click()
    page.get_by_role("button", name="Turn it on").click()
    if page.context.browser and page.context.browser.browser_type.name == "chromium":
        expect(bar(page)).to_contain_text("Allow it in the browser’s settings")
    else:
        expect(bar(page)).to_contain_text(NOW)
        page.clock.run_for(30_000)
        expect(bar(page)).to_contain_text("It takes long to find out where you are.")
        # Nor does it ask again by itself when the page is opened anew.
        page.reload()
        expect(bar(page)).to_contain_text("Your browser wants to ask you again.")
        bar(page).get_by_role("button", name="Stop").click()
    assert positions(site) == stored

    page.context.grant_permissions(["geolocation"])
    page.goto(f"{site.url}/you/choices")
    page.get_by_role("button", name="Turn it on").click()
    expect(bar(page)).to_contain_text(NOW)
    page.get_by_role("button", name="Stop this").click()
    page.get_by_role("button", name="Yes, stop and delete").click()
    expect(bar(page)).to_contain_text("You do not agree to this any more")
    expect(page.get_by_text("It is off in this browser.")).to_be_visible()


def test_out_of_sight_without_a_connection_and_by_a_wrong_clock(
    open_page: Opener, site: Site
) -> None:
    """Nothing is looked up unseen; what was found offline comes later; a wrong clock is told of."""
    page = open_page("/", at=OUTSIDE)
    page.clock.install()
    page.reload()
    before = positions(site)
    turn_on(page)
    arrive(site, before + 1)
    go(page, NORTH)
    page.clock.run_for(20_000)
    arrive(site, before + 2)

    look_away(page, away=True)
    go(page, UNSEEN)
    page.clock.run_for(120_000)
    go(page, OUTSIDE)
    page.context.set_offline(offline=True)
    look_away(page, away=False)
    page.clock.run_for(20_000)
    expect(bar(page)).to_contain_text("We cannot reach our service", timeout=SOON_MS)
    expect(page.get_by_text("1 thing waits for signal")).to_be_visible()
    # The phone has put the page away, and another is opened with the connection.
    look_away(page, away=True)
    page.context.set_offline(offline=False)
    other = page.context.new_page()
    page.close()
    page = other
    page.clock.install()
    page.goto(site.url)
    expect(bar(page)).to_contain_text(NOW)
    arrive(site, before + 4)
    with site.sessions() as session:
        assert UNSEEN[0] not in {round(lon, 6) for lon in session.scalars(select(Ping.lon))}

    page.clock.set_system_time(clock.now() + timedelta(days=1))
    go(page, NORTH)
    page.clock.run_for(20_000)
    expect(bar(page)).to_contain_text("The clock of your phone is wrong", timeout=SOON_MS)
    page.clock.set_system_time(clock.now())


def test_everybody_can_use_it(open_page: Opener, site: Site) -> None:
    """By day and by night, in Welsh too, on 320 pixels and with letters twice as large."""
    found = {}
    for scheme, language, width in (("light", "en-GB", 390), ("dark", "cy", 320)):
        page = open_page(
            "/",
            color_scheme=scheme,
            locale=language,
            viewport={"width": width, "height": 700},
        )
        page.locator(".ask ~ button").click()
        page.locator("#while-open ~ button").click()
        words = TEXTS[Purpose.NEARBY].texts[language]
        expect(page.locator("#while-open ~ blockquote")).to_have_text(words)
        found[scheme, "asked"] = faults(page)
        page.locator("#while-open ~ .buttons button").first.click()
        expect(page.locator("#app > section a")).to_have_text("Exeter Library", timeout=SOON_MS)
        found[scheme, "on"] = faults(page)
        with site.sessions() as session:
            last = select(Consent.language).order_by(Consent.given_at.desc()).limit(1)
            assert session.scalars(last).one() == language
        page.evaluate("document.documentElement.style.fontSize = '200%'")
        found[scheme, "on, large"] = faults(page)
        page.goto(f"{site.url}/you/choices")
        expect(page.locator("#while-open")).to_be_visible()
        page.locator("#app > section button").click()
        found[scheme, "choices, stopped"] = faults(page)
    assert {name: told for name, told in found.items() if told} == {}
