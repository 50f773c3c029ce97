"""How long it takes until "near me" can be used, on a slow connection and a slow phone.

A browser opens the app, touches "Use my location" once that is painted, and waits until the list
of places is painted. Connection and processor are those of Lighthouse's preset for phones, "slow
4G" (https://github.com/GoogleChrome/lighthouse/blob/main/docs/throttling.md): 1.6 Mbit/s down,
750 kbit/s up, a round trip of 150 ms, and a processor four times slower than the machine's.

Chromium slows down each request as a whole, and connections cost nothing with it. To make up for
that Lighthouse reckons with 3.75 times the round trip and 0.9 times the throughput where it
measures so; with these it is measured once more.
"""

import os
import statistics
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from playwright.sync_api import Browser, BrowserContext, Geolocation, sync_playwright

from bench.database import database_server
from bench.ingest_service import applications
from local import chromium
from local.configuration import CHECKOUT, HOST
from local.processes import program

CPU_SLOWDOWN = 4
EXETER: Geolocation = {"longitude": -3.5301, "latitude": 50.7244, "accuracy": 10}
PHONE = {"width": 390, "height": 844}
BITS = 8
PATIENCE_MS = 60_000
USE = """
  let touched = false;
  const painted = (next) => requestAnimationFrame(() => setTimeout(next));
  new MutationObserver((_, observer) => {
    const button = document.querySelector("main button");
    if (button && !touched) {
      touched = true;
      painted(() => { window.touchedAt = performance.now(); button.click(); });
    }
    if (document.querySelector("main li a")) {
      observer.disconnect();
      painted(() => { window.usedAt = performance.now(); });
    }
  }).observe(document, { childList: true, subtree: true });
"""
"""Does in the page what somebody does who touches at once; in milliseconds since they set out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """What a request has to get through."""

    latency_ms: float
    down_bps: float
    up_bps: float


SLOW_4G = Connection(latency_ms=150, down_bps=1.6e6, up_bps=750e3)
ADJUSTED = Connection(latency_ms=150 * 3.75, down_bps=1.6e6 * 0.9, up_bps=750e3 * 0.9)


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """When the button was there to be touched, and when the list was there: milliseconds."""

    touched_ms: float
    used_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Visits:
    """Medians of first visits, and of second ones of the same browser."""

    cold: Use
    warm: Use


@contextmanager
def town() -> Iterator[str]:
    """Serve the libraries of Devon on a database of their own; yield where."""
    with database_server() as server:
        url = server.database("web")
        env = {**os.environ, "GEOSERVICES_DATABASE_URL": url}
        command = [program("python"), "-m", "local.preparing"]
        subprocess.run(command, cwd=CHECKOUT, env=env, check=True, stdout=subprocess.DEVNULL)
        with applications("api.main:app", url, server.folder, count=1) as (application,):
            yield f"http://{HOST}:{application.port}"


def measure(url: str, runs: int) -> Mapping[Connection, Visits]:
    """Open the app so many times on each connection, in turn, each time in a new browser."""
    uses: dict[Connection, list[tuple[Use, Use]]] = {SLOW_4G: [], ADJUSTED: []}
    with sync_playwright() as playwright:
        browser = chromium.launch(playwright)
        # The first visit of all finds the service cold, too.
        _visit_twice(browser, url, SLOW_4G)
        for _ in range(runs):
            for connection, visits in uses.items():
                visits.append(_visit_twice(browser, url, connection))
        browser.close()
    return {
        connection: Visits(
            cold=_median([cold for cold, _ in visits]), warm=_median([warm for _, warm in visits])
        )
        for connection, visits in uses.items()
    }


def _visit_twice(browser: Browser, url: str, connection: Connection) -> tuple[Use, Use]:
    with browser.new_context(
        viewport={"width": PHONE["width"], "height": PHONE["height"]},
        permissions=["geolocation"],
    ) as context:
        context.set_geolocation(EXETER)
        return _visit(context, url, connection), _visit(context, url, connection)


def _visit(context: BrowserContext, url: str, connection: Connection) -> Use:
    page = context.new_page()
    devtools = context.new_cdp_session(page)
    devtools.send("Network.enable")
    told = {
        "offline": False,
        "latency": connection.latency_ms,
        "downloadThroughput": connection.down_bps / BITS,
        "uploadThroughput": connection.up_bps / BITS,
    }
    devtools.send("Network.emulateNetworkConditions", told)
    devtools.send("Emulation.setCPUThrottlingRate", {"rate": CPU_SLOWDOWN})
    page.add_init_script(USE)
    page.goto(url, wait_until="commit")
    page.wait_for_function("() => window.usedAt", timeout=PATIENCE_MS)
    touched, used = page.evaluate("() => [window.touchedAt, window.usedAt]")
    page.close()
    return Use(touched_ms=touched, used_ms=used)


def _median(uses: list[Use]) -> Use:
    return Use(
        touched_ms=statistics.median(use.touched_ms for use in uses),
        used_ms=statistics.median(use.used_ms for use in uses),
    )
