"""Browsers known by cookies, and one more of them joined by a code."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.browsers.acting import device_of, set_up
from tests.browsers.driving import PATIENCE, Engine, Visitor
from tests.browsers.site import Site
from tests.browsers.test_inbox import faults
from tests.eventually import eventually

KEPT = """() => new Promise((resolve, reject) => {
    const opening = indexedDB.open("geoservices");
    opening.onerror = () => reject(opening.error);
    opening.onsuccess = () => {
        const asked = opening.result.transaction("facts").objectStore("facts").getAll();
        asked.onsuccess = () => resolve(JSON.stringify(asked.result));
    };
}).then((facts) => [document.cookie, JSON.stringify(localStorage), facts].join(" "))"""
FROM_ELSEWHERE = """([url, method, type]) => fetch(url, {
    method, mode: "no-cors", credentials: "include", headers: { "Content-Type": type },
    body: JSON.stringify({ credential: "cookie", replaces_device: true }),
}).then(() => "sent", () => "stopped")"""


class Phone:
    """A citizen's phone, which is known by a token."""

    def __init__(self, client: httpx2.Client) -> None:
        self._client = client
        made = self._client.post("/v1/devices", json={"label": "The phone"}).json()
        self._client.headers["Authorization"] = f"Bearer {made['token']}"

    def link(self) -> str:
        """The link of a code that it shows."""
        link: str = self._client.post("/v1/devices/me/joining-code").json()["link"]
        return link

    def labels(self) -> list[str | None]:
        """What its person's devices are called."""
        return [one["label"] for one in self._client.get("/v1/devices").json()]

    def told(self) -> list[str]:
        """What stands in its person's inbox."""
        items: list[dict[str, Any]] = self._client.get("/v1/notifications").json()["items"]
        return [one["title"] for one in items]


@pytest.fixture
def phone(site: Site) -> Iterator[Phone]:
    """Somebody's phone."""
    with httpx2.Client(base_url=site.url) as client:
        yield Phone(client)


def test_no_script_can_read_what_a_browser_is_known_by(visitor: Visitor, site: Site) -> None:
    """Nothing of it is in its cookies as scripts see them, nor in anything it keeps."""
    screen = set_up(visitor, site)

    kept = screen.evaluate(KEPT)

    assert "gsd_" not in kept
    assert "device" not in kept
    [cookie] = screen.cookies()
    assert cookie["value"].startswith("gsd_")
    assert (cookie["name"], cookie["httpOnly"], cookie["sameSite"]) == ("device", True, "Strict")


def test_a_page_goes_on_when_another_one_got_a_new_cookie(visitor: Visitor, site: Site) -> None:
    """It asks once more what its requests must carry."""
    screen = set_up(visitor, site)
    other = visitor.open(f"{site.url}/notifications")
    other.reads("Inbox")
    before = screen.cookies()

    other.evaluate("calls.call('POST', '/v1/devices/me/token')")
    changed = screen.evaluate("calls.call('PATCH', '/v1/devices/me', { places_only: true })")

    assert screen.cookies() != before
    assert changed["places_only"] is True


def test_other_sites_change_nothing(visitor: Visitor, site: Site) -> None:
    """The browser sends them no cookie along, and the service takes no plain text."""
    screen = set_up(visitor, site)
    device_id = device_of(screen)
    elsewhere = visitor.open("about:blank")

    for method, path in (("POST", "/v1/devices"), ("DELETE", "/v1/devices/me")):
        elsewhere.evaluate(FROM_ELSEWHERE, [site.url + path, method, "text/plain"])
        elsewhere.evaluate(FROM_ELSEWHERE, [site.url + path, method, "application/json"])

    assert device_of(screen) == device_id


def test_a_browser_joins_by_the_link_of_a_code(visitor: Visitor, site: Site, phone: Phone) -> None:
    """The phone is told of it, and the code is not left in the address."""
    screen = visitor.open(phone.link())
    screen.reads("Go on only if you have just made this code yourself")
    assert f"{site.url}/join" in visitor.addresses()

    screen.fill("What shall this browser be called?", "The laptop")
    screen.click("Add this browser")

    visitor.screen_at(f"{site.url}/notifications").reads("A device was added")
    assert phone.labels() == ["The phone", "The laptop"]
    assert phone.told() == ["A device was added"]


def test_a_browser_is_asked_before_it_forgets_what_it_was(
    visitor: Visitor, site: Site, phone: Phone
) -> None:
    """And then it does."""
    screen = set_up(visitor, site)
    before = device_of(screen)
    screen.open(phone.link())
    screen.reads("This browser is set up already")

    screen.click("Add this browser")
    screen.reads("Tick the box first")
    assert device_of(screen) == before
    screen.click("Yes, forget what this browser was", role="checkbox")
    screen.click("Add this browser")

    joined = visitor.screen_at(f"{site.url}/notifications")
    joined.reads("A device was added")
    assert device_of(joined) != before
    [row] = site.ask("SELECT revoked_at FROM devices WHERE id = :id", id=before)
    assert row["revoked_at"] is not None


def test_a_code_that_is_no_good_says_so(visitor: Visitor, site: Site) -> None:
    """In words, and the browser stays what it was."""
    screen = visitor.open(f"{site.url}/join#0000-0000")

    screen.click("Add this browser")

    screen.reads("Make a new code on the other device.")
    assert screen.cookies() == []


def test_a_browser_shows_a_code_and_removes_what_joined(
    visitor: Visitor, site: Site, browser: Engine
) -> None:
    """As the phone would; a second touch removes it."""
    screen = set_up(visitor, site)
    screen.evaluate("document.querySelectorAll('details').forEach((card) => { card.open = true; })")
    screen.click("Add another device")
    screen.reads("Point its camera here")
    code = screen.evaluate("document.getElementById('join-code').textContent")
    made = httpx2.post(
        f"{site.url}/v1/devices", json={"joining_code": code, "label": f"By {browser.name}"}
    ).json()
    screen.open(f"{site.url}/notifications")
    screen.reads("A device was added")
    screen.evaluate("document.querySelectorAll('details').forEach((card) => { card.open = true; })")

    screen.click(f"Remove: By {browser.name}")
    screen.reads("Touch again to remove it.")
    screen.click(f"Remove: By {browser.name}")
    screen.reads("It was removed")

    token = {"Authorization": f"Bearer {made['token']}"}
    eventually(
        lambda: httpx2.get(f"{site.url}/v1/devices/me", headers=token).status_code == 401,
        within=PATIENCE,
    )


def test_everybody_can_join(visitor: Visitor, site: Site, phone: Phone, tmp_path: Path) -> None:
    """Axe finds no fault with the page, nor with the list of devices and the code."""
    screen = set_up(visitor, site)
    screen.open(phone.link())
    screen.reads("This browser is set up already")
    joining = faults(screen)
    screen.photograph(tmp_path / "join.png")
    screen.open(f"{site.url}/notifications")
    screen.evaluate("document.querySelectorAll('details').forEach((card) => { card.open = true; })")
    screen.click("Add another device")
    screen.reads("Point its camera here")
    screen.photograph(tmp_path / "devices.png")

    assert (joining, faults(screen)) == ([], [])
