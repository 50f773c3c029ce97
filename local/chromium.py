"""The distribution's Chromium, driven by Playwright."""

import shutil

from playwright.sync_api import Browser, Playwright

from local.console import CannotGoOn

OPTIONS = (
    # Also for root, as whom containers often run.
    "--no-sandbox",
    # Draws maps on machines without a graphics card.
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
)


def launch(playwright: Playwright) -> Browser:
    """Start it.

    Raises:
        CannotGoOn: It is not installed.
    """
    path = shutil.which("chromium")
    if path is None:
        raise CannotGoOn("Chromium is not installed. `make setup` does that.")
    return playwright.chromium.launch(executable_path=path, args=OPTIONS)
