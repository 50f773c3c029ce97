"""What people do in these tests."""

from typing import Any
from uuid import UUID, uuid4

from tests.browsers.driving import Screen, Visitor
from tests.browsers.site import Site

IS_ON = "Messages pop up on this phone"
ASK = """async ([method, path, body]) => {
    const headers = { "Content-Type": "application/json" };
    if (method !== "GET") {
        const session = await (await fetch("/v1/session")).json();
        headers["X-CSRF-Token"] = session.csrf_token;
    }
    const said = body === null ? {} : { body: JSON.stringify(body) };
    const answer = await fetch(path, { method, headers, ...said });
    if (!answer.ok) {
        throw new Error(`${answer.status} ${await answer.text()}`);
    }
    return answer.status === 204 ? null : answer.json();
}"""


def ask(screen: Screen, method: str, path: str, body: Any = None) -> Any:
    """Ask the service as whoever this browser is, and return what it answers."""
    return screen.evaluate(ASK, [method, path, body])


def set_up(visitor: Visitor, site: Site) -> Screen:
    """Set up a browser, agree to be told on check-in, and have messages pop up."""
    screen = visitor.open(f"{site.url}/notifications")
    screen.click("Start with this phone")
    screen.reads("There are no messages here.")
    agree(screen, "check-in-content")
    turn_on(screen, site)
    return screen


def agree(screen: Screen, purpose: str) -> None:
    """Agree to what is asked for a purpose."""
    consents = ask(screen, "GET", "/v1/consents")
    [version] = [one["text_version"] for one in consents if one["purpose"] == purpose]
    ask(screen, "PUT", f"/v1/consents/{purpose}", {"text_version": version})


def turn_on(screen: Screen, site: Site) -> None:
    """Have messages pop up here."""
    screen.open(f"{site.url}/you/messages")
    screen.click("Let messages pop up")
    screen.reads(IS_ON)


def be_told(screen: Screen, site: Site, *titles: str) -> None:
    """Check in where something is on, and let the service do the rest."""
    check_in(screen, site.make_offer(*titles))
    site.work()


def check_in(screen: Screen, place_id: UUID) -> None:
    """Check in as this browser's device."""
    ask(screen, "POST", "/v1/check-ins", {"id": str(uuid4()), "place_id": str(place_id)})


def device_of(screen: Screen) -> str:
    """The id of the device that the browser is."""
    device_id: str = ask(screen, "GET", "/v1/session")["device"]["id"]
    return device_id
