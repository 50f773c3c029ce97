"""A citizen chooses what they agree to, sees what is held, takes a copy and is erased."""

from zipfile import ZipFile

from playwright.sync_api import Page, expect
from sqlalchemy import select

from geoservices.erasures import service as erasures
from geoservices.erasures.models import Erasure
from geoservices.exports import service as exports
from geoservices.exports.models import Export
from geoservices.places.models import Place
from tests.web.conftest import Opener, Site, faults
from tests.web.test_checking_in import heading


def agree(page: Page, to: str) -> None:
    """Say yes to something, and see that it is noted."""
    card = page.get_by_role("listitem").filter(has=page.get_by_role("heading", name=to))
    card.get_by_role("button", name="Yes, I agree").click()
    expect(card.get_by_text("You said yes on")).to_be_visible()
    expect(page.get_by_role("heading", name=to)).to_be_focused()


def begin(open_page: Opener) -> Page:
    """Open the choices in a browser that becomes a device for them."""
    page = open_page("/you/choices")
    page.get_by_role("button", name="Start choosing").click()
    expect(page.get_by_role("heading", name="Say yes or no")).to_be_focused()
    return page


def test_who_only_looks_is_nobody_and_is_told_what_would_be_kept(open_page: Opener) -> None:
    """No page of these makes a device; the first touch that says so does."""
    page = open_page("/")
    page.get_by_role("link", name="You", exact=True).click()
    heading(page, "You and this phone")
    expect(page.get_by_text("We do not know this phone")).to_be_visible()
    expect(page.get_by_text("a long number")).to_be_visible()
    page.get_by_role("link", name="What we keep about you").click()
    heading(page, "What we keep about you")
    expect(page.get_by_text("We keep nothing about you")).to_be_visible()
    page.go_back()
    page.get_by_role("link", name="What you agree to").click()
    heading(page, "What you agree to")
    expect(page.get_by_text("You have not agreed to anything")).to_be_visible()
    assert page.context.cookies() == []

    page.get_by_role("button", name="Start choosing").click()
    expect(page.get_by_role("heading", name="Say yes or no")).to_be_focused()
    assert len(page.context.cookies()) == 1


def test_each_choice_is_made_by_itself_and_stays(open_page: Opener) -> None:
    """Agreed to, chosen and withdrawn; what is wrong stands beside its field, and all is kept."""
    page = begin(open_page)
    page.get_by_label("Story time").check()
    page.get_by_role("button", name="Save").last.click()
    expect(page.get_by_role("alert")).to_contain_text("Say yes to one of the first two things")
    expect(page.get_by_label("Story time")).to_be_checked()
    agree(page, "When I check in")
    agree(page, "Count me")
    expect(page.get_by_label("Story time")).to_be_checked()
    page.get_by_role("button", name="Save").last.click()
    expect(page.get_by_text("Saved.")).to_be_visible()

    page.get_by_label("I want quiet hours").check()
    page.get_by_label("Quiet from").fill("21:30")
    page.get_by_label("Quiet until").fill("21:30")
    page.get_by_label("Your time zone").select_option("Asia/Tokyo")
    page.get_by_label("Language of your messages").select_option("Cymraeg")
    page.get_by_role("button", name="Save").first.click()
    expect(page.get_by_label("Quiet until")).to_be_focused()
    expect(page.get_by_label("Quiet until")).to_have_accessible_description(
        "Give another time than the first one"
    )
    page.get_by_label("Quiet until").fill("06:15")
    page.get_by_role("button", name="Save").first.click()
    quiet = page.get_by_role("region", name="Quiet hours")
    expect(quiet.get_by_text("Saved.")).to_be_visible()

    page.reload()
    expect(page.get_by_label("Quiet from")).to_have_value("21:30")
    expect(page.get_by_label("Quiet until")).to_have_value("06:15")
    expect(page.get_by_label("Your time zone")).to_have_value("Asia/Tokyo")
    expect(page.get_by_label("Language of your messages")).to_have_value("cy-GB")
    expect(page.get_by_label("Story time")).to_be_checked()
    expect(page.get_by_text("You said yes on")).to_have_count(2)

    page.get_by_role("button", name="Stop this").first.click()
    expect(page.get_by_text("Do you want to stop this?")).to_be_focused()
    expect(page.get_by_text("We delete your check-ins")).to_be_visible()
    page.get_by_role("button", name="No, leave it as it is").click()
    expect(page.get_by_role("button", name="Stop this").first).to_be_focused()
    page.get_by_role("button", name="Stop this").first.click()
    page.get_by_role("button", name="Yes, stop and delete").click()
    expect(page.get_by_text("You stopped this on")).to_be_visible()
    expect(page.get_by_label("Story time")).not_to_be_checked()
    expect(page.get_by_text("You said yes on")).to_have_count(1)


