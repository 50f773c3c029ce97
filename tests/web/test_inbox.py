"""What somebody was told: read, put off, put away, and by which ways it reaches them."""

import re
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select

from geoservices import clock
from geoservices.accounts.models import Device
from geoservices.campaigns.rules import CampaignClass
from geoservices.database import transaction
from geoservices.letters.models import EmailAddress
from geoservices.listings.models import ListingKind
from geoservices.notifications.models import Notification, NotificationKind
from geoservices.places.models import Place
from tests.factories import make_listing
from tests.web.conftest import Opener, Site, faults
from tests.web.test_checking_in import heading
from tests.web.test_you import agree

PAGE_SIZE = 20
Tell = Callable[..., UUID]
IPHONE = """Object.defineProperty(navigator, 'standalone', { value: false });
Object.defineProperty(navigator, 'maxTouchPoints', { value: 5 });"""
DENIED = """window.asked = 0;
const permission = { get: () => (window.asked ? 'denied' : 'default') };
Object.defineProperty(Notification, 'permission', permission);
Notification.requestPermission = () => { window.asked += 1; return Promise.resolve('denied'); };"""


@pytest.fixture
def tell(site: Site) -> Tell:
    """Tell whoever was set up last of something at the library."""

    def tell(title: str, *, kind: ListingKind = ListingKind.OFFER, minutes_ago: int = 0) -> UUID:
        with transaction(site.sessions) as session:
            person_id = session.scalars(
                select(Device.person_id).order_by(Device.created_at.desc()).limit(1)
            ).one()
            library = session.get_one(Place, site.library.id)
            listing = make_listing(session, library, title=title, kind=kind)
            told = Notification(
                id=uuid4(),
                kind=NotificationKind.LISTING,
                person_id=person_id,
                organisation_id=site.library.organisation_id,
                listing_id=listing.id,
                campaign_class=CampaignClass.SERVICE,
                title=title,
                body="Come in.",
                created_at=clock.now() - timedelta(minutes=minutes_ago),
                expires_at=clock.now() + timedelta(hours=1),
            )
            session.add(told)
            return told.id

    return tell


def begin(open_page: Opener) -> Page:
    """Come to the inbox, and have the browser set up there."""
    page = open_page("/notifications")
    expect(page.get_by_text("We have no messages for you yet")).to_be_visible()
    assert page.context.cookies() == []
    page.get_by_role("button", name="Start with this phone").click()
    expect(page.get_by_text("There are no messages here.")).to_be_visible()
    return page


def test_messages_are_read_put_off_and_put_away(open_page: Opener, tell: Tell) -> None:
    """All by itself: new ones are counted in the menu, older ones come on demand."""
    page = begin(open_page)
    assert faults(page) == []
    for number in range(PAGE_SIZE + 1, 0, -1):
        tell(f"Story time {number}", minutes_ago=number)
    tell("Lego club", kind=ListingKind.EVENT)
    page.reload()
    menu = page.get_by_role("navigation", name="Main menu")
    expect(menu.get_by_role("link", name="Messages 22 new")).to_be_visible()
    cards = page.get_by_role("main").get_by_role("heading", level=2).get_by_role("link")
    expect(cards).to_have_count(PAGE_SIZE)
    page.get_by_role("button", name="Show older messages").click()
    expect(cards).to_have_count(PAGE_SIZE + 2)
    expect(cards.nth(PAGE_SIZE)).to_be_focused()

    cards.nth(1).click()
    heading(page, "Story time 1")
    expect(page.get_by_text("It is about something you signed up for")).to_be_visible()
    expect(page.get_by_text("It did not pop up on any phone.")).to_be_visible()
    link = page.get_by_role("link", name="See this offer at Exeter Library")
    expect(link).to_have_attribute("href", re.compile("^/offers/"))
    expect(menu.get_by_role("link", name="Messages 21 new")).to_be_visible()
    page.get_by_role("button", name="Mark as unread").click()
    expect(page.get_by_text("It is marked as unread.")).to_be_visible()
    expect(menu.get_by_role("link", name="Messages 22 new")).to_be_visible()
    page.get_by_role("link", name="Messages", exact=True).last.click()
    heading(page, "Messages")

    page.get_by_role("button", name="Later Lego club").click()
    expect(page.get_by_role("button", name="In an hour")).to_be_focused()
    assert faults(page) == []
    page.get_by_role("button", name="In an hour").click()
    expect(page.get_by_text("It comes back at")).to_be_visible()
    expect(cards.first).to_have_text("Story time 1")
    expect(cards.first).to_be_focused()
    page.get_by_role("button", name="Put away Story time 1", exact=True).click()
    expect(page.get_by_text("It is put away.")).to_be_visible()
    page.get_by_role("button", name="Mark all as read").click()
    expect(page.get_by_text("All messages are marked as read.")).to_be_visible()
    expect(menu.get_by_role("link", name="Messages", exact=True)).to_be_visible()

    page.get_by_role("link", name="For later").click()
    expect(cards).to_have_text(["Lego club"])
    page.get_by_role("link", name="Put away", exact=True).click()
    page.get_by_role("button", name="Put back Story time 1").click()
    expect(page.get_by_text("You have put no messages away.")).to_be_visible()
    page.go_back()
    cards.first.click()
    heading(page, "Lego club")
    expect(page.get_by_role("link", name="See this event at Exeter Library")).to_be_visible()
    page.get_by_role("button", name="Put back").click()
    expect(page.get_by_text("It is back among your messages.")).to_be_visible()


