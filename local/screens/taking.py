"""`python -m local.screens.taking`: takes the pictures of a service that runs already."""

import argparse
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, StorageState, sync_playwright

from local.chromium import launch
from local.screens.readme import write_readme_pictures
from local.screens.scene import Scene, be_citizen, be_staff, set_scene
from local.screens.sheet import write_sheet
from local.screens.shots import SHOTS, Shot, Who, fail, read_addresses
from local.story.stage import Stage, Teller, set_stage

SIZES = {"phone": (390, 844), "desk": (1280, 800)}
SCHEMES = ("light", "dark")
ENGLISH, WELSH = "en-GB", "cy-GB"
TIME_ZONE = "Europe/London"
PATIENCE_MS = 15_000
UNDER_WAY = "main [role=status] > [aria-hidden=true], main [aria-busy=true]"
"""What stands on a page while something of it is on its way."""
WHOLE = "() => ({ width: innerWidth, height: document.documentElement.scrollHeight })"
"""How large a window is that shows the whole page."""
SOME_FRAMES = """() => new Promise((done) => {
    let left = 5;
    const next = () => (left-- ? requestAnimationFrame(next) : done());
    next();
})"""
"""So long it takes a page to begin with what a change of the window's size asks of it."""


class Photographer:
    """Takes pictures as somebody sees them."""

    def __init__(self, browser: Browser, stage: Stage, folder: Path) -> None:
        self._browser = browser
        self._api = stage.api
        self._folder = folder
        self._scene: Scene = set_scene(stage)
        self._located: dict[str, Any] = {
            "geolocation": self._scene.position,
            "permissions": ["geolocation"],
        }
        told = {"locale": ENGLISH, "timezone_id": TIME_ZONE, **self._located}
        self._states: Mapping[Who, StorageState | None] = {
            Who.NOBODY: None,
            Who.CITIZEN: be_citizen(browser, self._api, self._scene, **told),
            Who.STAFF: be_staff(browser, self._api, self._scene, **told),
        }

    def take(self, shot: Shot) -> list[Path]:
        """Take all pictures of one state; what cannot be reached is said with its name."""
        try:
            return [*self._english(shot), *(self._welsh(shot) if shot.welsh else ())]
        except Exception as error:
            error.add_note(f"It happened at {shot.name}.")
            raise

    def _english(self, shot: Shot) -> Iterator[Path]:
        with self._context(shot, ENGLISH) as context:
            page = self._open(context, shot)
            shot.go(page)
            # What was touched last shall not look as if a mouse stood on it.
            page.mouse.move(0, 0)
            for size, (width, height) in SIZES.items():
                for scheme in SCHEMES:
                    page.set_viewport_size({"width": width, "height": height})
                    page.emulate_media(color_scheme="light" if scheme == "light" else "dark")
                    yield self._picture(page, f"{shot.name}-{size}-{scheme}")

    def _welsh(self, shot: Shot) -> Iterator[Path]:
        with self._context(shot, WELSH) as context:
            yield self._picture(self._open(context, shot), f"{shot.name}-phone-light-cy")

    def _context(self, shot: Shot, locale: str) -> BrowserContext:
        width, height = SIZES["phone"]
        return self._browser.new_context(
            viewport={"width": width, "height": height},
            locale=locale,
            timezone_id=TIME_ZONE,
            storage_state=self._states[shot.who],
            forced_colors="active" if shot.forced_colors else "none",
            # It would answer in place of a service that has trouble.
            service_workers="block",
            **(self._located if shot.has_position else {}),
        )

    def _open(self, context: BrowserContext, shot: Shot) -> Page:
        if shot.fails:
            context.route("**/v1/**", fail)
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        address = read_addresses()[shot.page]
        parameters = {**self._scene.parameters, **shot.at(self._scene)}
        page.goto(self._api + (address + shot.behind).format_map(parameters))
        _settle(page)
        return page

    def _picture(self, page: Page, name: str) -> Path:
        _settle(page)
        # A map whose size changes while the picture is taken is drawn too late.
        page.set_viewport_size(page.evaluate(WHOLE))
        _settle(page)
        path = self._folder / f"{name}.png"
        page.screenshot(path=path, animations="disabled", scale="css")
        return path


def _settle(page: Page) -> None:
    """Wait until the page shows what it is going to show."""
    page.get_by_role("heading", level=1).wait_for()
    page.wait_for_load_state("networkidle")
    page.evaluate(SOME_FRAMES)
    page.wait_for_function(f"() => !document.querySelector('{UNDER_WAY}')")


def main(arguments: list[str]) -> int:
    """Take them, and write the sheet."""
    parser = argparse.ArgumentParser(prog="python -m local.screens.taking", description=__doc__)
    parser.add_argument("--api", required=True)
    parser.add_argument("--push", required=True)
    parser.add_argument("--to", type=Path, required=True)
    parser.add_argument("--only", default="")
    parser.add_argument("--readme", action="store_true")
    told = parser.parse_args(arguments)
    told.to.mkdir(parents=True, exist_ok=True)
    stage = set_stage(told.api, told.push, Teller(aloud=False))
    wanted = [shot for shot in SHOTS if shot.name.startswith(told.only)]
    with stage.manager, sync_playwright() as playwright:
        browser = launch(playwright)
        photographer = Photographer(browser, stage, told.to)
        pictures = []
        for shot in wanted:
            pictures.append((shot.name, photographer.take(shot)))
            print(f"  {shot.name}", flush=True)
        browser.close()
    print(f"Look at {write_sheet(told.to, pictures)}.", flush=True)
    if told.readme:
        write_readme_pictures(told.to)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
