"""The reference page works where there is no internet."""

import re
import shutil

import pytest
from fastapi import FastAPI
from httpx2 import Client
from playwright.sync_api import expect, sync_playwright

from tests.api.serving import serving

CHROMIUM = shutil.which("chromium")


def test_the_reference_page_needs_nothing_from_elsewhere(anyone: Client) -> None:
    """Every address in it is this service's own, and answers."""
    page = anyone.get("/docs")

    addresses = re.findall(r'(?:href|src)="([^"]+)"', page.text)
    assert page.status_code == 200
    assert len(addresses) == 5
    assert [a for a in addresses if not a.startswith("/")] == []
    assert [anyone.get(a).status_code for a in addresses] == [200] * 5


@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")
def test_a_browser_draws_it_under_the_policy(application: FastAPI) -> None:
    """No script or style of it is refused, and the operations are there."""
    refused: list[str] = []
    with serving(application) as site, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page()
        page.on("console", lambda told: refused.append(told.text) if told.type == "error" else None)
        page.goto(f"{site}/docs")
        expect(page.get_by_text("Check in at public places").first).to_be_visible()
        expect(page.get_by_text("/v1/check-ins").first).to_be_visible()
        browser.close()

    assert refused == []
