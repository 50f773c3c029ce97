"""Firefox and Chromium with push services and a desktop of their own, and the service they meet."""

import shutil
import ssl
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from uuid import uuid4

import httpx2
import pytest

from local import web
from local.browser import NO_TLS
from local.pushservice import serving
from tests.browsers.desktop import Desktop, open_desktop
from tests.browsers.driving import (
    CHROMIUM,
    FIREFOX,
    Engine,
    Loop,
    Visitor,
    open_chromium,
    open_firefox,
)
from tests.browsers.google import GoogleService
from tests.browsers.mozilla import MozillaService
from tests.browsers.site import Site, serving_site
from tests.conftest import make_migrated_database
from tests.serving_tls import make_certificate

BROWSERS = {"firefox": FIREFOX, "chromium": CHROMIUM}


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the browsers keep what they keep."""
    return tmp_path_factory.mktemp("browsers")


@pytest.fixture(scope="session")
def loop() -> Iterator[Loop]:
    """Where Playwright runs."""
    loop = Loop()
    yield loop
    loop.close()


@pytest.fixture(scope="session")
def desktop(folder: Path) -> Iterator[Desktop]:
    """What shows the notifications."""
    if shutil.which("dbus-daemon") is None:
        pytest.skip("dbus-daemon is not installed")
    with open_desktop(folder) as desktop:
        yield desktop


@pytest.fixture(scope="session")
def mozilla_url() -> Iterator[str]:
    """Firefox's push service."""
    with serving(make=MozillaService) as address:
        yield address.url


@pytest.fixture(scope="session")
def google_url(folder: Path) -> Iterator[str]:
    """Chromium's push service."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(make_certificate(folder))
    with serving(make=partial(GoogleService, tls=tls)) as address:
        yield address.url


@pytest.fixture(scope="session", params=BROWSERS)
def browser(
    request: pytest.FixtureRequest,
    loop: Loop,
    desktop: Desktop,
    folder: Path,
    mozilla_url: str,
    google_url: str,
) -> Iterator[Engine]:
    """Each browser in turn."""
    if BROWSERS[request.param] is None:
        pytest.skip(f"{request.param} is not installed as a package of Debian's")
    if request.param == "firefox":
        opened = open_firefox(loop, push_url=mozilla_url, desktop_address=desktop.address)
        with opened as firefox:
            yield firefox
        return
    mcs_port = httpx2.get(f"{google_url}/mcs-port", verify=NO_TLS).json()
    with open_chromium(
        loop,
        push_url=google_url,
        mcs_port=mcs_port,
        desktop_address=desktop.address,
        folder=folder / "chromium",
    ) as chromium:
        yield chromium


@pytest.fixture(scope="session")
def site(server_url: str, worker_id: str, google_url: str) -> Iterator[Site]:
    """The service, on a database of its own."""
    web.build()
    database_url = make_migrated_database(server_url, f"browsers_{worker_id}")
    with serving_site(database_url, google_url=google_url) as site:
        yield site


@pytest.fixture
def visitor(browser: Engine, site: Site, desktop: Desktop) -> Iterator[Visitor]:
    """Somebody who has never been there and allows notifications when asked."""
    desktop.clear()
    site.line.cut.clear()
    with browser.visitor(site.url) as visitor:
        yield visitor


@pytest.fixture
def title() -> str:
    """What a notification of this test alone is called."""
    return f"A free hot drink {uuid4().hex[:8]}"
