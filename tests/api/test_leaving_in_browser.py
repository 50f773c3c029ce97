"""Pages whose calls come to nothing: nothing fails unseen, and what can be said is said.

That is how a call ends, too, whose page is left before the answer.
"""

from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from httpx2 import Client
from playwright.sync_api import Browser, Page, expect

from tests.api.serving import serving
from tests.browsing import empty_page

NO_ANSWER = "That did not work"
UNANSWERED = {
    "/sign-in": "Other ways to sign in could not be loaded",
    "/sign-in#signed-in": NO_ANSWER,
    "/join#ABCD": NO_ANSWER,
    "/notifications": NO_ANSWER,
    "/notifications/6f1c8f0e-6a0e-4b0e-8c86-0d6b51ad1c11": NO_ANSWER,
    "/screen#secret": "The screen has no connection yet",
}
"""What each page that calls the service when it is opened says without an answer."""


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


@pytest.mark.parametrize("path", UNANSWERED)
def test_a_page_without_an_answer_says_so(page: Page, site: str, path: str) -> None:
    """And its script does not fail, by which nobody would learn anything."""
    page.route("**/v1/**", lambda route: route.abort())

    page.goto(f"{site}{path}")

    expect(page.locator("#message")).to_contain_text(UNANSWERED[path])


@pytest.mark.parametrize("path", [*UNANSWERED, "/email?token=x", "/password#x"])
def test_a_page_that_is_left_fails_nowhere(page: Page, site: str, path: str) -> None:
    """Though its calls are never answered."""
    page.route("**/v1/**", lambda _route: None)
    page.goto(f"{site}{path}", wait_until="commit")

    page.goto(f"{site}/email")

    expect(page.locator("#message")).to_contain_text("Part of this link is missing")


def test_a_browser_that_does_not_fill_the_screen_leaves_the_page_be(page: Page, site: str) -> None:
    """It refuses whoever has not just touched the page, which a driven browser takes for done."""
    page.route("**/v1/**", lambda route: route.abort())
    page.goto(f"{site}/screen#secret")
    page.evaluate(
        "() => { document.documentElement.requestFullscreen = () => Promise.reject(Error('No')); }"
    )

    page.evaluate("document.getElementById('full').click()")

    expect(page.locator("#message")).to_contain_text("no connection yet")
