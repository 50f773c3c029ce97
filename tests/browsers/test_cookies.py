"""Browsers are known by cookies that no script reads, and that no other site sends along."""

from tests.browsers.acting import ask, device_of, set_up
from tests.browsers.driving import Visitor
from tests.browsers.site import Site

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


def test_no_script_can_read_what_a_browser_is_known_by(visitor: Visitor, site: Site) -> None:
    """Nothing of it is in its cookies as scripts see them, nor in anything it keeps."""
    screen = set_up(visitor, site)

    kept = screen.evaluate(KEPT)

    assert "gsd_" not in kept
    [cookie] = screen.cookies()
    assert cookie["value"] not in kept
    assert cookie["value"].startswith("gsd_")
    assert (cookie["name"], cookie["httpOnly"], cookie["sameSite"]) == ("device", True, "Strict")


def test_a_page_goes_on_when_another_one_got_a_new_cookie(visitor: Visitor, site: Site) -> None:
    """It asks once more what its requests must carry."""
    screen = set_up(visitor, site)
    other = visitor.open(f"{site.url}/notifications")
    other.reads("There are no messages here.")
    before = screen.cookies()

    ask(other, "POST", "/v1/devices/me/token")
    screen.click("Turn this off")
    screen.reads("Messages do not pop up on this phone.")

    assert screen.cookies() != before
    [subscription] = site.subscriptions(device_of(screen))
    assert subscription["ended_at"] is not None


def test_other_sites_change_nothing(visitor: Visitor, site: Site) -> None:
    """The browser sends them no cookie along, and the service takes no plain text."""
    screen = set_up(visitor, site)
    device_id = device_of(screen)
    elsewhere = visitor.open("about:blank")

    for method, path in (("POST", "/v1/devices"), ("DELETE", "/v1/devices/me")):
        elsewhere.evaluate(FROM_ELSEWHERE, [site.url + path, method, "text/plain"])
        elsewhere.evaluate(FROM_ELSEWHERE, [site.url + path, method, "application/json"])

    assert device_of(screen) == device_id
