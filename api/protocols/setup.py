"""Links that set up a phone's app in one scan."""

import io
import json
from base64 import b64encode
from urllib.parse import urlencode

import segno

from geoservices.accounts.models import Device
from geoservices.phones.models import PhoneApp
from geoservices.phones.service import MadeLink

HTTP_MODE = 3
REGIONS_ONLY, SIGNIFICANT_CHANGES = 0, 1
"""OwnTracks' monitoring modes: only what happens at regions, or also every 500 m or so."""
PATHS = {
    PhoneApp.OWNTRACKS: "/v1/owntracks",
    PhoneApp.OVERLAND: "/v1/overland",
    PhoneApp.TRACCAR: "/v1/osmand",
}
TRACCAR_OPTIONS = {"accuracy": "high", "interval": "60", "distance": "30", "buffer": "true"}
"""At least once a minute, since a marginal arrival takes that to be believed."""


def address(public_url: str, app: PhoneApp) -> str:
    """Return where an app sends to."""
    return public_url + PATHS[app]


def configuration(made: MadeLink, device: Device, url: str) -> dict[str, object]:
    """Return OwnTracks' configuration (https://owntracks.org/booklet/features/remoteconfig/).

    Remote commands and configuration must be allowed, or the phone would not take the places it
    shall watch.
    """
    key = {"encryptionKey": made.encryption_key} if made.encryption_key else {}
    return {
        "_type": "configuration",
        "mode": HTTP_MODE,
        "url": url,
        "auth": True,
        "username": username(device),
        "password": made.token,
        "deviceId": "phone",
        "tid": "me",
        "cmd": True,
        "remoteConfiguration": True,
        "monitoring": REGIONS_ONLY if device.places_only else SIGNIFICANT_CHANGES,
        **key,
    }


def username(device: Device) -> str:
    """Return a device's name for HTTP Basic authentication."""
    return device.id.hex


def setup_link(made: MadeLink, device: Device, url: str) -> str:
    """Return the link that sets the app up when it is opened or scanned."""
    app = PhoneApp(made.link.app)
    if app is PhoneApp.OWNTRACKS:
        return f"owntracks:///config?inline={_inline(configuration(made, device, url))}"
    if app is PhoneApp.OVERLAND:
        return "overland://setup?" + urlencode(
            {"url": url, "token": made.token, "device_id": username(device)}
        )
    return f"{url}?" + urlencode({"id": made.token, **TRACCAR_OPTIONS})


def qr_svg(link: str) -> str:
    """Return a link as a QR code (ISO/IEC 18004), an SVG document."""
    drawn = io.BytesIO()
    made = segno.make(link, error="l", micro=False)
    # With a ground of its own, which nobody's choice of colours replaces.
    made.save(drawn, kind="svg", scale=4, border=4, light="#fff")
    return drawn.getvalue().decode()


def _inline(settings: dict[str, object]) -> str:
    """Encode so that the link needs no quoting, which the two apps undo differently.

    Base64 of ASCII has neither `+` nor `/` without `>`, `?` and `~`, and blanks at the end of
    the JSON keep `=` away.
    """
    text = json.dumps(settings, separators=(",", ":"))
    for character in ">?~":
        text = text.replace(character, f"\\u{ord(character):04x}")
    text += " " * (-len(text) % 3)
    return b64encode(text.encode("ascii")).decode()
