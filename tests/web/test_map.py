"""The map against the running service, on a base map of another origin."""

import json
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from itertools import product
from statistics import fmean
from threading import Thread
from urllib.parse import urlsplit

import httpx2
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from api.web import FOLDER, read_build
from geoservices.settings.service import Settings
from geoservices.settings.showing import MapSettings
from local.configuration import HOST
from tests.api import conftest as api_tests
from tests.web.conftest import Opener, Site, faults

plain_settings = api_tests.settings
WATER = (170, 211, 223)
"""The colour of the base map, which is all sea."""
PIN = (11, 94, 87)
"""The colour of the sign of a place by day, `--action` in tokens.css."""
NO_DRAWING = "HTMLCanvasElement.prototype.getContext = () => null"
ABOVE, BELOW, BEFORE, BEHIND = 64, 48, 48, 76
"""So much room is left round what the map begins with, in pixels: `padding` in drawing.ts."""


class BaseMap(ThreadingHTTPServer):
    """A council's base map: a style with pictures and vector tiles, at an origin of its own."""

    def __init__(self) -> None:
        super().__init__((HOST, 0), BaseMapHandler)
        self.url = f"http://{HOST}:{self.server_port}"
        self.asked: set[str] = set()
        """The first parts of the paths that were asked for."""
        sea = BytesIO()
        Image.new("RGB", (256, 256), WATER).save(sea, "PNG")
        address = "{z}/{x}/{y}"
        style = {
            "version": 8,
            "sources": {
                "sea": {
                    "type": "raster",
                    "tiles": [f"{self.url}/sea/{address}"],
                    "tileSize": 256,
                },
                "roads": {"type": "vector", "tiles": [f"{self.url}/roads/{address}"]},
            },
            "layers": [
                {"id": "sea", "type": "raster", "source": "sea"},
                {"id": "roads", "type": "line", "source": "roads", "source-layer": "roads"},
            ],
        }
        self.answers = {
            "style.json": ("application/json", json.dumps(style).encode()),
            "sea": ("image/png", sea.getvalue()),
            "roads": ("application/vnd.mapbox-vector-tile", b""),
        }


class BaseMapHandler(BaseHTTPRequestHandler):
    """Answers every site's pages."""

    server: BaseMap

    def do_GET(self) -> None:
        """Send the style or a tile."""
        what = self.path.split("/")[1]
        self.server.asked.add(what)
        media_type, content = self.server.answers[what]
        self.send_response(200)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Access-Control-Allow-Origin", "*")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def base_map() -> Iterator[BaseMap]:
    """A base map that is served."""
    with BaseMap() as server:
        Thread(target=server.serve_forever).start()
        yield server
        server.shutdown()


@pytest.fixture(scope="module")
def settings(plain_settings: Settings, base_map: BaseMap) -> Settings:
    """Settings with that base map."""
    maps = MapSettings(
        base_style_url=f"{base_map.url}/style.json",
        base_attribution="© Sea Survey",
        base_attribution_url="https://sea.example/licence",
    )
    return plain_settings.model_copy(update={"maps": maps})


@pytest.fixture(scope="module")
def more_places() -> Mapping[str, tuple[float, float]]:
    """Three places of Plymouth, which are close together seen from Exeter."""
    return {f"Plymouth {number}": (-4.14 + number * 0.02, 50.37) for number in range(3)}


def draws(page: Page) -> None:
    """Wait until the map rests and all of it is drawn; skip where the browser draws none."""
    if not page.evaluate("!!document.createElement('canvas').getContext('webgl2')"):
        pytest.skip("this browser draws no maps on this machine")
    expect(page.locator("[aria-busy=false] > .canvas canvas")).to_be_visible(timeout=30_000)


def picture_of(page: Page) -> Image.Image:
    """What is on the screen."""
    # Else a style sheet is put in for the picture, which the policy of our pages forbids.
    return Image.open(BytesIO(page.screenshot(caret="initial"))).convert("RGB")


def frame(page: Page) -> tuple[int, int, int, int]:
    """Where the map is on the screen: left, top, right, bottom."""
    box = page.locator("canvas").bounding_box()
    assert box
    left, top = round(box["x"]), round(box["y"])
    return left, top, left + round(box["width"]), top + round(box["height"])


def listed(page: Page) -> list[str]:
    """What the list beside the map names."""
    return page.locator("section li a").all_inner_texts()


