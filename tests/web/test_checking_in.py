"""A citizen finds a place, sees what is on and checks in, against the running service."""

from uuid import uuid4

from playwright.sync_api import Page, Route, expect

from tests.api.scanned import static_link
from tests.factories import EXETER
from tests.web.conftest import Opener, Site, faults

AWAY = (EXETER[0] + 0.02, EXETER[1])
"""About 1.4 km away."""
DENIED = """navigator.geolocation.getCurrentPosition = (_, failed) => failed({ code: 1 });"""


def heading(page: Page, name: str) -> None:
    """Wait for the page's heading, and see that whoever came by a link begins there."""
    expect(page.get_by_role("heading", level=1, name=name)).to_be_focused()


def test_from_near_me_to_what_a_check_in_unlocks(open_page: Opener) -> None:
    """Nobody is known to us before they check in; the way back leads to the list as it was."""
    page = open_page("/")
    expect(page).to_have_title("What’s near you – Nearby")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the main part")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("main")).to_be_focused()
    page.get_by_role("button", name="Use my location").click()
    expect(page.get_by_text("2 places near you")).to_be_visible()
    assert page.context.cookies() == []

    page.get_by_role("link", name="Exeter Library").click()
    heading(page, "Exeter Library")
    expect(page).to_have_title("Exeter Library – Nearby")
    expect(page.get_by_text("Open now")).to_be_visible()
    expect(page.get_by_text("With any book.")).to_be_visible()
    expect(page.get_by_text("Two for one.")).to_be_hidden()
    assert page.context.cookies() == []

    page.get_by_role("button", name="Check in here").click()
    expect(page.get_by_role("heading", name="Before you check in")).to_be_focused()
    page.get_by_role("button", name="I agree, check me in").click()
    expect(page.get_by_role("heading", name="You are checked in at Exeter")).to_be_focused()
    expect(page.get_by_text("Your phone says that you are at this place.")).to_be_visible()
    expect(page.get_by_text("Two for one.")).to_be_visible()
    expect(page.get_by_text("ask the staff to check you in")).to_be_visible()
    [cookie] = page.context.cookies()
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")

    page.context.set_offline(offline=True)
    undo = page.get_by_role("button", name="Undo this check-in")
    undo.click()
    expect(page.get_by_role("alert")).to_contain_text("You are offline.")
    expect(page.get_by_text("Two for one.")).to_be_visible()
    page.context.set_offline(offline=False)
    undo.click()
    expect(page.get_by_text("Your check-in is deleted.")).to_be_visible()
    assert page.evaluate("fetch('/v1/check-ins').then((r) => r.json())")["items"] == []
    page.go_back()
    heading(page, "What’s near you")
    expect(page.get_by_text("2 places near you")).to_be_visible()


def test_who_does_not_share_where_they_are_can_do_it_too(open_page: Opener) -> None:
    """By name, and by their word alone; each refusal says what to do."""
    page = open_page("/", at=None)
    if page.context.browser and page.context.browser.browser_type.name == "firefox":
        # It asks, and nobody is there to answer.
        page.add_init_script(DENIED)
        page.reload()
    page.get_by_role("button", name="Use my location").click()
    expect(page.get_by_text("Your browser may not tell us where you are.")).to_be_visible()
    page.get_by_role("button", name="Search").click()
    box = page.get_by_role("searchbox")
    expect(box).to_be_focused()
    expect(box).to_have_accessible_description(
        "For example, Exeter or EX4 Type the name of a place, a town or a postcode"
    )
    box.fill("nowhere")
    box.press("Enter")
    expect(page.get_by_text("We have no place called “nowhere”.")).to_be_visible()
    box.fill("exeter")
    box.press("Enter")
    page.get_by_role("link", name="Exeter Library").click()
    heading(page, "Exeter Library")
    page.get_by_role("button", name="Check in here").click()
    page.get_by_role("button", name="I agree, check me in").click()
    expect(page.get_by_role("heading", name="You are checked in at Exeter")).to_be_focused()
    expect(page.get_by_text("We have your word for it.")).to_be_visible()
    expect(page.get_by_text("We do not know where your phone is.")).to_be_visible()
    expect(page.get_by_text("With any book.")).to_be_visible()
    expect(page.get_by_text("Two for one.")).to_be_hidden()


def test_what_is_shown_of_places_is_chosen_and_stays_on_the_way_back(open_page: Opener) -> None:
    """What is on today stands beside each; a filter counts after a page of another place too."""
    page = open_page("/?q=library")
    expect(page.get_by_text("2 places for “library”")).to_be_visible()
    expect(page.get_by_text("3 things on today. First: Free hot drink")).to_be_visible()
    page.get_by_label("Places with something on today").check()
    expect(page.get_by_text("1 place for “library”")).to_be_visible()
    page.get_by_role("link", name="Exeter Library").click()
    heading(page, "Exeter Library")
    page.reload()
    heading_of_place = page.get_by_role("heading", level=1, name="Exeter Library")
    expect(heading_of_place).to_be_visible()
    page.go_back()
    expect(page.get_by_text("1 place for “library”")).to_be_visible()
    expect(page.get_by_label("Places with something on today")).to_be_checked()
    box = page.get_by_role("searchbox")
    expect(box).to_have_value("library")
    box.fill("topsham")
    box.press("Enter")
    expect(page.get_by_text("None of these places fits.")).to_be_visible()
    page.get_by_role("button", name="Show all of them").click()
    expect(page.get_by_role("link", name="Topsham Library")).to_be_visible()


