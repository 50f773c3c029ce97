"""The web app as it is built, the service behind it on a database of its own, and two browsers."""

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import axe_playwright_python
import pytest
from fastapi import FastAPI
from playwright.sync_api import (
    Browser,
    BrowserContext,
    Page,
    Playwright,
    expect,
    sync_playwright,
)
from sqlalchemy.orm import Session

from api.app import create_app
from geoservices.access.rights import Role
from geoservices.accounts.models import Organisation
from geoservices.checkins.verification import Evidence
from geoservices.codes.models import Code
from geoservices.database import (
    DatabaseRole,
    SessionFactory,
    make_engine,
    make_session_factory,
    transaction,
)
from geoservices.interests.models import Topic
from geoservices.listings.models import ListingKind
from geoservices.places.models import Place
from geoservices.places.sensitivity import SensitiveKind
from geoservices.scopes import confined_sessions
from geoservices.settings.service import Settings
from local import chromium, web
from tests.api import conftest as api_tests
from tests.api.serving import serving
from tests.conftest import make_migrated_database
from tests.factories import (
    EXETER,
    NOON,
    make_campaign,
    make_code,
    make_geofence,
    make_listing,
    make_organisation,
    make_place,
)
from tests.signing import PASSWORD, make_account

settings = api_tests.settings
HERE = Path(__file__).parent
PATIENCE_MS = 30_000
PHONE = {"width": 390, "height": 844}
AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text("utf-8")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
CHECK = """(tags) => axe.run(document, { runOnly: { type: 'tag', values: tags } })
    .then(({ violations }) => violations.map(({ id, nodes }) => [id, nodes.map((n) => n.html)]))"""
STICKING_OUT = """() => document.documentElement.scrollWidth <= innerWidth ? [] :
    [...document.body.querySelectorAll('*')]
        .filter((one) => one.getBoundingClientRect().right > innerWidth)
        .map((one) => ['sticks out', one.outerHTML.slice(0, 200)])"""
REFUSALS = (
    "Failed to load resource",
    "NetworkError when attempting to fetch resource",
    "A ServiceWorker intercepted the request and encountered an unexpected error",
)
"""What Chromium writes to the console of an answer of 400 or more, and Firefox of none at all where
a service worker asked for it: a page may expect all of them."""


@dataclass(frozen=True, slots=True)
class Site:
    """Where the service is, and what is there."""

    url: str
    library: Place
    code: Code
    settings: Settings
    sessions: SessionFactory
    application: FastAPI


@pytest.fixture(scope="module")
def more_places() -> Mapping[str, tuple[float, float]]:
    """What a module has besides the two libraries, by name."""
    return {}


@pytest.fixture(scope="module")
def site(
    server_url: str,
    worker_id: str,
    settings: Settings,
    more_places: Mapping[str, tuple[float, float]],
) -> Iterator[Site]:
    """Two libraries, one of them with things on that ask for more or less evidence."""
    web.build()
    database_url = make_migrated_database(server_url, f"web_{worker_id}")
    engines = make_engine(database_url), make_engine(database_url, role=DatabaseRole.CALLER)
    sessions = make_session_factory(engines[0])
    with transaction(sessions) as session:
        library, code = _furnish(session, more_places)
    application = create_app(
        confined_sessions(engines[1]), settings, intake=sessions, limiting=sessions
    )
    with serving(application) as url:
        yield Site(url, library, code, settings, sessions, application)
    for engine in engines:
        engine.dispose()


def _furnish(
    session: Session, more_places: Mapping[str, tuple[float, float]]
) -> tuple[Place, Code]:
    organisation = make_organisation(session)
    library = make_place(session, organisation, name="Exeter Library")
    other = make_place(session, organisation, name="Topsham Library", at=(-3.4645, 50.6862))
    other.sensitive_kind, other.sensitive_at = SensitiveKind.POLLING, NOON
    for key, names in (
        ("tales", {"en-GB": "Story time", "cy": "Amser stori"}),
        ("art", {"en-GB": "Art"}),
    ):
        session.add(Topic(organisation_id=organisation.id, key=key, names=names, created_at=NOON))
    for name, at in more_places.items():
        make_place(session, organisation, name=name, at=at)
    make_geofence(session, library)
    drink = make_listing(session, library, title="Free hot drink")
    drink.text = "With any book."
    make_campaign(session, drink)
    make_listing(
        session, library, title="Sale shelf", evidence_needed=Evidence.NEAR
    ).text = "Two for one."
    make_listing(session, library, title="Story time", kind=ListingKind.EVENT)
    make_listing(session, library, title="The archive", evidence_needed=Evidence.STAFF_SCAN)
    return library, make_code(session, library)


