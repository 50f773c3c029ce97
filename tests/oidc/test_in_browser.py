"""Signing in and out in a real browser, by way of a certified provider."""

import re
from collections.abc import Iterator
from datetime import timedelta
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browsing import empty_page
from tests.eventually import eventually
from tests.oidc.conftest import Site
from tests.oidc.identity import IdentityProvider


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """A browser's empty page."""
    with empty_page(chromium) as page:
        yield page


def tell_name(page: Page, name: str) -> None:
    """Tell the provider who one is."""
    page.get_by_placeholder("Enter any login").fill(name)
    page.get_by_placeholder("and password").fill("any")
    page.get_by_role("button", name="Sign-in").click()


def test_there_and_back_and_out_again(page: Page, site: Site, identity: IdentityProvider) -> None:
    """The browser is Anna's until the provider says that she signed out."""
    page.goto(f"{site.url}/v1/oidc/devon/start?return_to=/notifications")
    at_provider = page.url
    tell_name(page, "anna")
    page.wait_for_url(f"{site.url}/notifications")
    cookies = {one["name"]: one for one in page.context.cookies(site.url)}
    known = page.evaluate("fetch('/v1/consents').then(answer => answer.status)")
    seen_by_scripts = page.evaluate("document.cookie")

    page.goto(f"{site.url}/v1/oidc/devon/end")
    page.get_by_role("button", name="Yes, sign me out").click()
    page.wait_for_url(re.compile(re.escape(f"{site.url}/sign-in")))
    eventually(lambda: site.holding() == set(), within=timedelta(seconds=60))
    page.goto(f"{site.url}/notifications")
    known_after = page.evaluate("fetch('/v1/consents').then(answer => answer.status)")

    assert at_provider.startswith(identity.issuer)
    assert (cookies["member"]["httpOnly"], cookies["member"]["sameSite"]) == (True, "Lax")
    assert "oidc" not in cookies
    assert "member" not in seen_by_scripts
    assert (known, known_after) == (200, 401)


def test_the_button_signs_out_of_the_provider_as_well(page: Page, site: Site) -> None:
    """Or whoever sits down next at a shared desktop would be let in by one click."""
    page.goto(f"{site.url}/sign-in")
    page.get_by_role("link", name="Sign in with Devon").click()
    tell_name(page, "anna")
    page.get_by_role("main").get_by_role("button", name="Sign out").click()
    page.get_by_role("button", name="Yes, sign me out").click()
    page.wait_for_url(re.compile(re.escape(f"{site.url}/sign-in")))
    held = site.holding()
    page.goto(f"{site.url}/v1/oidc/devon/start")

    assert held == set()
    expect(page.get_by_placeholder("Enter any login")).to_be_visible()


def test_the_front_door_leads_to_the_provider(page: Page, site: Site) -> None:
    """And says that one is signed in to whoever comes back; or it goes on to where they wanted."""
    page.goto(f"{site.url}/sign-in")
    page.get_by_role("link", name="Sign in with Devon").click()
    tell_name(page, "anna")
    expect(page.get_by_role("heading", level=1)).to_have_text("You are signed in")
    expect(page.get_by_role("main").get_by_role("button", name="Sign out")).to_be_visible()
    page.goto(f"{site.url}/sign-in?next=/notifications%3Fa%3Db")
    page.get_by_role("link", name="Sign in with Devon").click()

    page.wait_for_url(f"{site.url}/notifications?a=b")


@pytest.mark.parametrize("next_", ["https://elsewhere.example/", "//elsewhere.example", "/\\e.org"])
def test_the_front_door_leads_nobody_elsewhere(page: Page, site: Site, next_: str) -> None:
    """Whoever sends a link to it cannot say where people end up."""
    page.goto(f"{site.url}/sign-in?next={quote(next_)}")

    link = page.get_by_role("link", name="Sign in with Devon")
    expect(link).to_have_attribute("href", "/v1/oidc/devon/start?return_to=%2Fsign-in%23signed-in")


def test_whoever_has_no_role_reads_so(page: Page, site: Site) -> None:
    """On a page of ours, in words."""
    page.goto(f"{site.url}/v1/oidc/devon/start")
    tell_name(page, "ben")

    expect(page.get_by_role("heading")).to_have_text("You have no role in this service")
    expect(page.locator("main")).to_contain_text("Ask whoever runs the provider")
