"""What all pages have in common: beginning at the main part, coming late, and another tab."""

from playwright.sync_api import expect

from tests.web.conftest import Opener, Site
from tests.web.test_checking_in import heading
from tests.web.test_entering import fill_in, make_member

OK = 200
POSITION_LATER = """navigator.geolocation.getCurrentPosition = (told) => {
  window.tell = () => told({ coords: { longitude: -3.53, latitude: 50.725, accuracy: 10 } });
};"""


def test_the_skip_link_changes_no_address(open_page: Opener, site: Site) -> None:
    """Behind the `#` stands what some pages are about, which they would read anew."""
    page = open_page("/")
    for path in (
        "/password#gsl_x",
        "/join#0000-0000",
        "/email#stop=x",
        "/check-in#Ab-9_x",
        f"/map#{site.library.id}",
    ):
        page.goto("about:blank")
        page.goto(f"{site.url}{path}")
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        address = page.url
        page.get_by_role("link", name="Skip to the main part").focus()
        page.keyboard.press("Enter")
        expect(page.get_by_role("main")).to_be_focused()
        assert page.url == address


def test_a_page_that_did_not_come_is_asked_for_once_more(open_page: Opener) -> None:
    """Browsers keep the failure of a script until all is loaded anew."""
    page = open_page("/", service_workers="block")
    page.route("**/assets/You-*.js", lambda route: route.abort())
    page.get_by_role("link", name="You", exact=True).click()
    heading(page, "This page could not be loaded")
    page.unroute_all()
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("heading", level=1, name="You and this phone")).to_be_visible()


def test_a_late_position_leaves_what_was_looked_for_since(open_page: Opener) -> None:
    """A question that was answered late, or a phone that took its time."""
    page = open_page("/")
    page.add_init_script(POSITION_LATER)
    page.reload()
    page.get_by_role("button", name="Use my location").click()
    page.get_by_role("searchbox").fill("exeter")
    page.get_by_role("searchbox").press("Enter")
    expect(page.get_by_text("1 place for “exeter”")).to_be_visible()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.evaluate("tell()")
    page.get_by_label("Places with something on today").check()
    expect(page.get_by_text("1 place for “exeter”")).to_be_visible()
    assert [url for url in asked if "near=" in url] == []


def test_a_page_does_nothing_as_somebody_who_signed_in_in_another_tab(
    open_page: Opener, site: Site
) -> None:
    """What somebody filled in is neither sent as another's nor theirs to see."""
    sam, kim = make_member(site), make_member(site)
    sams = open_page("/sign-in?next=/you/choices")
    fill_in(sams, sam.row.username)
    sams.get_by_label("I want quiet hours").check()
    sams.get_by_label("Quiet from").fill("21:30")

    kims = sams.context.new_page()
    kims.goto(f"{site.url}/sign-in")
    kims.get_by_role("main").get_by_role("button", name="Sign out").click()
    expect(kims.get_by_role("button", name="Sign out")).to_have_count(0)
    fill_in(kims, kim.row.username)
    heading(kims, "You are signed in")

    sams.get_by_role("button", name="Save").first.click()
    expect(sams.get_by_role("alert")).to_contain_text("Somebody has signed in or out here")
    kept = kims.evaluate("fetch('/v1/preferences').then((answer) => answer.json())")
    assert kept["quiet_from"] is None
    sams.get_by_role("link", name="You", exact=True).click()
    sams.get_by_role("link", name="What we keep about you").click()
    sams.get_by_role("button", name="Delete everything", exact=True).click()
    sams.get_by_role("button", name="Yes, delete everything").click()
    expect(sams.get_by_role("alert")).to_contain_text("Somebody has signed in or out here")
    sams.get_by_role("button", name="Load the page again").click()
    expect(sams.get_by_role("button", name="Delete everything", exact=True)).to_be_visible()
    assert kims.evaluate("fetch('/v1/preferences').then((answer) => answer.status)") == OK