def test_a_place_is_drawn_on_the_base_map_and_a_tap_tells_of_it(
    open_page: Opener, site: Site, base_map: BaseMap
) -> None:
    """From its page and back; nothing is asked of anyone but the service and the base map."""
    hosts: set[str] = set()
    page = open_page(f"/places/{site.library.id}")
    page.on("request", lambda request: hosts.add(urlsplit(request.url).netloc))
    page.get_by_role("link", name="See it on a map").click()
    draws(page)
    expect(page.get_by_role("heading", level=1, name="Map")).to_be_focused()
    expect(page.get_by_role("heading", name="1 place on this part of the map")).to_be_visible()
    expect(page.get_by_text("We watch these areas, if you agreed.")).to_be_visible()
    expect(page.get_by_role("link", name="© Sea Survey")).to_be_visible()

    left, top, right, bottom = frame(page)
    x, y = (left + right + BEFORE - BEHIND) // 2, (top + bottom + ABOVE - BELOW) // 2
    picture = picture_of(page)
    # Where the sign of the place is narrower already, below its door.
    assert picture.getpixel((x, y - 8)) == PIN
    assert picture.getpixel((x - 100, y - 100)) == WATER
    assert base_map.asked == {"style.json", "sea", "roads"}
    assert hosts == {urlsplit(site.url).netloc, urlsplit(base_map.url).netloc}

    page.mouse.click(x, y - 15)
    chosen = page.locator(".chosen")
    expect(chosen.get_by_text("Open now")).to_be_visible()
    page.keyboard.press("Escape")
    expect(chosen).to_be_hidden()
    expect(page.get_by_label("Map of places")).to_be_focused()
    # Below the tip of the sign, on the area round the place.
    page.mouse.click(x, y + 12)
    expect(chosen.get_by_text("We watch this area, if you agreed.")).to_be_visible()
    chosen.get_by_role("link", name="Exeter Library").click()
    expect(page.get_by_role("heading", level=1, name="Exeter Library")).to_be_focused()


def test_from_far_away_a_number_leads_nearer(open_page: Opener) -> None:
    """The list has what the map shows, moved by finger or key; the way back leads to it."""
    page = open_page("/map", reduced_motion="reduce")
    draws(page)
    expect(page.get_by_role("heading", name="5 places on this part")).to_be_visible()
    left, top, right, bottom = frame(page)
    picture = picture_of(page)
    # In the west there is nothing but Plymouth.
    west = product(range(left, (left + right) // 2), range(top, bottom))
    number = [at for at in west if picture.getpixel(at) == PIN]
    page.mouse.click(*(fmean(side) for side in zip(*number, strict=True)))
    expect(page.get_by_role("heading", name="3 places on this part")).to_be_visible()
    assert listed(page) == ["Plymouth 0", "Plymouth 1", "Plymouth 2"]

    page.get_by_role("link", name="Plymouth 1").click()
    expect(page.get_by_role("heading", level=1, name="Plymouth 1")).to_be_focused()
    page.go_back()
    draws(page)
    expect(page.get_by_role("heading", name="3 places on this part")).to_be_visible()
    page.get_by_label("Map of places").focus()
    for _ in range(5):
        page.keyboard.press("ArrowLeft")
    expect(page.get_by_role("heading", name="No places on this part")).to_be_visible()
    page.get_by_role("button", name="Show where I am").click()
    expect(page.get_by_role("link", name="Exeter Library")).to_be_visible()


def test_what_was_found_near_me_is_what_the_map_begins_with(open_page: Opener) -> None:
    """And everybody can use it, by day and by night, with something tapped."""
    found = {}
    for scheme, locale in (("light", "en-GB"), ("dark", "cy-GB")):
        page = open_page("/", color_scheme=scheme, locale=locale)
        page.get_by_role("searchbox").fill("plymouth 1")
        page.keyboard.press("Enter")
        page.locator("main a[href='/map']").click()
        draws(page)
        expect(page.locator("section li")).to_have_count(1)
        left, top, right, bottom = frame(page)
        page.mouse.click(
            (left + right + BEFORE - BEHIND) / 2, (top + bottom + ABOVE - BELOW) / 2 - 15
        )
        expect(page.locator(".chosen a")).to_have_text("Plymouth 1")
        found[scheme] = faults(page)
    assert found == {"light": [], "dark": []}


def test_without_a_map_the_list_is_enough(open_page: Opener) -> None:
    """It says so; who does not share where they are is told what else they can do."""
    page = open_page("/", at=None)
    page.add_init_script(NO_DRAWING)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(page.url + "map")
    expect(page.get_by_text("This browser cannot draw the map.")).to_be_visible()
    expect(page.get_by_role("heading", name="5 places")).to_be_visible()
    assert len(listed(page)) == 5
    assert [url for url in asked if "maplibre" in url] == []
    assert faults(page) == []
    # Firefox asks, and here is nobody to answer.
    if page.context.browser and page.context.browser.browser_type.name == "chromium":
        page.get_by_role("button", name="Use my location").click()
        expect(page.get_by_text("Your browser may not tell us where you are.")).to_be_visible()
        expect(page.get_by_role("link", name="Search by name")).to_be_visible()


def test_the_policy_names_the_base_map_and_nobody_else(site: Site, base_map: BaseMap) -> None:
    """Of the page and of its scripts: a worker keeps to its own script's."""
    worker = next(name for name in read_build(FOLDER).assets if name.endswith(".mjs"))
    for path in ("/map", f"/assets/{worker}"):
        answer = httpx2.get(f"{site.url}{path}")
        policy = dict(
            part.split(" ", 1) for part in answer.headers["Content-Security-Policy"].split("; ")
        )
        assert policy.pop("connect-src") == f"'self' {base_map.url}"
        assert set(policy.values()) == {"'self'", "'none'"}
