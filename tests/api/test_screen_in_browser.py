"""The screen's page in a real browser: what a phone's camera sees on it, and what people read."""

import shutil
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi import FastAPI
from PIL import Image
from sqlalchemy.orm import Session
from starlette.types import Receive, Scope, Send

from api.routers.codes import STEPS_AHEAD
from geoservices.accounts.models import Organisation
from geoservices.codes.links import STEP, CodeKind
from geoservices.codes.models import Code
from geoservices.database import SessionFactory
from geoservices.settings.service import Settings
from tests.api.asking import now
from tests.api.scanned import screen_link, screen_secret
from tests.api.serving import serving
from tests.factories import make_code, make_place
from tests.scanning import Picture, scan

CHROMIUM = shutil.which("chromium")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")
LAPTOP, UPRIGHT = (1280, 720), (600, 900)
SOON = timedelta(seconds=3)
AFTER_ALL_STEPS = STEP * STEPS_AHEAD + SOON


class Line:
    """The application behind a network that can be cut after so many answers to the screen."""

    def __init__(self, application: FastAPI) -> None:
        self.application = application
        self.answers_left = 1_000_000

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer as a proxy does that reaches nothing."""
        if scope.get("path") == "/v1/screen":
            self.answers_left -= 1
            if self.answers_left < 0:
                await send({"type": "http.response.start", "status": 502, "headers": []})
                await send({"type": "http.response.body", "body": b""})
                return
        await self.application(scope, receive, send)


@pytest.fixture
def line(application: FastAPI, sessions: SessionFactory) -> Line:
    """The application on the test's own sessions."""
    application.state.sessions = sessions
    return Line(application)


@pytest.fixture
def address(line: Line) -> Iterator[str]:
    """Where a browser reaches it."""
    with serving(line) as address:
        yield address


@pytest.fixture
def code(session: Session, organisation: Organisation) -> Code:
    """The code of a screen."""
    place = make_place(session, organisation, name="Tŷ Dŵr & Llyfrgell")
    code = make_code(session, place, CodeKind.ROTATING)
    session.commit()
    return code


def browse(url: str, folder: Path, *options: str, lasting: timedelta = SOON) -> str:
    """Return what a browser prints that stays on a page for so long; its clocks run ahead."""
    done = subprocess.run(
        [
            *(str(CHROMIUM), "--headless=new", "--no-sandbox", "--disable-gpu"),
            *("--hide-scrollbars", f"--user-data-dir={folder / 'profile'}"),
            f"--virtual-time-budget={int(lasting.total_seconds() * 1000)}",
            *options,
            url,
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout


def photograph(url: str, folder: Path, size: tuple[int, int]) -> Picture:
    """What stands on a screen of so many pixels by so many."""
    file = folder / "screen.png"
    browse(url, folder, f"--window-size={size[0]},{size[1]}", f"--screenshot={file}")
    with Image.open(file) as image:
        return np.asarray(image.convert("L"))


@pytest.mark.parametrize("size", [LAPTOP, UPRIGHT])
def test_the_screen_shows_a_code_that_counts(
    address: str, code: Code, settings: Settings, tmp_path: Path, size: tuple[int, int]
) -> None:
    """A camera reads what the server takes at this moment, or within a step of it."""
    before = now()

    picture = photograph(f"{address}/screen#{screen_secret(code, settings)}", tmp_path, size)

    counting = [screen_link(code, settings, before + STEP * ahead) for ahead in (0, 1)]
    assert scan(picture) in {link.upper() for link in counting}


def shown(url: str, folder: Path, **how: Any) -> str:
    """The page's document as it is in the end."""
    return browse(url, folder, "--dump-dom", **how)


def test_the_screen_goes_on_without_the_network_and_says_when_it_cannot(
    address: str, line: Line, code: Code, settings: Settings, tmp_path: Path
) -> None:
    """For as long as the steps last that it fetched; then no code is shown as if it counted."""
    url = f"{address}/screen#{screen_secret(code, settings)}"

    line.answers_left = 1
    going_on = shown(url, tmp_path, lasting=STEP * (STEPS_AHEAD - 2))
    line.answers_left = 1
    over = shown(url, tmp_path, lasting=AFTER_ALL_STEPS)

    assert 'data-state="current"' in going_on
    assert "Tŷ Dŵr &amp; Llyfrgell" in going_on
    assert 'data-state="stale"' in over
    assert "The code has run out." in over


def test_the_screen_goes_on_for_ever_with_the_network(
    address: str, code: Code, settings: Settings, tmp_path: Path
) -> None:
    """It fetches anew long before what it has runs out."""
    url = f"{address}/screen#{screen_secret(code, settings)}"

    assert 'data-state="current"' in shown(url, tmp_path, lasting=AFTER_ALL_STEPS)


@pytest.mark.parametrize(
    ("fragment", "state"), [("", "incomplete"), ("#gss_AAAA", "ended"), ("#é", "ended")]
)
def test_a_screen_with_the_wrong_address_says_so(
    address: str, tmp_path: Path, fragment: str, state: str
) -> None:
    """And shows no code."""
    document = shown(f"{address}/screen{fragment}", tmp_path)

    assert f'data-state="{state}"' in document
    assert 'd="M' not in document


def test_a_screen_that_never_reached_the_service_says_so(
    address: str, line: Line, code: Code, settings: Settings, tmp_path: Path
) -> None:
    """It keeps trying."""
    line.answers_left = 0

    document = shown(f"{address}/screen#{screen_secret(code, settings)}", tmp_path)

    assert 'data-state="waiting"' in document
