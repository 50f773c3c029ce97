"""After a check-in: offers are redeemed, places at events taken, and people see what is theirs."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest
from playwright.sync_api import Page, Route, expect
from sqlalchemy import func, select, update

from geoservices import clock
from geoservices.accounts.models import Consent, Organisation
from geoservices.checkins.verification import Evidence
from geoservices.database import transaction
from geoservices.events.models import Occurrence, SignUp
from geoservices.listings.models import ListingKind
from geoservices.offers.models import Redemption
from geoservices.offers.rules import Redeeming
from geoservices.places.models import Place
from tests.browsing import Held
from tests.factories import make_access_token, make_listing
from tests.web.conftest import Opener, Site, faults
from tests.web.test_checking_in import heading
from tests.web.test_inbox import DENIED

DAY = timedelta(days=1)
MakeListing = Callable[..., UUID]


@pytest.fixture
def put_on(site: Site) -> MakeListing:
    """Put something on at the library; what is told besides is the listing's own."""

    def put_on(title: str, kind: ListingKind = ListingKind.OFFER, **told: Any) -> UUID:
        with transaction(site.sessions) as session:
            library = session.get_one(Place, site.library.id)
            listing = make_listing(session, library, title=title, kind=kind)
            for name, value in told.items():
                setattr(listing, name, value)
            session.flush()
            return listing.id

    return put_on


def workshop(put_on: MakeListing, title: str) -> UUID:
    """An event each day from tomorrow, with a place for one."""
    starts_at = clock.now().replace(microsecond=0) + DAY
    return put_on(
        title,
        ListingKind.EVENT,
        starts_at=starts_at,
        length=timedelta(hours=1),
        rule="FREQ=DAILY",
        sign_up="open",
        capacity=1,
        reminders=[DAY],
        text="Bring an apron.",
    )


def check_in(page: Page) -> None:
    """Check in on the page of a place, and agree to what that takes."""
    page.get_by_role("button", name="Check in here").click()
    page.get_by_role("button", name="I agree, check me in").click()
    expect(page.get_by_role("heading", name="You are checked in at")).to_be_focused()


def card(page: Page, number: int = 0) -> Any:
    """One time of an event."""
    return page.get_by_role("listitem").nth(number)


def count(site: Site, model: type, *conditions: Any) -> int:
    """How many rows there are."""
    with site.sessions() as session:
        return session.scalars(select(func.count()).select_from(model).where(*conditions)).one()


def test_whoever_waits_for_a_place_gets_it_when_another_leaves(
    open_page: Opener, site: Site, put_on: MakeListing
) -> None:
    """From a check-in to the event's page, with two touches for one place; and what is theirs."""
    title = f"Pottery {uuid4().hex[:6]}"
    event_id = workshop(put_on, title)
    first = open_page("/")
    first.add_init_script(DENIED)
    first.goto(f"{site.url}/places/{site.library.id}")
    check_in(first)
    expect(first.get_by_role("heading", name="Coming up here")).to_be_visible()
    first.get_by_role("link", name=title).press("Enter")
    heading(first, title)
    expect(first.get_by_text("Bring an apron.")).to_be_visible()
    expect(card(first).get_by_text("1 place left")).to_be_visible()
    card(first).get_by_role("button", name="Book a place").dblclick()
    expect(card(first).get_by_text("You have a place")).to_be_visible()
    theirs = SignUp.occurrence_id.in_(select(Occurrence.id).where(Occurrence.event_id == event_id))
    assert count(site, SignUp, theirs) == 1
    offer = first.get_by_role("region", name="Shall messages pop up on this phone?")
    expect(offer).to_contain_text("Then we can remind you before it begins.")

    second = open_page(f"/events/{event_id}")
    expect(card(second).get_by_text("Full. Nobody is in the queue yet")).to_be_visible()
    assert second.context.cookies() == []
    card(second).get_by_role("button", name="Join the queue").click()
    card(second).get_by_role("button", name="No, thank you").click()
    expect(second.get_by_text("Nothing was done")).to_be_visible()
    card(second).get_by_role("button", name="Join the queue").click()
    card(second).get_by_role("button", name="I agree, go on").click()
    expect(card(second).get_by_text("You are number 1 in the queue")).to_be_visible()

    first.goto(f"{site.url}/you")
    first.get_by_role("link", name="Your bookings and offers").click()
    # Another page has the focus, which Firefox gives to one at a time.
    expect(first.get_by_role("heading", level=1, name="Your bookings and offers")).to_be_visible()
    booked = first.get_by_role("listitem").filter(has_text=title)
    expect(booked.get_by_text("You have a place")).to_be_visible()
    booked.get_by_role("button", name="Give up my place").click()
    expect(booked.get_by_text("Do you want to give up your place?")).to_be_visible()
    booked.get_by_role("button", name="Yes, give it up").click()
    expect(first.get_by_text("You have booked nothing.")).to_be_visible()

    second.reload()
    expect(card(second).get_by_text("You have a place")).to_be_visible()
    with second.expect_download() as download:
        second.get_by_role("link", name="Add it to your calendar").click()
    assert f"SUMMARY:{title}" in download.value.path().read_text("utf-8")
    second.get_by_role("button", name="Show later times").click()
    expect(second.get_by_role("listitem")).to_have_count(10)

    [check_in_] = first.get_by_role("listitem").filter(has_text="Exeter Library").all()
    check_in_.get_by_role("button", name="I was not there").click()
    check_in_.get_by_role("button", name="No, delete it").click()
    expect(first.get_by_text("This check-in is deleted.")).to_be_visible()
    assert first.evaluate("fetch('/v1/check-ins').then((r) => r.json())")["items"] == []