def test_far_away_is_said_honestly(open_page: Opener, site: Site) -> None:
    """It counts as their word, and unlocks no more."""
    page = open_page(f"/places/{site.library.id}", at=AWAY)
    page.get_by_role("button", name="Check in here").click()
    page.get_by_role("button", name="No, thank you").click()
    expect(page.get_by_text("You are not checked in.")).to_be_visible()
    page.get_by_role("button", name="Check in here").click()
    page.get_by_role("button", name="I agree, check me in").click()
    expect(page.get_by_text("We have your word for it.")).to_be_visible()
    expect(page.get_by_text("far from this place")).to_be_visible()
    expect(page.get_by_text("Two for one.")).to_be_hidden()


def test_a_code_that_was_scanned_leads_to_a_check_in(open_page: Opener, site: Site) -> None:
    """Its page says what for; the code goes on behind the `#`, so that nobody's log has it."""
    link = static_link(site.code, site.settings)
    page = open_page(link.removeprefix(site.settings.public_url))
    page.get_by_role("link", name="Check in").click()
    page.get_by_role("button", name="Check in here").click()
    page.get_by_role("button", name="I agree, check me in").click()
    expect(page.get_by_text("You scanned the code, and your phone says")).to_be_visible()
    expect(page.get_by_text("Touch the button")).to_be_hidden()
    page.get_by_role("link", name="See this place").click()
    heading(page, "Exeter Library")


def test_without_a_connection_it_says_so_and_goes_on_afterwards(open_page: Opener) -> None:
    """Also where nothing is kept for it; trying again is enough."""
    page = open_page("/", service_workers="block")
    page.get_by_role("button", name="Show all places").click()
    expect(page.get_by_text("2 places")).to_be_visible()
    page.context.set_offline(offline=True)
    page.get_by_role("button", name="Show all places").click()
    expect(page.get_by_role("alert")).to_contain_text("You are offline.")
    page.context.set_offline(offline=False)
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_text("2 places")).to_be_visible()

    def go_on(route: Route) -> None:
        answer = route.fetch()
        [place, *_] = answer.json()["features"]
        many = [place | {"id": str(uuid4())} for _ in range(10)]
        told = answer.json() | {"features": many, "next": "/v1/places?cursor=x"}
        route.fulfill(response=answer, json=told)

    page.route("**/v1/places?*", go_on)
    page.get_by_role("button", name="Show all places").click()
    more = page.get_by_role("button", name="Show more places")
    expect(more).to_be_visible()
    page.unroute_all()
    page.context.set_offline(offline=True)
    more.click()
    expect(page.get_by_role("alert")).to_contain_text("You are offline.")
    expect(page.get_by_role("heading", level=3)).to_have_count(10)


def test_everybody_can_use_the_pages(open_page: Opener, site: Site) -> None:
    """By day and by night, in Welsh too, on 320 pixels and with letters twice as large."""
    found = {}
    for scheme, locale, width in (("light", "en-GB", 390), ("dark", "cy-GB", 320)):
        page = open_page(
            "/",
            color_scheme=scheme,
            locale=locale,
            viewport={"width": width, "height": 700},
        )
        page.locator("main button").first.click()
        expect(page.get_by_role("link", name="Exeter Library")).to_be_visible()
        found[scheme, "near me"] = faults(page)
        page.get_by_role("link", name="Exeter Library").click()
        heading(page, "Exeter Library")
        expect(page.get_by_text("Free hot drink")).to_be_visible()
        found[scheme, "place"] = faults(page)
        page.locator("main section button").first.click()
        expect(page.locator("blockquote")).to_be_visible()
        found[scheme, "consent"] = faults(page)
        page.locator("main section button").first.click()
        expect(page.get_by_text("The archive")).to_be_visible()
        found[scheme, "result"] = faults(page)
        page.evaluate("document.documentElement.style.fontSize = '200%'")
        found[scheme, "large"] = faults(page)
        page.goto(f"{site.url}/places/none")
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        found[scheme, "no place"] = faults(page)

    assert {name: told for name, told in found.items() if told} == {}


def test_the_language_is_the_browsers_until_another_is_chosen(open_page: Opener) -> None:
    """It is kept for the next time, and said to whoever reads the page out."""
    page = open_page("/", locale="cy-GB")
    expect(page.get_by_role("heading", level=1)).to_have_text("Beth sydd yn eich ymyl")
    assert page.evaluate("document.documentElement.lang") == "cy-GB"
    page.get_by_role("button", name="English").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("What’s near you")
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_have_text("What’s near you")
    assert page.evaluate("document.documentElement.lang") == "en-GB"
