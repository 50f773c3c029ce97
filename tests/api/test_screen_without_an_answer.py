"""The screen at the desk, whose calls come to nothing: what can be said is said."""

from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from httpx2 import Client
from playwright.sync_api import Browser, Page, expect

from tests.api.serving import serving
from tests.browsing import empty_page


@pytest.fixture
def site(application: FastAPI, anyone: Client) -> Iterator[str]:  # noqa: ARG001
    """Where a browser reaches the application."""
    with serving(application) as address:
        yield address


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """A browser's empty page."""
    with empty_page(chromium) as page:
        yield page


def test_a_screen_without_an_answer_says_so(page: Page, site: str) -> None:
    """And its script does not fail, by which nobody would learn anything."""
    page.route("**/v1/**", lambda route: route.abort())

    page.goto(f"{site}/screen#secret")

    expect(page.locator("#message")).to_contain_text("The screen has no connection yet")


def test_a_browser_that_does_not_fill_the_screen_leaves_the_page_be(page: Page, site: str) -> None:
    """It refuses whoever has not just touched the page, which a driven browser takes for done."""
    page.route("**/v1/**", lambda route: route.abort())
    page.goto(f"{site}/screen#secret")
    page.evaluate(
        "() => { document.documentElement.requestFullscreen = () => Promise.reject(Error('No')); }"
    )

    page.evaluate("document.getElementById('full').click()")

    expect(page.locator("#message")).to_contain_text("no connection yet")