def test_a_code_is_taken_by_staff_or_is_over(
    open_page: Opener, site: Site, put_on: MakeListing
) -> None:
    """The page sees what staff did; a code that was not used in time gives way to another."""
    offer_id = put_on("A slice of cake", terms="One slice each.", stock=5)
    with transaction(site.sessions) as session:
        organisation = session.get_one(Organisation, site.library.organisation_id)
        staff = {"Authorization": f"Bearer {make_access_token(session, organisation)}"}
    mine = Redemption.offer_id == offer_id
    page = open_page("/")
    page.clock.install()
    page.goto(f"{site.url}/offers/{offer_id}")
    expect(page.get_by_text("One slice each.")).to_be_visible()
    expect(page.get_by_text("You can use it once.")).to_be_visible()
    page.get_by_role("button", name="Get my code").dblclick()
    page.get_by_role("button", name="I agree, go on").click()
    shown = page.locator(".code")
    expect(page.get_by_role("heading", name="Show this to the staff")).to_be_focused()
    expect(page.get_by_role("img", name="Your code as a picture")).to_be_visible()
    over = shown.inner_text()

    with transaction(site.sessions) as session:
        session.execute(update(Redemption).where(mine).values(expires_at=clock.now()))
    page.clock.fast_forward("11:00")
    expect(page.get_by_text("Your code is over.")).to_be_visible()
    page.get_by_role("button", name="Get a new code").click()
    expect(shown).to_be_visible()
    page.reload()
    expect(shown).to_be_visible()
    code = shown.inner_text()
    assert code != over
    assert count(site, Redemption, mine) == 1

    taken = httpx2.post(f"{site.url}/v1/redemptions", json={"code": code}, headers=staff)
    assert taken.status_code == 201
    page.clock.run_for(10_000)
    expect(page.get_by_text("You used this at")).to_be_visible()
    expect(page.get_by_text("You have had as many as one person may have.")).to_be_visible()
    expect(page.get_by_text("4 left")).to_be_visible()
    page.goto(f"{site.url}/you/mine")
    expect(page.get_by_role("listitem").filter(has_text="A slice of cake")).to_contain_text(
        "You used it on"
    )


def test_what_people_take_themselves_is_taken_once_in_two_tabs(
    open_page: Opener, site: Site, put_on: MakeListing
) -> None:
    """Locked until they check in; then one touch in each tab is one redemption."""
    title = f"A bookmark {uuid4().hex[:6]}"
    offer_id = put_on(
        title,
        redeemed_by=Redeeming.SELF,
        evidence_needed=Evidence.INSIDE,
        per_person=5,
        text="In the basket.",
    )
    # What a service worker sends cannot be held up here.
    page = open_page(f"/offers/{offer_id}", service_workers="block")
    expect(page.get_by_text("check in from inside with your location on")).to_be_visible()
    expect(page.get_by_text("In the basket.")).to_be_hidden()
    page.get_by_role("link", name="Check in at Exeter Library").click()
    check_in(page)
    # Nobody is as quick as a test, whose click here would be the second of two at one spot.
    page.get_by_role("link", name=title).press("Enter")
    heading(page, title)
    expect(page.get_by_text("In the basket.")).to_be_visible()
    other = page.context.new_page()
    other.goto(page.url)
    for tab in (page, other):
        tab.get_by_role("button", name="Use it now").click()
    held = Held(page, "**/redemptions")
    page.get_by_role("button", name="Yes, use it").dblclick()
    other.get_by_role("button", name="Yes, use it").click()
    expect(other.get_by_text("You used this at")).to_be_visible()
    held.let_go()
    expect(page.get_by_text("You used this at")).to_be_visible()
    assert len(held.routes) == 1
    assert count(site, Redemption, Redemption.offer_id == offer_id) == 1
    page.get_by_role("button", name="Use it once more").click()
    page.get_by_role("button", name="Yes, use it").click()
    expect(page.get_by_role("button", name="Use it once more")).to_be_visible()
    assert count(site, Redemption, Redemption.offer_id == offer_id) == 2