def test_what_is_held_is_seen_copied_shared_and_erased(open_page: Opener, site: Site) -> None:
    """All of it in words; the copy is made by the worker's own code, and so is the erasure."""
    page = begin(open_page)
    agree(page, "When I check in")
    page.goto(f"{site.url}/you/data")
    page.get_by_text("What you agreed to", exact=True).click()
    expect(page.get_by_text("check-in-content").first).to_be_visible()
    expect(page.get_by_text("We have not told you anything yet.")).to_be_visible()

    page.get_by_label("What do you call it?").fill("x" * 101)
    page.get_by_role("button", name="Save the name").click()
    expect(page.get_by_label("What do you call it?")).to_be_focused()
    page.get_by_label("What do you call it?").fill("My phone")
    page.get_by_role("button", name="Save the name").click()
    expect(page.get_by_role("heading", name="My phone")).to_be_visible()
    page.get_by_role("button", name="Make a code").click()
    code = page.locator(".code").inner_text()
    other = open_page(f"/join#{code}")
    other.get_by_role("button", name="Add this phone").click()
    other.wait_for_url("**/notifications")
    page.reload()
    unnamed = page.get_by_role("listitem").filter(has_text="A phone or browser without a name")
    expect(unnamed).to_be_visible()
    expect(page.get_by_text("Another phone became yours")).to_be_visible()
    unnamed.get_by_role("button", name="Sign it off").click()
    unnamed.get_by_role("button", name="Yes, sign off").click()
    expect(unnamed).to_be_hidden()

    page.get_by_role("button", name="Make a copy").click()
    expect(page.get_by_text("We are making your copy")).to_be_visible()
    with site.sessions() as session:
        export_id = session.scalars(select(Export.id).order_by(Export.created_at.desc())).first()
    assert export_id is not None
    assert exports.write(site.sessions, export_id, rights=site.settings.rights)
    with page.expect_download() as download:
        page.get_by_role("link", name="Download your copy").click()
    assert "README.txt" in ZipFile(download.value.path()).namelist()

    page.get_by_role("button", name="Delete everything").click()
    expect(page.get_by_text("Do you want us to delete everything")).to_be_visible()
    page.get_by_role("button", name="Yes, delete everything").click()
    expect(page.get_by_role("heading", name="You are nobody to us now")).to_be_visible()
    expect(page.get_by_text("We are deleting what we kept.")).to_be_visible()
    assert page.context.cookies() == []
    with site.sessions() as session:
        erasure_id = session.scalars(select(Erasure.id).where(Erasure.done_at.is_(None))).one()
    while erasures.carry_out(site.sessions, erasure_id):
        pass
    expect(page.get_by_text("Everything is deleted.")).to_be_visible()
    page.reload()
    expect(page.get_by_text("We keep nothing about you")).to_be_visible()


def test_whoever_stands_there_learns_why_it_is_watched(open_page: Opener, site: Site) -> None:
    """By whom, what for, what is noticed and how long it is kept; at sensitive places nobody."""
    page = open_page(f"/places/{site.library.id}")
    page.get_by_role("link", name="Why we watch this area").click()
    heading(page, "Why we watch the area of Exeter Library")
    for said in (
        "To tell people about things to do here.",
        "comes here",
        "1 message is sent by this now.",
        "Only phones of people who said yes",
        "30 days",
    ):
        expect(page.get_by_text(said)).to_be_visible()
    with site.sessions() as session:
        sensitive = session.scalars(select(Place.id).where(Place.sensitive_at.is_not(None))).one()
    page.goto(f"{site.url}/places/{sensitive}/watching")
    expect(page.get_by_text("We watch nobody here.")).to_be_visible()
    expect(page.get_by_text("comes here")).to_be_hidden()
    assert page.context.cookies() == []


def test_everybody_can_use_these_pages(open_page: Opener, site: Site) -> None:
    """By day and by night, in Welsh too, on 320 pixels and with letters twice as large."""
    found = {}
    for scheme, locale, width in (("light", "en-GB", 390), ("dark", "cy-GB", 320)):
        viewport = {"width": width, "height": 700}
        page = open_page("/you", color_scheme=scheme, locale=locale, viewport=viewport)
        expect(page.locator("#who")).to_be_visible()
        found[scheme, "you"] = faults(page)
        page.goto(f"{site.url}/you/choices")
        page.locator("#nobody ~ button").click()
        expect(page.locator("#interests ~ form")).to_be_visible()
        expect(page.locator("#quiet ~ form")).to_be_visible()
        page.locator("#quiet ~ form label").first.click()
        page.locator("input[type=time]").first.fill("")
        page.locator("#quiet ~ form button").click()
        page.locator("blockquote ~ button").first.click()
        page.locator("h3 ~ div button").first.click()
        found[scheme, "choices"] = faults(page)
        page.evaluate("document.documentElement.style.fontSize = '200%'")
        found[scheme, "large choices"] = faults(page)
        page.goto(f"{site.url}/you/data")
        page.locator("#held ~ div summary").first.click()
        page.locator("#devices ~ button").click()
        expect(page.locator(".code")).to_be_visible()
        page.locator("#copies ~ button").click()
        expect(page.locator("progress")).to_be_visible()
        page.locator("#erase ~ div button").click()
        found[scheme, "data"] = faults(page)
        page.evaluate("document.documentElement.style.fontSize = '200%'")
        found[scheme, "large data"] = faults(page)
        page.goto(f"{site.url}/places/{site.library.id}/watching")
        expect(page.locator("#how-long")).to_be_visible()
        found[scheme, "watching"] = faults(page)

    assert {name: told for name, told in found.items() if told} == {}
