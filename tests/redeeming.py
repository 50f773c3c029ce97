"""Offers asked for, given codes for, and redeemed, over HTTP."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from httpx2 import Client, Response

from geoservices.checkins.verification import Evidence
from tests.api import asking


def offer(place_id: UUID, **changes: Any) -> dict[str, Any]:
    """An offer that has been on for an hour."""
    begun = {"starts_at": (asking.now() - timedelta(hours=1)).isoformat()}
    return asking.listing(place_id, **begun | changes)


def self_service(place_id: UUID, **changes: Any) -> dict[str, Any]:
    """An offer that people redeem themselves, once they are inside."""
    terms = {"redeemed_by": "self", "evidence_needed": Evidence.INSIDE} | changes
    return offer(place_id, **terms)


def publish(manager: Client, body: dict[str, Any]) -> str:
    """Put an offer on; return its id."""
    made = manager.post("/v1/listings", json=body)
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


def ask_for_code(phone: Client, offer_id: str) -> Response:
    """Ask for a code."""
    return phone.post(f"/v1/offers/{offer_id}/codes")


def code_of(phone: Client, offer_id: str) -> str:
    """A code, as it is typed."""
    given = ask_for_code(phone, offer_id)
    assert given.status_code in {200, 201}, given.text
    return str(given.json()["code"])


def scan(staff: Client, code: str, **changes: Any) -> Response:
    """Scan a code."""
    return staff.post("/v1/redemptions", json=asking.redemption(code, **changes))


def take(phone: Client, offer_id: str, **body: Any) -> Response:
    """Redeem an offer oneself."""
    return phone.post(f"/v1/offers/{offer_id}/redemptions", json=body)


def standing(phone: Client, place_id: UUID) -> dict[str, Any]:
    """What somebody may still have of the one offer at a place."""
    [shown] = phone.get(f"/v1/places/{place_id}/listings").json()
    return dict(shown["standing"])


def told(answer: Response) -> tuple[int, str]:
    """The status and code of a refusal."""
    return answer.status_code, answer.json()["type"].rpartition("/")[2]
