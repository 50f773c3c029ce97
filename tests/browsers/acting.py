"""What people do in these tests."""

from uuid import UUID, uuid4

from tests.browsers.driving import Screen, Visitor
from tests.browsers.site import Site

IS_ON = "Notifications are on"
CHECK_IN = "(body) => calls.call('POST', '/v1/check-ins', body)"


def set_up(visitor: Visitor, site: Site) -> Screen:
    """Set up a browser, agree to be told on check-in, and turn notifications on."""
    screen = visitor.open(f"{site.url}/notifications")
    screen.click("Set up this browser")
    screen.click("When I check in at a place", role="checkbox")
    screen.click("Turn on notifications")
    screen.reads(IS_ON)
    return screen


def be_told(screen: Screen, site: Site, *titles: str) -> None:
    """Check in where something is on, and let the service do the rest."""
    check_in(screen, site.make_offer(*titles))
    site.work()


def check_in(screen: Screen, place_id: UUID) -> None:
    """Check in as this browser's device."""
    screen.evaluate(CHECK_IN, {"id": str(uuid4()), "place_id": str(place_id)})


def device_of(screen: Screen) -> str:
    """The id of the device that the browser is."""
    device_id: str = screen.evaluate("calls.session().then(({ device }) => device.id)")
    return device_id