def test_what_was_done_stands_though_the_line_is_lost_after_it(
    open_page: Opener, site: Site, put_on: MakeListing
) -> None:
    """An offer is used, a place booked and given up; what is read afterwards never comes."""
    offer_id = put_on("A pencil", redeemed_by=Redeeming.SELF, per_person=5)
    event_id = workshop(put_on, "Kite making")

    def lose(route: Route) -> None:
        route.abort()

    page = open_page(f"/offers/{offer_id}", service_workers="block")
    page.get_by_role("button", name="Use it now").click()
    page.get_by_role("button", name="Yes, use it").click()
    page.route(f"**/v1/offers/{offer_id}", lose)
    page.get_by_role("button", name="I agree, go on").click()
    expect(page.get_by_text("You used this at")).to_be_visible()
    expect(page.get_by_role("alert")).to_have_count(0)
    assert count(site, Redemption, Redemption.offer_id == offer_id) == 1

    page.goto(f"{site.url}/events/{event_id}")
    expect(card(page).get_by_text("1 place left")).to_be_visible()
    page.route("**/occurrences?*", lose)
    card(page).get_by_role("button", name="Book a place").click()
    expect(card(page).get_by_text("You have a place")).to_be_visible()
    card(page).get_by_role("button", name="Give up my place").click()
    card(page).get_by_role("button", name="Yes, give it up").click()
    expect(card(page).get_by_role("button", name="Book a place")).to_be_visible()
    expect(page.get_by_role("alert")).to_have_count(0)
    theirs = SignUp.occurrence_id.in_(select(Occurrence.id).where(Occurrence.event_id == event_id))
    assert count(site, SignUp, theirs) == 0


def test_everybody_can_use_these_pages(open_page: Opener, site: Site, put_on: MakeListing) -> None:
    """By day and by night, in Welsh too, on 320 pixels and with letters twice as large."""
    offer_id = put_on("Soup of the day", terms="One bowl each.", text="With bread.", stock=9)
    event_id = workshop(put_on, "Weaving for beginners")
    found = {}
    for scheme, locale, width in (("light", "en-GB", 390), ("dark", "cy-GB", 320)):
        page = open_page(
            f"/offers/{offer_id}",
            color_scheme=scheme,
            locale=locale,
            viewport={"width": width, "height": 700},
        )
        page.locator("#doing ~ button").click()
        expect(page.locator("blockquote")).to_be_visible()
        if locale == "cy-GB":
            expect(page.locator("blockquote")).to_contain_text("Pan fyddaf yn cofrestru")
        found[scheme, "consent"] = faults(page)
        page.locator("blockquote ~ .buttons button").first.click()
        expect(page.locator(".code")).to_be_visible()
        found[scheme, "code"] = faults(page)
        page.goto(f"{site.url}/events/{event_id}")
        card(page).get_by_role("button").click()
        expect(card(page).locator(".good, .plain").first).to_be_visible()
        found[scheme, "event"] = faults(page)
        page.evaluate("document.documentElement.style.fontSize = '200%'")
        found[scheme, "large event"] = faults(page)
        page.goto(f"{site.url}/places/{site.library.id}")
        with page.expect_response(lambda told: told.url.endswith("/v1/check-ins") and told.ok):
            page.locator("main section button").first.click()
        expect(page.locator("main section h2[tabindex='-1']")).to_be_focused()
        found[scheme, "result"] = faults(page)
        page.goto(f"{site.url}/you/mine")
        page.locator("#check-ins ~ ul button").first.click()
        page.locator("#calendar ~ button").click()
        expect(page.locator("#calendar ~ [role=status] a")).to_be_visible()
        found[scheme, "mine"] = faults(page)
        page.goto(f"{site.url}/offers/{site.library.id}")
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        found[scheme, "no offer"] = faults(page)
    assert {name: told for name, told in found.items() if told} == {}
    with site.sessions() as session:
        languages = set(session.execute(select(Consent.language)).scalars())
    assert languages >= {"en-GB", "cy"}
