"""Bodies that are right, for tests that change one thing about them."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from geoservices import base64url, clock
from tests.factories import EXETER

SQUARE = [
    [-3.531, 50.724],
    [-3.529, 50.724],
    [-3.529, 50.725],
    [-3.531, 50.725],
    [-3.531, 50.724],
]
PUSH_SERVICE = "https://fcm.googleapis.com/fcm/send/"


def now() -> datetime:
    """The present; the service's clock reads the same."""
    return datetime.now(UTC)  # noqa: TID251


def ping(*, seconds_ago: float = 0, **changes: Any) -> dict[str, Any]:
    """A ping in the middle of Exeter Library."""
    return {
        "id": str(uuid4()),
        "recorded_at": (now() - timedelta(seconds=seconds_ago)).isoformat(),
        "lon": EXETER[0],
        "lat": EXETER[1],
        "accuracy_m": 8,
        **changes,
    }


def check_in(place_id: UUID, **changes: Any) -> dict[str, Any]:
    """A check-in in the middle of Exeter Library."""
    return {
        "id": str(uuid4()),
        "place_id": str(place_id),
        "position": {"lon": EXETER[0], "lat": EXETER[1], "accuracy_m": 8},
        **changes,
    }


def receipt(**changes: Any) -> dict[str, Any]:
    """What a service worker says of a notification; the token is nobody's."""
    return {"token": "nobody's", "kind": "shown", "occurred_at": now().isoformat(), **changes}


def staff_scan(code: str) -> dict[str, Any]:
    """What staff send when somebody has shown them this."""
    return {"id": str(uuid4()), "code": code}


def code(**changes: Any) -> dict[str, Any]:
    """A code for a poster."""
    return {"kind": "static", "label": "Front desk", **changes}


def geofence(
    place_id: UUID, *, geometry: Any = None, id_: str | None = None, **properties: Any
) -> dict[str, Any]:
    """A geofence about Exeter Library."""
    return {
        "type": "Feature",
        **({"id": id_} if id_ else {}),
        "geometry": geometry or {"type": "Polygon", "coordinates": [SQUARE]},
        "properties": {"place_id": str(place_id), "name": "Exeter Library", **properties},
    }


def key(**changes: Any) -> dict[str, Any]:
    """A key for a machine that reads listings."""
    return {
        "name": "Events calendar",
        "scopes": ["listings:read"],
        "expires_at": (now() + timedelta(days=90)).isoformat(),
        **changes,
    }


def listing(place_id: UUID, **changes: Any) -> dict[str, Any]:
    """An offer that is on."""
    return {
        "place_id": str(place_id),
        "kind": "offer",
        "title": "Free hot drink",
        "starts_at": "2026-01-01T00:00:00Z",
        **changes,
    }


def feed(place_id: UUID, **changes: Any) -> dict[str, Any]:
    """An address from which a place's events are fetched."""
    return {
        "name": "What's on",
        "url": f"https://example.org/{uuid4()}.ics",
        "place_id": str(place_id),
    } | changes


STORY_TIME = clock.now().replace(microsecond=0)
"""When the world's story time begins, day by day."""


def story_time(*, days: int) -> str:
    """The start of story time so many days from now."""
    return (STORY_TIME + timedelta(days=days)).isoformat()


def redemption(code: str, **changes: Any) -> dict[str, Any]:
    """What a scanner sends of a code that somebody showed."""
    return {"id": str(uuid4()), "code": code, **changes}


def campaign(listing_id: UUID, **changes: Any) -> dict[str, Any]:
    """A campaign that tells citizens on their check-in."""
    return {
        "listing_id": str(listing_id),
        "name": "Hot drinks",
        "triggers": ["checked-in"],
        "audience": {"roles": ["citizen"]},
        "purpose": "check-in-content",
        "content": saying("Free hot drink"),
        **changes,
    }


def saying(title: str, body: str = "Show this at the desk.") -> list[dict[str, Any]]:
    """What a campaign says that says one thing in one language."""
    return [{"texts": {"en-GB": {"title": title, "body": body}}}]


def sign_in(**changes: Any) -> dict[str, Any]:
    """Somebody who wants to be let in, for a bearer token."""
    return {
        "username": "anna",
        "password": "plinth owl gravel cello",
        "credential": "bearer",
        **changes,
    }


def subscription(key: str, **changes: Any) -> dict[str, Any]:
    """A browser's subscription at a known push service."""
    point = ec.generate_private_key(ec.SECP256R1()).public_key()
    encoded = point.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return {
        "endpoint": PUSH_SERVICE + uuid4().hex,
        "keys": {"p256dh": base64url.encode(encoded), "auth": base64url.encode(bytes(16))},
        "application_server_key": key,
        **changes,
    }


def series(place_id: UUID, **changes: Any) -> dict[str, Any]:
    """Something to be done at a place each morning for ten days, from tomorrow on."""
    first = (now() + timedelta(days=1)).replace(hour=9, minute=0, second=0, microsecond=0)
    return {
        "place_id": str(place_id),
        "title": "Open the hall",
        "starts_at": first.isoformat(),
        "rule": "FREQ=DAILY;COUNT=10",
        **changes,
    }
