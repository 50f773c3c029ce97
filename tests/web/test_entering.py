"""Members sign in and out and choose passwords, browsers join, and letters' links are followed."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import time
from uuid import uuid4

import httpx2
from playwright.sync_api import Page, expect
from pyotp import TOTP
from sqlalchemy import select

from geoservices import clock
from geoservices.accounts.models import Organisation, Purpose
from geoservices.channels.models import ChannelChoice
from geoservices.credentials.links import make_link
from geoservices.credentials.models import LinkKind
from geoservices.database import transaction
from geoservices.letters import addresses, service
from geoservices.letters.links import make_unsubscribe_token
from geoservices.letters.models import EmailAddress, Letter
from tests.factories import make_person
from tests.signing import PASSWORD, Account, make_account
from tests.web.conftest import Opener, Site, faults
from tests.web.test_checking_in import heading
from tests.writing import token_in

ELSEWHERE = ("https://evil.example/", "//evil.example/", "/.//evil.example/", "javascript:alert(1)")
NARROW_AND_DARK = {"color_scheme": "dark", "viewport": {"width": 320, "height": 700}}


def make_member(site: Site, *, second_factor: bool = False) -> Account:
    """A member with an account that has a name of its own."""
    with site.sessions() as session:
        organisation = session.get_one(Organisation, site.library.organisation_id)
        made = make_account(
            session,
            organisation,
            username=uuid4().hex,
            second_factor=second_factor,
            settings=site.settings,
        )
        session.refresh(made.row)
        session.refresh(made.person)
        session.expunge_all()
        return made


@contextmanager
def second_factor_demanded(site: Site) -> Iterator[None]:
    """Have the service ask every manager for a second factor."""
    settings = site.settings
    strict = settings.sign_in.model_copy(update={"demand_second_factor": True})
    site.application.state.settings = settings.model_copy(update={"sign_in": strict})
    try:
        yield
    finally:
        site.application.state.settings = settings


def fill_in(page: Page, username: str, password: str = PASSWORD) -> None:
    """Type a name and a password in, and send them by the keyboard."""
    page.get_by_label("Username").fill(username)
    page.get_by_label("Password").fill(password)
    page.keyboard.press("Enter")


def test_a_member_signs_in_with_two_factors_and_goes_on(open_page: Opener, site: Site) -> None:
    """By keyboard: what is wrong stands beside its field, which has the focus, and all is kept."""
    bert = make_member(site, second_factor=True)
    page = open_page("/sign-in?next=/you%3Fa%3Db%23who")
    assert faults(page) == []
    page.get_by_label("Username").fill(bert.row.username)
    page.keyboard.press("Enter")
    password = page.get_by_label("Password")
    expect(password).to_be_focused()
    expect(password).to_have_accessible_description("Type your password")
    page.keyboard.type("not it at all, sorry")
    page.keyboard.press("Enter")
    expect(password).to_have_accessible_description("The username or the password is wrong")
    expect(password).to_be_focused()
    expect(password).to_have_value("not it at all, sorry")
    assert faults(page) == []
    password.fill(PASSWORD)
    page.keyboard.press("Enter")
    code = page.get_by_label("Code", exact=True)
    expect(code).to_be_focused()
    code.fill("000000")
    page.keyboard.press("Enter")
    expect(code).to_have_accessible_description(
        "Six digits that your authenticator app shows, or a recovery code This code is not right. "
        "Wait until the app shows the next one"
    )
    expect(code).to_be_focused()
    assert faults(page) == []
    code.fill(bert.code(clock.now()))
    page.keyboard.press("Enter")

    page.wait_for_url(f"{site.url}/you?a=b#who")
    expect(page.get_by_text("You are signed in as Anna Trelawney.")).to_be_visible()
    member = next(one for one in page.context.cookies() if one["name"] == "member")
    assert (member["httpOnly"], member["sameSite"]) == (True, "Lax")
    page.get_by_role("contentinfo").get_by_role("button", name="Sign out").click()
    expect(page.get_by_label("Username")).to_be_visible()
    assert [one for one in page.context.cookies() if one["name"] == "member"] == []


def test_nobody_is_led_elsewhere(open_page: Opener, site: Site) -> None:
    """Whatever a link to the page says; to the provider of an organisation neither."""
    anna = make_member(site)
    page = open_page("/")
    for next_ in ELSEWHERE:
        page.goto(f"{site.url}/sign-in?next={next_}")
        link = page.get_by_role("link", name="Sign in with")
        expect(link).to_have_attribute(
            "href", "/v1/oidc/devon/start?return_to=%2Fsign-in%23signed-in"
        )
    known = [
        page.get_by_label(name).get_attribute("autocomplete") for name in ("Username", "Password")
    ]
    fill_in(page, anna.row.username)
    heading(page, "You are signed in")
    assert page.url.startswith(f"{site.url}/sign-in")
    assert known == ["username", "current-password"]

    page.goto(f"{site.url}/sign-in")
    expect(page.get_by_text("You are signed in as Anna Trelawney for")).to_be_visible()
    page.get_by_role("main").get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("button", name="Sign out")).to_have_count(0)


def test_a_second_factor_is_set_up_where_one_is_demanded(open_page: Opener, site: Site) -> None:
    """Before anything else, with recovery codes that are shown once."""
    anna = make_member(site)
    with second_factor_demanded(site):
        page = open_page("/sign-in", **NARROW_AND_DARK)
        fill_in(page, anna.row.username)
        heading(page, "Add a code to your account")
        expect(page.get_by_role("img", name="Picture to scan").locator("svg")).to_be_visible()
        assert faults(page) == []
        secret = page.locator("code").inner_text().replace(" ", "")
        field = page.get_by_label("Code that the app shows")
        field.fill("000000")
        page.keyboard.press("Enter")
        expect(field).to_have_accessible_description(
            "This code is not right. Wait until the app shows the next one"
        )
        field.fill(TOTP(secret).at(clock.now()))
        page.keyboard.press("Enter")
        heading(page, "Keep these codes")
        assert faults(page) == []
        expect(page.locator(".codes li")).to_have_count(10)
        page.get_by_role("button", name="I have kept them").click()
        heading(page, "You are signed in")


def test_a_link_leads_to_a_password_and_is_in_no_address(open_page: Opener, site: Site) -> None:
    """A weak one is refused beside its field; opened once more, the link is of no use."""
    bert = make_member(site)
    with transaction(site.sessions) as session:
        link, _ = make_link(
            session, bert.person.id, LinkKind.RESET, settings=site.settings, at=clock.now()
        )
    page = open_page("/sign-in")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(f"{request.url} {request.headers}"))
    address = f"{site.url}/password#{link.partition('#')[2]}"
    page.goto(address)
    heading_ = page.get_by_role("heading", level=1)
    expect(heading_).to_have_text("Choose a password")
    expect(page).to_have_url(f"{site.url}/password")
    field = page.get_by_label("New password")
    assert field.get_attribute("autocomplete") == "new-password"
    for refused, why in (("short", "Use at least 12 letters"), ("password1234", "common")):
        field.fill(refused)
        page.keyboard.press("Enter")
        expect(page.locator(".error")).to_contain_text(why)
        expect(field).to_be_focused()
    assert faults(page) == []
    page.get_by_label("Show the password").check()
    assert field.get_attribute("type") == "text"
    field.fill("gossamer tin walrus ferry")
    page.keyboard.press("Enter")
    expect(page.get_by_text(f"You can now sign in as {bert.row.username}.")).to_be_visible()
    assert faults(page) == []

    page.goto("about:blank")
    page.goto(address)
    page.get_by_label("New password").fill("another harbour seal sings")
    page.keyboard.press("Enter")
    heading(page, "This link does not work any more")
    page.get_by_label("Username").fill(bert.row.username)
    page.keyboard.press("Enter")
    heading(page, "Look for our letter")
    assert not any(link.partition("#")[2] in one for one in asked)


def test_letters_links_do_nothing_before_somebody_touches_the_button(
    open_page: Opener, site: Site
) -> None:
    """Programs that look at letters open them too: an address is confirmed, and letters end."""
    at = clock.now()
    with transaction(site.sessions) as session:
        person = make_person(session, Purpose.NEARBY, Purpose.EMAIL)
        session.add(
            ChannelChoice(person_id=person.id, purpose=Purpose.NEARBY, push=True, email=True)
        )
        address = addresses.set_address(
            session,
            person,
            f"{uuid4().hex}@example.org",
            digest_at=time(17),
            settings=site.settings,
            at=at,
        )
        ids = session.scalars(select(Letter.id).where(Letter.address_id == address.id)).all()
        [posting] = service.claim(session, ids, settings=site.settings, at=at)
        token, person_id, address_id = token_in(posting), person.id, address.id

    page = open_page(f"/email#{token}")
    confirm = page.get_by_role("button", name="Yes, this address is mine")
    expect(confirm).to_be_visible()
    assert faults(page) == []
    assert not _is_confirmed(site, address_id)
    confirm.click()
    expect(page.get_by_text("Now we know that the address is yours.")).to_be_visible()
    assert _is_confirmed(site, address_id)
    page.reload()
    confirm.click()
    expect(page.get_by_role("alert")).to_contain_text("was used before")

    key = site.settings.codes.key.get_secret_value().encode()
    made = make_unsubscribe_token(key, address_id)
    page.goto(f"{site.url}/v1/email/unsubscribe?token={made}")
    stop = page.get_by_role("button", name="Send me no more letters")
    expect(stop).to_be_visible()
    assert _gets_letters(site, person_id)
    stop.click()
    expect(page.get_by_text("We send you no more letters.")).to_be_visible()
    assert not _gets_letters(site, person_id)

    page.goto(f"{site.url}/email")
    expect(page.get_by_role("heading", name="Part of this link is missing")).to_be_visible()
    expect(page.get_by_role("main").get_by_role("button")).to_have_count(0)


def _is_confirmed(site: Site, address_id: object) -> bool:
    with site.sessions() as session:
        return session.get_one(EmailAddress, address_id).confirmed_at is not None


def _gets_letters(site: Site, person_id: object) -> bool:
    with site.sessions() as session:
        found = select(ChannelChoice.email).where(ChannelChoice.person_id == person_id)
        return session.scalars(found).one()


def test_a_browser_joins_by_a_code_and_is_asked_before_it_forgets(
    open_page: Opener, site: Site
) -> None:
    """What is wrong stands beside its field; a member must sign out first."""
    with httpx2.Client(base_url=site.url) as phone:
        token = phone.post("/v1/devices", json={"label": "The phone"}).json()["token"]
        phone.headers["Authorization"] = f"Bearer {token}"
        code = phone.post("/v1/devices/me/joining-code").json()["code"]
        page = open_page("/join#0000-0000", color_scheme="dark")
        page.get_by_label("What shall we call this one?").fill("The laptop")
        assert page.url == f"{site.url}/join"
        page.get_by_role("button", name="Add this phone").click()
        field = page.get_by_label("The code that your other phone shows")
        expect(field).to_have_accessible_description(
            "This code does not work, or not any more. Make a new one on your other phone"
        )
        expect(field).to_be_focused()
        assert faults(page) == []
        assert page.context.cookies() == []
        field.fill(code)
        page.get_by_role("button", name="Add this phone").click()
        expect(page.get_by_role("link", name="A device was added")).to_be_visible()
        labels = [one["label"] for one in phone.get("/v1/devices").json()]
        assert labels == ["The phone", "The laptop"]

        page.goto(f"{site.url}/join#1111-1111")
        expect(page.get_by_text("We know this phone already")).to_be_visible()
        page.get_by_role("button", name="Add this phone").click()
        expect(page.get_by_role("alert")).to_contain_text("Tick this first")
        expect(page.get_by_label("Yes, forget who this phone was")).to_be_focused()
        assert faults(page) == []
        assert [one["label"] for one in phone.get("/v1/devices").json()] == labels

    member = open_page("/sign-in")
    fill_in(member, make_member(site).row.username)
    heading(member, "You are signed in")
    member.goto(f"{site.url}/join#{code}")
    expect(member.get_by_role("alert")).to_contain_text("Sign out first.")


def test_everybody_can_come_in(open_page: Opener, site: Site) -> None:
    """In Welsh, by night, on 320 pixels, with letters twice as large, and without an answer."""
    page = open_page("/", locale="cy-GB", service_workers="block", **NARROW_AND_DARK)
    found: dict[object, object] = {}
    for path in (
        "/sign-in",
        "/password",
        "/password#gsl_x",
        "/join#x",
        "/email#x",
        "/email#stop=x",
    ):
        page.goto("about:blank")
        page.goto(f"{site.url}{path}")
        expect(page.locator("main button").first).to_be_visible()
        found[path] = faults(page)
        page.evaluate("document.documentElement.style.fontSize = '200%'")
        found[path, "large"] = faults(page)
    assert {name: told for name, told in found.items() if told} == {}

    page.route("**/v1/**", lambda route: route.abort())
    for path in ("/sign-in", "/sign-in#signed-in", "/join#x", "/notifications", "/you/messages"):
        page.goto("about:blank")
        page.goto(f"{site.url}{path}")
        expect(page.get_by_role("button", name="Rhoi cynnig arall arni").first).to_be_visible()
