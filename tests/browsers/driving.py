"""Real browsers, driven by Playwright from a thread of its own.

Playwright's synchronous interface keeps an event loop running in the test's thread, where the
code under test wants to run its own.
"""

import asyncio
import os
import shutil
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from threading import Thread
from typing import Any, Literal, Protocol, TypeVar

from playwright.async_api import Browser as PlaywrightBrowser
from playwright.async_api import BrowserContext, Page, Playwright, ViewportSize, async_playwright
from playwright.async_api import expect as expecting

from tests.eventually import eventually

T = TypeVar("T")
FIREFOX, CHROMIUM = shutil.which("firefox-esr"), shutil.which("chromium")
ALLOW, BLOCK = 1, 2
PHONE: ViewportSize = {"width": 390, "height": 844}
PATIENCE = timedelta(seconds=30)


class Loop:
    """An event loop in a thread, on which Playwright lives."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, name="playwright")
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Wait for what a coroutine returns."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=90)

    def close(self) -> None:
        """End the thread."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class Screen:
    """One tab of a browser, as its user has it."""

    def __init__(self, loop: Loop, page: Page) -> None:
        self._loop = loop
        self.page = page

    def open(self, address: str) -> None:
        """Go to an address."""
        self._loop.run(self.page.goto(address))

    def click(self, name: str, *, role: Any = "button") -> None:
        """Touch what has this role and this name."""
        self._loop.run(self.page.get_by_role(role, name=name).click())

    def fill(self, label: str, text: str) -> None:
        """Type into what has this label."""
        self._loop.run(self.page.get_by_label(label).fill(text))

    def cookies(self) -> list[Any]:
        """What the browser keeps that no script can read."""
        return list(self._loop.run(self.page.context.cookies()))

    def close(self) -> None:
        """Close the tab."""
        self._loop.run(self.page.close())

    def reads(self, text: str) -> None:
        """Make sure that the text comes to stand on the page."""
        shown = self.page.locator("main").get_by_text(text).filter(visible=True).first
        self._loop.run(expecting(shown).to_be_visible(timeout=PATIENCE.total_seconds() * 1000))

    def evaluate(self, script: str, argument: Any = None) -> Any:
        """Run a script on the page and return what comes of it."""
        return self._loop.run(self.page.evaluate(script, argument))

    def photograph(self, path: Path) -> None:
        """Write a picture of the whole page."""
        self._loop.run(self.page.screenshot(path=path, full_page=True))

    def set_scheme(self, scheme: Literal["light", "dark"]) -> None:
        """Ask for light or dark pages from now on."""
        self._loop.run(self.page.emulate_media(color_scheme=scheme))


@dataclass(slots=True)
class Visitor:
    """Somebody who has never been there: a browser that has kept nothing, and its tabs."""

    loop: Loop
    context: BrowserContext

    def open(self, address: str) -> Screen:
        """Open an address in a new tab."""
        screen = Screen(self.loop, self.loop.run(self.context.new_page()))
        screen.open(address)
        return screen

    def addresses(self) -> list[str]:
        """What is open in the tabs."""
        return [page.url for page in self.context.pages]

    def screen_at(self, address: str) -> Screen:
        """The tab that comes to be at an address."""
        eventually(lambda: address in self.addresses(), within=PATIENCE)
        [page] = [page for page in self.context.pages if page.url == address]
        return Screen(self.loop, page)


class Engine(Protocol):
    """A running browser."""

    @property
    def name(self) -> str:
        """What it is called."""

    def visitor(self, site_url: str, *, allowed: bool = True) -> AbstractContextManager[Visitor]:
        """Begin with nothing kept; `allowed` is what the user says to notifications."""


