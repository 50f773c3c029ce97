"""A real browser for the tests of a module, and empty pages in it that share nothing."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route, sync_playwright


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Chromium; starting it takes longer than most of what is done in it."""
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("chromium is not installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@contextmanager
def empty_page(chromium: Browser, **told: Any) -> Iterator[Page]:
    """Have a page of a browser that has been nowhere; an error in a script fails the test."""
    with chromium.new_context(**told) as context:
        page = context.new_page()
        page.set_default_timeout(20_000)
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        yield page
    assert errors == []


class Held:
    """What a page asks for, kept from going on until it is let go."""

    def __init__(self, page: Page, pattern: str) -> None:
        self.routes: list[Route] = []
        self._page = page
        self._pattern = pattern
        page.route(pattern, self._hold)

    def _hold(self, route: Route) -> None:
        self.routes.append(route)

    def let_go(self) -> None:
        """Wait until there is something, let that go on, and hold nothing from now on."""
        for _ in range(400):
            if self.routes:
                break
            self._page.wait_for_timeout(50)
        assert self.routes, "nothing was asked for"
        for route in self.routes:
            route.continue_()
        self._page.unroute(self._pattern)
