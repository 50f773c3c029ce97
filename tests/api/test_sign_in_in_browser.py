"""The pages to sign in and to choose a password, in a real browser and by keyboard."""

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from fastapi import FastAPI
from httpx2 import Client
from playwright.sync_api import Browser, Page, expect
from pyotp import TOTP
from sqlalchemy.orm import Session

from geoservices.accounts.models import Organisation
from geoservices.credentials.links import make_link
from geoservices.credentials.models import LinkKind
from geoservices.settings.service import Settings
from tests.api.asking import now
from tests.api.serving import serving
from tests.browsing import empty_page
from tests.signing import PASSWORD, Account, make_account


@pytest.fixture
def site(application: FastAPI, anyone: Client) -> Iterator[str]:  # noqa: ARG001
    """Where a browser reaches the application on the test's own sessions."""
    with serving(application) as address:
        yield address


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """A narrow phone's empty page."""
    with empty_page(chromium, viewport={"width": 390, "height": 800}) as page:
        yield page


@pytest.fixture
def bert(session: Session, organisation: Organisation, settings: Settings) -> Account:
    """A manager with a second factor."""
    return make_account(
        session, organisation, username="bert", second_factor=True, settings=settings
    )


def check(page: Page) -> None:
    """Nothing keeps anybody from using the page (WCAG 2.2 AA), and nothing sticks out of it."""
    found = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]})
    assert found.violations_count == 0, found.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_member_signs_in_by_keyboard(page: Page, site: str, bert: Account) -> None:
    """What is wrong is told beside its field, which has the focus; then a code is asked for."""
    page.goto(f"{site}/sign-in?next=/email")
    check(page)
    page.get_by_label("Username").fill("bert")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Password")).to_be_focused()
    expect(page.get_by_label("Password")).to_have_accessible_description("Fill in: Password")
    page.keyboard.type("not it at all, sorry")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Password")).to_have_accessible_description(
        "Username or password is wrong."
    )
    expect(page.get_by_label("Password")).to_be_focused()
    check(page)
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_label("Code", exact=True)).to_be_focused()
    page.keyboard.type("000000")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Code", exact=True)).to_have_accessible_description(
        "Six digits from your authenticator app, or a recovery code. This code is not good. Wait "
        "for the next one."
    )
    check(page)
    page.keyboard.type(bert.code(now()))
    page.keyboard.press("Enter")
    page.wait_for_url(f"{site}/email")

    member = next(one for one in page.context.cookies() if one["name"] == "member")
    assert (member["httpOnly"], member["sameSite"]) == (True, "Lax")


@pytest.mark.parametrize(
    "next_", ["https://evil.example/", "//evil.example/", "javascript:alert(1)"]
)
def test_nobody_is_led_elsewhere(
    page: Page, site: str, session: Session, organisation: Organisation, next_: str
) -> None:
    """Whatever a link to this page says; who signed in here can sign out here."""
    make_account(session, organisation)
    page.goto(f"{site}/sign-in?next={next_}")
    page.get_by_label("Username").fill("anna")
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="You are signed in")).to_be_focused()
    assert page.url.startswith(f"{site}/sign-in")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_label("Username")).to_be_visible()

    assert [one for one in page.context.cookies() if one["name"] == "member"] == []


def test_password_managers_know_what_is_what(page: Page, site: str) -> None:
    """By the names that HTML has for it (autofill field names)."""
    page.goto(f"{site}/sign-in")
    known = [
        page.locator(f"#{field}").get_attribute("autocomplete")
        for field in ("username", "password", "code")
    ]
    page.goto(f"{site}/password#gsl_made-up")

    assert known == ["username", "current-password", "one-time-code"]
    assert page.get_by_label("New password").get_attribute("autocomplete") == "new-password"


def test_a_link_leads_to_a_password_and_is_in_no_address(
    page: Page, site: str, session: Session, settings: Settings, bert: Account
) -> None:
    """A weak one is refused beside its field; opened once more, the link is of no use."""
    link, _ = make_link(session, bert.person.id, LinkKind.RESET, settings=settings, at=now())
    session.commit()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(f"{request.url} {request.headers}"))
    address = f"{site}/password#{link.partition('#')[2]}"
    page.goto(address)
    expect(page.get_by_role("heading", name="Choose a password")).to_be_focused()
    assert page.url == f"{site}/password"
    check(page)
    field = page.get_by_label("New password")
    field.fill("password1234")
    page.keyboard.press("Enter")
    expect(field).to_be_focused()
    expect(page.locator("#password-fault")).to_contain_text("common")
    check(page)
    page.get_by_label("Show the password").check()
    assert field.get_attribute("type") == "text"
    field.fill("gossamer tin walrus ferry")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_have_text("You can now sign in as bert.")
    check(page)
    page.goto("about:blank")
    page.goto(address)
    page.get_by_label("New password").fill("another harbour seal sings")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="This link is not good any more")).to_be_visible()
    check(page)
    page.get_by_label("Username").fill("bert")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("If there is such an account")

    assert not any(link.partition("#")[2] in one for one in asked)


def test_a_demanded_second_factor_is_set_up(
    page: Page,
    site: str,
    application: FastAPI,
    session: Session,
    organisation: Organisation,
) -> None:
    """Before anything else, with recovery codes that are shown once."""
    make_account(session, organisation)
    settings = application.state.settings
    strict = settings.sign_in.model_copy(update={"demand_second_factor": True})
    application.state.settings = settings.model_copy(update={"sign_in": strict})
    try:
        page.goto(f"{site}/sign-in")
        page.get_by_label("Username").fill("anna")
        page.get_by_label("Password").fill(PASSWORD)
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="Set up a second factor")).to_be_focused()
        check(page)
        secret = page.locator("#secret").inner_text().replace(" ", "")
        page.get_by_label("Code that the app shows").fill(TOTP(secret).at(now()))
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="Recovery codes")).to_be_focused()
        check(page)
        codes = page.get_by_role("listitem").count()
        page.get_by_role("button", name="I have kept them").click()
        expect(page.get_by_role("heading", name="You are signed in")).to_be_visible()
    finally:
        application.state.settings = settings

    assert codes == 10
