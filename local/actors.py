"""The people of the story, as far as HTTP knows them: a manager, and phones."""

import time
from datetime import datetime, timedelta
from types import TracebackType
from typing import Any, Self
from uuid import UUID, uuid5

import httpx2

from geodata.simulation import SimulatedPing
from local.browser import NO_TLS, Browser

NAMESPACE = UUID("6b1f6b0e-4d39-4c7c-9f55-0b1f0a3c7d11")
"""Ids made of names: a story told again finds its listings and campaigns, and makes no second."""
ANSWER_WITHIN_S = 20.0
ALWAYS = "2026-01-01T00:00:00Z"


Told = tuple[dict[str, Any], dict[str, Any]]
"""A push as the browser decrypted it, and the notification it carries."""


class Caller:
    """Someone with a token."""

    def __init__(self, api: str, token: str | None = None) -> None:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self.http = httpx2.Client(
            base_url=api, headers=headers, trust_env=False, verify=NO_TLS, timeout=ANSWER_WITHIN_S
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the connections."""
        self.http.close()

    def ask(self, method: str, path: str, **body: Any) -> Any:
        """Send a request and return the JSON of its answer.

        Raises:
            httpx2.HTTPStatusError: It was refused.
        """
        answer = self.http.request(method, path, **body)
        if answer.is_error:
            raise httpx2.HTTPStatusError(
                f"{method} {path}: {answer.status_code} {answer.text}",
                request=answer.request,
                response=answer,
            )
        return answer.json() if answer.content else None

    def is_service_ready(self) -> bool:
        """Tell whether the service says that all is well; not while it is still starting."""
        try:
            return self.http.get("/health/ready").is_success
        except httpx2.TransportError:
            return False


class Manager(Caller):
    """A service manager of the council."""

    def announce(
        self, place_id: str, *, kind: str, title: str, text: str, **terms: Any
    ) -> dict[str, Any]:
        """Put something on at a place."""
        body = {
            "id": str(uuid5(NAMESPACE, f"listing {kind} {title} {place_id}")),
            "place_id": place_id,
            "kind": kind,
            "title": title,
            "text": text,
            "starts_at": ALWAYS,
            **terms,
        }
        listing: dict[str, Any] = self.ask("POST", "/v1/listings", json=body)
        return listing

    def campaign(
        self, listing: dict[str, Any], *, trigger: str, audience: str, body: str, **terms: Any
    ) -> dict[str, Any]:
        """Make a campaign that says one thing of a listing, under its title, and publish it."""
        made = self.draft(listing, trigger=trigger, audience=audience, body=body, **terms)
        published: dict[str, Any] = self.ask("PUT", f"/v1/campaigns/{made['id']}/publication")
        return published

    def draft(
        self, listing: dict[str, Any], *, trigger: str, audience: str, body: str, **terms: Any
    ) -> dict[str, Any]:
        """Make such a campaign, which tells nobody yet."""
        said = {
            "id": str(uuid5(NAMESPACE, f"campaign {listing['id']}")),
            "listing_id": listing["id"],
            "name": listing["title"],
            "triggers": [trigger],
            "audience": {"roles": [audience]},
            "content": [{"texts": {"en-GB": {"title": listing["title"], "body": body}}}],
            **terms,
        }
        made: dict[str, Any] = self.ask("POST", "/v1/campaigns", json=said)
        return made


class Phone(Caller):
    """A phone with a browser on it."""

    def __init__(self, api: str, push: str, *, owner: str | None = None) -> None:
        """Introduce the phone to the service; `owner` is a member's token, none for a citizen."""
        with Caller(api, owner) as introduction:
            device = introduction.ask("POST", "/v1/devices", json={"label": "demo"})
        super().__init__(api, device["token"])
        self.id = UUID(device["id"])
        self.browser = Browser(push)

    def close(self) -> None:
        """Let go of the connections; the subscription lives on."""
        self.browser.close()
        super().close()

    def agree(self, purpose: str) -> None:
        """Agree to the text now shown for a purpose."""
        [shown] = [one for one in self.ask("GET", "/v1/consents") if one["purpose"] == purpose]
        version = {"text_version": shown["text_version"]}
        self.ask("PUT", f"/v1/consents/{purpose}", json=version)

    def subscribe(self) -> None:
        """Let the browser be pushed to."""
        key = self.ask("GET", "/v1/push/key")["application_server_key"]
        subscription = self.browser.subscribe(key)
        self.ask("POST", "/v1/subscriptions", json={**subscription, "application_server_key": key})

    def report(self, ping: SimulatedPing, number: int) -> httpx2.Response:
        """Send one position, as phones do, and return the answer, whatever it is."""
        body = {
            "id": str(uuid5(self.id, f"ping {number}")),
            "recorded_at": ping.recorded_at.isoformat(),
            "lon": ping.lon,
            "lat": ping.lat,
            "accuracy_m": ping.accuracy_m,
            "speed_mps": ping.speed_mps,
            "heading_deg": ping.heading_deg,
        }
        return self.http.post("/v1/pings", json=body)

    def await_push(self, listing_id: str, *, within: timedelta) -> Told:
        """Wait for the push about a listing, decrypt it and acknowledge it.

        Pushes about other things, which other campaigns at the place may send, are read and
        left aside.

        Raises:
            TimeoutError: None came.
        """
        give_up_at = time.monotonic() + within.total_seconds()
        while (left := give_up_at - time.monotonic()) > 0:
            for message in self.browser.messages(wait=timedelta(seconds=left)):
                document: dict[str, Any] = dict(message)
                if self.is_about(document, listing_id):
                    self._acknowledge(document)
                    return document, self._notification_of(document)
        raise TimeoutError(f"No push about it came within {within}.")

    def is_about(self, document: dict[str, Any], listing_id: str) -> bool:
        """Tell whether a decrypted push speaks of the listing."""
        pushed = self._notification_of(document)
        return listing_id in {one["listing_id"] for one in (pushed, *self.members_of(pushed))}

    def members_of(self, pushed: dict[str, Any]) -> list[dict[str, Any]]:
        """Return the notifications that one push stands for, if it stands for several."""
        if pushed["kind"] != "bundle":
            return []
        found = self.ask("GET", "/v1/notifications", params={"bundle_id": pushed["id"]})
        members: list[dict[str, Any]] = found["items"]
        return members

    def _notification_of(self, document: dict[str, Any]) -> dict[str, Any]:
        number = UUID(document["notification"]["tag"])
        found: dict[str, Any] = self.ask("GET", f"/v1/notifications/{number}")
        return found

    def _acknowledge(self, document: dict[str, Any]) -> None:
        token = document["notification"]["data"]["receipt"]
        receipt = {"token": token, "kind": "shown", "occurred_at": document["received_at"]}
        self.ask("POST", "/v1/receipts", json={"receipts": [receipt]})


def milliseconds(start: datetime, end: datetime) -> float:
    """Return the time between two instants in milliseconds, to a tenth."""
    return round((end - start).total_seconds() * 1000, 1)