def _firefox(playwright: Playwright) -> Browser:
    return playwright.firefox.launch(
        channel="moz-firefox", executable_path=shutil.which("firefox-esr")
    )


ENGINES: dict[str, tuple[str, Callable[[Playwright], Browser]]] = {
    "chromium": ("chromium", chromium.launch),
    "firefox": ("firefox-esr", _firefox),
}


GOES_ON = pytest.StashKey[bool]()
OPEN = ExitStack()
"""Ends Playwright and the browsers that it drives."""


@cache
def _playwright() -> Playwright:
    return OPEN.enter_context(sync_playwright())


@cache
def _started(name: str) -> Browser:
    _, launch = ENGINES[name]
    browser = launch(_playwright())
    OPEN.callback(browser.close)
    return browser


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """Note whether there is another test here."""
    stops = item.session.shouldfail or item.session.shouldstop
    here = nextitem is not None and nextitem.path.is_relative_to(HERE)
    item.config.stash[GOES_ON] = here and not stops


@pytest.fixture(scope="module", autouse=True)
def _leaving(pytestconfig: pytest.Config) -> Iterator[None]:
    """Stop the browsers before tests elsewhere, which Playwright would leave no event loop."""
    yield
    if not pytestconfig.stash[GOES_ON]:
        OPEN.close()
        _started.cache_clear()
        _playwright.cache_clear()


@pytest.fixture(scope="module", params=ENGINES)
def browser(request: pytest.FixtureRequest) -> Browser:
    """Each browser in turn, started once for all modules of this folder."""
    program, _ = ENGINES[request.param]
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")
    return _started(request.param)


Opener = Callable[..., Page]


@pytest.fixture
def open_page(browser: Browser, site: Site) -> Iterator[Opener]:
    """Open an address in a browser that has been nowhere; an error in a script fails the test."""
    errors: list[str] = []

    def heed(said: str) -> None:
        if not any(one in said for one in REFUSALS):
            errors.append(said)

    with ExitStack() as contexts:

        def open_page(path: str, *, at: tuple[float, float] | None = EXETER, **told: Any) -> Page:
            context: BrowserContext = browser.new_context(
                **{"viewport": PHONE, "locale": "en-GB", **told},
                permissions=[] if at is None else ["geolocation"],
                geolocation=at and {"longitude": at[0], "latitude": at[1], "accuracy": 10},
            )
            contexts.callback(context.close)
            page = context.new_page()
            page.set_default_timeout(PATIENCE_MS)
            expect.set_options(timeout=PATIENCE_MS)
            page.on("pageerror", lambda error: heed(str(error)))
            page.on("console", lambda said: heed(said.text) if said.type == "error" else None)
            page.goto(f"{site.url}{path}")
            return page

        yield open_page
    assert errors == []


def faults(page: Page) -> list[Any]:
    """What keeps somebody from using the page as it is now, and whether something sticks out.

    The rules are asked in one browser: they are about the page's elements, which are the same in
    both, and take as long as all the rest.
    """
    found: list[Any] = []
    browser = page.context.browser
    if browser is None or browser.browser_type.name == "chromium":
        page.evaluate(f"() => {{ {AXE} }}")
        found = page.evaluate(CHECK, RULES)
    return [*found, *page.evaluate(STICKING_OUT)]


MakeTask = Callable[..., UUID]


@pytest.fixture
def make_task(site: Site) -> MakeTask:
    """Make a task at the library; what is told besides is the task's own."""

    def make_task(title: str, **told: Any) -> UUID:
        with transaction(site.sessions) as session:
            library = session.get_one(Place, site.library.id)
            task = make_listing(session, library, title=title, kind=ListingKind.TASK)
            for name, value in told.items():
                setattr(task, name, value)
            session.flush()
            return task.id

    return make_task


def come_in(page: Page, path: str, username: str) -> None:
    """Follow the link to sign in by, in whatever language the page is, and come back."""
    page.locator("main a[href^='/sign-in']").click()
    page.locator("input[autocomplete='username']").fill(username)
    page.locator("input[autocomplete='current-password']").fill(PASSWORD)
    page.locator("input[autocomplete='current-password']").press("Enter")
    page.wait_for_url(f"**{path}")


@pytest.fixture
def sign_in(open_page: Opener, site: Site) -> Callable[..., Page]:
    """Come to an address as somebody new on the staff, who is asked to sign in there first."""

    def sign_in(path: str, *, username: str = "", **told: Any) -> Page:
        username = username or uuid4().hex
        with site.sessions() as session:
            organisation = session.get_one(Organisation, site.library.organisation_id)
            make_account(session, organisation, role=Role.STAFF, username=username)
        page = open_page(path, **told)
        come_in(page, path, username)
        return page

    return sign_in