def test_the_way_back_leads_to_where_somebody_was(open_page: Opener, tell: Tell) -> None:
    """With as many messages as they had asked for, and as far down."""
    page = begin(open_page)
    for number in range(PAGE_SIZE + 1, 0, -1):
        tell(f"Story time {number}", minutes_ago=number)
    page.reload()
    cards = page.get_by_role("main").get_by_role("heading", level=2).get_by_role("link")
    page.get_by_role("button", name="Show older messages").click()
    expect(cards).to_have_count(PAGE_SIZE + 1)
    cards.last.click()
    heading(page, f"Story time {PAGE_SIZE + 1}")
    page.go_back()
    expect(cards).to_have_count(PAGE_SIZE + 1)
    expect(cards.last).to_be_in_viewport()


def test_a_message_of_somebody_elses_is_not_shown(
    open_page: Opener, site: Site, tell: Tell
) -> None:
    """Its address alone tells nothing, with a device of one's own or with none."""
    begin(open_page)
    told = tell("Lego club")
    nobody, other = open_page(f"/notifications/{told}"), begin(open_page)
    other.goto(f"{site.url}/notifications/{told}")
    for page in (nobody, other):
        expect(page.get_by_role("heading", name="There is no such message")).to_be_visible()
        assert faults(page) == []
    expect(nobody.get_by_role("link", name="Sign in, if you are staff")).to_be_visible()


def test_by_which_ways_somebody_is_reached(open_page: Opener, site: Site) -> None:
    """What is wrong stands beside its field; what was typed outlasts that nobody is known."""
    page = open_page("/you/choices")
    page.get_by_role("button", name="Start choosing").click()
    agree(page, "When I check in")
    page.goto(f"{site.url}/you/messages")
    ways = page.get_by_role("group", name="When I check in")
    ways.get_by_label("Let it pop up on my phones").uncheck()
    expect(page.get_by_text("Saved.")).to_be_visible()
    expect(page.get_by_text("To get e-mails, give your address below.")).to_be_visible()
    expect(page.get_by_text("Messages do not pop up here.")).to_be_visible()
    page.get_by_role("button", name="Yes, I agree").click()
    expect(page.get_by_role("heading", name="Your e-mail address")).to_be_focused()
    field = page.get_by_label("E-mail address", exact=True)
    save = page.get_by_role("button", name="Save", exact=True)
    save.click()
    expect(field).to_have_accessible_description(
        "For example, name@example.org Type your e-mail address"
    )
    field.fill("anna@")
    save.click()
    expect(page.get_by_text("This is not a whole e-mail address.")).to_be_visible()
    expect(field).to_be_focused()
    expect(field).to_have_value("anna@")
    assert faults(page) == []
    # Firefox, told to fill in a field for an address, leaves what stands there.
    field.press("ControlOrMeta+a")
    page.keyboard.type(f"{uuid4().hex}@example.org")
    page.get_by_label("When shall the e-mail come?").fill("07:30")
    save.click()
    expect(page.get_by_text("Look for our letter to")).to_be_visible()
    expect(page.get_by_role("button", name="Save, and send the letter again")).to_be_visible()
    with transaction(site.sessions) as session:
        address = session.scalars(select(EmailAddress).order_by(EmailAddress.set_at.desc())).first()
        assert address is not None
        address.confirmed_at = clock.now()

    page.reload()
    expect(page.get_by_text("E-mails go to")).to_be_visible()
    expect(page.get_by_label("When shall the e-mail come?")).to_have_value("07:30")
    expect(ways.get_by_label("Let it pop up on my phones")).not_to_be_checked()
    ways.get_by_label("E-mail me once a day").check()
    expect(page.get_by_text("Saved.")).to_be_visible()
    page.get_by_role("button", name="Take the address away").click()
    page.get_by_role("button", name="Yes, forget it").click()
    expect(page.get_by_text("To get e-mails, give your address below.")).to_be_visible()

    field.fill("new@example.org")
    page.context.clear_cookies()
    save.click()
    expect(page.get_by_role("alert")).to_contain_text("We do not know who you are any more.")
    expect(field).to_have_value("new@example.org")
    expect(page.get_by_role("link", name="Sign in again")).to_have_attribute(
        "href", "/sign-in?next=%2Fyou%2Fmessages"
    )