@dataclass(frozen=True, slots=True)
class Firefox:
    """Debian's Firefox ESR; each visitor has a container of its own."""

    loop: Loop
    allowing: PlaywrightBrowser
    launch: Callable[[int], Coroutine[Any, Any, PlaywrightBrowser]]
    name: str = "firefox"

    @contextmanager
    def visitor(self, site_url: str, *, allowed: bool = True) -> Iterator[Visitor]:  # noqa: ARG002
        """Begin with nothing kept."""
        browser = self.allowing if allowed else self.loop.run(self.launch(BLOCK))
        context = self.loop.run(browser.new_context(viewport=PHONE))
        yield Visitor(self.loop, context)
        self.loop.run(context.close() if allowed else browser.close())


@dataclass(frozen=True, slots=True)
class Chromium:
    """Debian's Chromium; it subscribes in its one lasting profile only, so that is emptied."""

    loop: Loop
    context: BrowserContext
    name: str = "chromium"

    @contextmanager
    def visitor(self, site_url: str, *, allowed: bool = True) -> Iterator[Visitor]:
        """Begin with nothing kept."""
        self.loop.run(self._empty(site_url))
        if allowed:
            # Without a head nobody can be asked, which counts as a no.
            self.loop.run(self.context.grant_permissions(["notifications"], origin=site_url))
        yield Visitor(self.loop, self.context)
        for page in self.context.pages[1:]:
            self.loop.run(page.close())

    async def _empty(self, site_url: str) -> None:
        session = await self.context.new_cdp_session(self.context.pages[0])
        # What a worker is still keeping would otherwise hold up that it is deleted.
        await session.send("ServiceWorker.enable")
        await session.send("ServiceWorker.stopAllWorkers")
        everything = {"origin": site_url, "storageTypes": "all"}
        await session.send("Storage.clearDataForOrigin", everything)
        await session.detach()
        await self.context.clear_permissions()


@contextmanager
def open_firefox(loop: Loop, *, push_url: str, desktop_address: str) -> Iterator[Firefox]:
    """Start Firefox with our push service and our desktop."""
    with playwright(loop) as driver:
        launch = partial(_launch_firefox, driver, push_url, desktop_address)
        allowing = loop.run(launch(ALLOW))
        yield Firefox(loop, allowing, launch)
        loop.run(allowing.close())


@contextmanager
def open_chromium(
    loop: Loop, *, push_url: str, mcs_port: int, desktop_address: str, folder: Path
) -> Iterator[Chromium]:
    """Start Chromium with our push service and our desktop."""
    with playwright(loop) as driver:
        context = loop.run(
            driver.chromium.launch_persistent_context(
                folder,
                executable_path=CHROMIUM,
                headless=True,
                chromium_sandbox=False,
                env=_env(desktop_address),
                viewport=PHONE,
                args=[
                    "--disable-quic",
                    f"--gcm-checkin-url={push_url}/checkin",
                    f"--gcm-registration-url={push_url}/register3",
                    f"--gcm-mcs-endpoint=https://localhost:{mcs_port}",
                    "--ignore-certificate-errors",
                ],
            )
        )
        yield Chromium(loop, context)
        loop.run(context.close())


@contextmanager
def playwright(loop: Loop) -> Iterator[Playwright]:
    """Have Playwright on the loop for the block."""
    manager = async_playwright()
    yield loop.run(manager.__aenter__())
    loop.run(manager.__aexit__())


async def _launch_firefox(
    driver: Playwright, push_url: str, desktop_address: str, permission: int
) -> PlaywrightBrowser:
    return await driver.firefox.launch(
        channel="moz-firefox",
        executable_path=FIREFOX,
        headless=True,
        env=_env(desktop_address),
        firefox_user_prefs={
            # Firefox under remote control would not connect to any push service.
            "remote.prefs.recommended": False,
            "dom.push.connection.enabled": True,
            "dom.push.serverURL": push_url.replace("http", "ws", 1) + "/",
            "dom.push.testing.allowInsecureServerURL": True,
            "dom.push.retryBaseInterval": 200,
            "permissions.default.desktop-notification": permission,
            "alerts.useSystemBackend": True,
        },
    )


def _env(desktop_address: str) -> dict[str, str | float | bool]:
    return {**os.environ, "DBUS_SESSION_BUS_ADDRESS": desktop_address}