def check_in(page: Page, site: Site) -> None:
    """Check in where that unlocks something."""
    page.goto(f"{site.url}/places/{site.library.id}")
    page.get_by_role("button", name="Check in here").click()
    page.get_by_role("button", name="I agree, check me in").click()
    expect(page.get_by_role("heading", name="You are checked in at")).to_be_visible()


def test_pushes_are_offered_with_a_reason_and_never_on_load(open_page: Opener, site: Site) -> None:
    """After a check-in that unlocked something; a no is explained, and a "not now" is kept."""
    page = open_page("/")
    page.add_init_script(DENIED)
    check_in(page, site)
    offer = page.get_by_role("region", name="Shall messages pop up on this phone?")
    expect(offer).to_contain_text("Then you see at once")
    assert page.evaluate("window.asked") == 0
    assert faults(page) == []
    offer.get_by_role("button", name="Let messages pop up").click()
    expect(page.get_by_text("You have told this browser to show no messages")).to_be_visible()
    expect(page.get_by_text("Look for “Notifications”")).to_be_visible()
    assert page.evaluate("window.asked") == 1
    assert faults(page) == []

    page = open_page("/")
    page.add_init_script(DENIED)
    check_in(page, site)
    offer = page.get_by_role("region", name="Shall messages pop up on this phone?")
    offer.get_by_role("button", name="Not now").click()
    expect(page.get_by_text("All right. You can turn it on at any time")).to_be_visible()
    page.goto(f"{site.url}/notifications")
    expect(page.get_by_role("link", name="For later")).to_be_visible()
    page.get_by_role("link", name="How we reach you").click()
    expect(page.get_by_role("button", name="Let messages pop up")).to_be_visible()
    expect(offer).to_be_hidden()
    assert page.evaluate("window.asked") == 0


def test_an_iphone_needs_the_home_screen_first(open_page: Opener, site: Site) -> None:
    """Which is said step by step; the manifest and the icons for it are there."""
    page = open_page("/")
    page.add_init_script(IPHONE)
    page.goto(f"{site.url}/you/messages")
    expect(page.get_by_text("On an iPhone or iPad this takes one step first")).to_be_visible()
    expect(page.get_by_text("Add to Home Screen")).to_be_visible()
    assert faults(page) == []
    href = page.locator("link[rel=manifest]").get_attribute("href")
    told = page.evaluate("(href) => fetch(href).then((answer) => answer.json())", href)
    assert (told["display"], told["start_url"], told["name"]) == ("standalone", "/", "Nearby")
    touch = page.locator("link[rel=apple-touch-icon]").get_attribute("href")
    for icon in (touch, *(one["src"] for one in told["icons"])):
        drawn = page.request.get(f"{site.url}{icon}")
        assert (drawn.status, drawn.headers["content-type"]) == (200, "image/png")


def test_everybody_can_use_the_messages(open_page: Opener, site: Site, tell: Tell) -> None:
    """By day and by night, in Welsh too, on 320 pixels and with letters twice as large."""
    found = {}
    for scheme, locale, width in (("light", "en-GB", 390), ("dark", "cy-GB", 320)):
        page = open_page(
            "/notifications",
            color_scheme=scheme,
            locale=locale,
            viewport={"width": width, "height": 700},
        )
        expect(page.get_by_role("main").get_by_role("button")).to_be_visible()
        found[scheme, "nobody"] = faults(page)
        page.get_by_role("main").get_by_role("button").click()
        expect(page.get_by_role("main").get_by_role("navigation")).to_be_visible()
        told = tell("Free hot drink")
        page.reload()
        expect(page.get_by_role("link", name="Free hot drink")).to_be_visible()
        page.get_by_role("main").get_by_role("listitem").get_by_role("button").first.click()
        found[scheme, "inbox"] = faults(page)
        page.evaluate("document.documentElement.style.fontSize = '200%'")
        found[scheme, "large inbox"] = faults(page)
        page.goto(f"{site.url}/notifications/{told}")
        expect(page.locator("#why")).to_be_visible()
        found[scheme, "message"] = faults(page)
        page.evaluate("document.documentElement.style.fontSize = '200%'")
        found[scheme, "large message"] = faults(page)
        page.goto(f"{site.url}/you/messages")
        expect(page.locator("#address")).to_be_visible()
        expect(page.locator("#phones ~ ul")).to_be_visible()
        page.locator("#address ~ button").click()
        expect(page.locator("#address ~ form")).to_be_visible()
        found[scheme, "ways"] = faults(page)
        page.evaluate("document.documentElement.style.fontSize = '200%'")
        found[scheme, "large ways"] = faults(page)
    assert {name: told for name, told in found.items() if told} == {}
