"""No consent, no storage: a dump of the real database holds nothing that nobody agreed to.

Everything is tried through the API, then `pg_dump` writes the whole database out, and the dump is
searched for coordinates, ids, addresses and tokens.
"""

import re
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from fastapi import FastAPI
from httpx2 import Client

from api.committing import Committer
from api.routers.health import Readiness
from api.throttling import Throttle
from geoservices import clock, pipeline
from geoservices.accounts.consents import TEXTS
from geoservices.accounts.models import Purpose
from geoservices.campaigns.rules import Trigger
from geoservices.database import DatabaseRole, SessionFactory, make_engine, transaction
from geoservices.geofences.live import LiveGeofences
from geoservices.letters import digests
from geoservices.limiting.limiter import Limiter
from geoservices.outbox import OutboxMessage
from geoservices.phones.regions import rid_of
from geoservices.places.models import Place
from geoservices.retention import service as retention
from geoservices.scopes import confined_sessions
from geoservices.settings.service import Settings
from tests.api import asking
from tests.api.conftest import client_of, with_token
from tests.api.phoning import basic, feature, location, transition, unix
from tests.factories import (
    EXETER,
    make_campaign,
    make_geofence,
    make_listing,
    make_organisation,
    make_place,
)

HERE = (-3.530123457, 50.724456789)
"""Within the library, and with digits that stand nowhere else."""
ADDRESS = "nobody.in.particular@example.org"
OWN_ROWS = {"people", "devices", "phone_links"}
"""Who somebody is to the service: a person without a name, their device and its apps."""
PROOF = {"consents", "consent_receipts"}
"""That and when somebody agreed and withdrew, which names no place."""
LIMITS = {"letters"}
"""That a confirmation was asked for, for two days, without the address (docs/channels.md)."""
MARKS = {"handed_regions"}
"""That a phone was given places to watch, until it was told to forget them; they are not named."""


@dataclass
class Tried:
    """Somebody's phone, and everything that it says of them."""

    client: Client
    anyone: Client
    place_id: UUID
    geofence_id: UUID
    offer_id: UUID
    token: str = ""
    said: list[str] = field(default_factory=list)
    """What would tell on them, wherever it stood."""
    ids: list[str] = field(default_factory=list)
    """Their own, which their own rows may have."""

    def agree(self, *purposes: Purpose) -> None:
        """Agree to purposes."""
        for purpose in purposes:
            body = {"text_version": TEXTS[purpose].version}
            assert self.client.put(f"/v1/consents/{purpose}", json=body).is_success

    def withdraw(self, *purposes: Purpose) -> None:
        """Withdraw them."""
        for purpose in purposes:
            assert self.client.delete(f"/v1/consents/{purpose}").status_code == 204

    def try_everything(self) -> list[int]:
        """Use every way in that there is; return how each was answered."""
        lon, lat = HERE
        ping = asking.ping(lon=lon, lat=lat)
        check_in = asking.check_in(
            self.place_id, position={"lon": lon, "lat": lat, "accuracy_m": 8}
        )
        key = self.client.get("/v1/push/key").json()["application_server_key"]
        browser = asking.subscription(key)
        self.said += [ping["id"], check_in["id"], browser["endpoint"], browser["keys"]["p256dh"]]
        answers = [
            self.client.post("/v1/pings", json=ping),
            self.client.post("/v1/pings", json={"pings": [asking.ping(lon=lon, lat=lat)]}),
            self.client.post("/v1/check-ins", json=check_in),
            self.client.post("/v1/subscriptions", json=browser),
            self.client.put("/v1/email", json={"address": ADDRESS}),
            self.client.post(f"/v1/offers/{self.offer_id}/codes"),
            *self._by_apps(lon, lat),
        ]
        return [answer.status_code for answer in answers]

    def _by_apps(self, lon: float, lat: float) -> Iterator[Any]:
        tokens, username = {}, ""
        for app in ("owntracks", "overland", "traccar"):
            made = self.client.post("/v1/devices/me/phone-links", json={"app": app}).json()
            tokens[app] = made["token"]
            username = made["username"] or username
            self.said.append(made["token"])
        entered = transition("enter", rid=rid_of(self.geofence_id), lon=lon, lat=lat)
        for message in (location(lon=lon, lat=lat), entered):
            yield self.anyone.post(
                "/v1/owntracks", json=message, headers=basic(username, tokens["owntracks"])
            )
        told = feature()
        told["geometry"]["coordinates"] = [lon, lat]
        bearer = {"Authorization": f"Bearer {tokens['overland']}"}
        yield self.anyone.post("/v1/overland", json={"locations": [told]}, headers=bearer)
        asked = {"id": tokens["traccar"], "lat": lat, "lon": lon, "timestamp": unix()}
        yield self.anyone.get("/v1/osmand", params=asked)


@pytest.fixture
def tried(
    application: FastAPI, database_url: str, committed: SessionFactory, settings: Settings
) -> Iterator[Tried]:
    """A library with campaigns, and a phone that has just been registered by a real request."""
    callers = make_engine(database_url, role=DatabaseRole.CALLER)
    application.state.sessions = confined_sessions(callers)
    application.state.live = LiveGeofences()
    application.state.committer = Committer(committed, application.state.live, settings)
    application.state.readiness = Readiness()
    application.state.limiter = Limiter(committed, settings)
    application.state.throttle = Throttle(application.state.limiter)
    with transaction(committed) as session:
        place = make_place(session, make_organisation(session), at=EXETER)
        geofence = make_geofence(session, place)
        for trigger, purpose in (
            (Trigger.ENTERED, Purpose.NEARBY),
            (Trigger.CHECKED_IN, Purpose.CHECK_IN_CONTENT),
        ):
            offer = make_listing(session, place)
            make_campaign(session, offer, trigger=trigger, purpose=purpose)
        ids = (place.id, geofence.id, offer.id)
    anyone = client_of(application)
    made = anyone.post("/v1/devices", json={}).json()
    found = Tried(
        with_token(anyone, made["token"]), anyone, *ids, token=made["token"], ids=[made["id"]]
    )
    found.said.append(made["token"])
    receipt_of = found.client.get("/v1/consents/receipts")
    assert receipt_of.json()["items"] == []
    yield found
    callers.dispose()


@pytest.fixture
def dump(database_url: str) -> Callable[[], dict[str, str]]:
    """What `pg_dump` writes of each table's rows."""

    def dumped() -> dict[str, str]:
        written = subprocess.run(
            ["pg_dump", "--data-only", database_url], check=True, capture_output=True, text=True
        ).stdout
        tables = re.findall(
            r"^COPY public\.(\w+) .*?\n(.*?)^\\\.$", written, re.DOTALL | re.MULTILINE
        )
        assert len(tables) > 30
        return dict(tables)

    return dumped


def _hits(tables: dict[str, str], *needles: str) -> set[str]:
    """Return the tables in whose rows any of these stands, as text, bytes or hexadecimal."""
    spelt = {form for one in needles for form in (one, one.replace("-", ""), one.encode().hex())}
    return {name for name, rows in tables.items() if any(form in rows for form in spelt)}


def coordinates() -> list[str]:
    """Where the phone was, to a metre: what is rounded off is found as well."""
    return [f"{number:.5f}"[:-1] for number in HERE]


def decide(committed: SessionFactory, settings: Settings) -> None:
    """Let the workers do what they do."""
    with transaction(committed) as session:
        ids = [message.id for message in session.query(OutboxMessage)]
        pipeline.decide(session, ids, settings=settings, at=clock.now())


def test_without_consent_nothing_is_stored(
    tried: Tried, dump: Callable[[], dict[str, str]]
) -> None:
    """Whatever is tried is refused, or dropped and forgotten."""
    statuses = tried.try_everything()

    tables = dump()
    assert statuses[:6] == [403] * 6
    assert set(statuses[6:]) == {200}
    assert _hits(tables, *tried.said, *coordinates(), ADDRESS) == set()
    assert _hits(tables, *tried.ids) <= OWN_ROWS
    assert tables["pings_default"] == tables["visits"] == tables["outbox_messages"] == ""


def test_after_withdrawing_all_of_it_is_gone(
    tried: Tried,
    committed: SessionFactory,
    settings: Settings,
    dump: Callable[[], dict[str, str]],
) -> None:
    """It was all there, in a dozen tables, and then it is in none."""
    purposes = (Purpose.NEARBY, Purpose.CHECK_IN_CONTENT, Purpose.STATISTICS, Purpose.EMAIL)
    tried.agree(*purposes)
    statuses = tried.try_everything()
    decide(committed, settings)
    person_id = _person_id(tried)
    there = _hits(dump(), *tried.said, *tried.ids, person_id, *coordinates(), ADDRESS)

    tried.withdraw(*purposes)

    tables = dump()
    gone = {"visits", "check_ins", "decisions", "notifications", "subscriptions", "redemptions"}
    assert all(200 <= status < 300 for status in statuses)
    assert gone | {"email_addresses", "transitions"} <= there
    assert _hits(tables, *tried.said, *coordinates(), ADDRESS) == set()
    assert _hits(tables, *tried.ids, person_id) <= OWN_ROWS | PROOF | LIMITS | MARKS
    for table in (*gone, "transitions", "deliveries", "attempts", "confirmations"):
        assert tables[table] == ""


def test_after_the_periods_only_the_person_is_left(
    tried: Tried,
    committed: SessionFactory,
    settings: Settings,
    dump: Callable[[], dict[str, str]],
) -> None:
    """Withdrawn and forgotten: what proved it goes last."""
    tried.agree(Purpose.NEARBY, Purpose.EMAIL)
    tried.try_everything()
    decide(committed, settings)
    person_id = _person_id(tried)
    tried.withdraw(Purpose.NEARBY, Purpose.EMAIL)
    later = clock.now() + settings.retention.consents + timedelta(days=1)

    retention.apply(committed, settings=settings, at=later)
    with transaction(committed) as session:
        digests.tidy(session, at=later)

    assert _hits(dump(), *tried.ids, person_id) <= OWN_ROWS | MARKS


def test_at_a_sensitive_place_a_dump_shows_no_visit(
    tried: Tried,
    committed: SessionFactory,
    settings: Settings,
    dump: Callable[[], dict[str, str]],
) -> None:
    """Who agreed to be located leaves positions for a day, and not that they were at the place."""
    with transaction(committed) as session:
        place = session.get_one(Place, tried.place_id)
        place.sensitive_at, place.sensitive_kind = clock.now(), "clinic"
    tried.agree(Purpose.NEARBY)

    tried.try_everything()
    decide(committed, settings)

    tables = dump()
    assert tables["visits"] == tables["transitions"] == tables["decisions"] == ""
    assert tables["pings_default"] != "" or any(
        rows for name, rows in tables.items() if name.startswith("pings_")
    )


def _person_id(tried: Tried) -> str:
    [receipt, *_others] = tried.client.get("/v1/consents/receipts").json()["items"]
    return str(receipt["pii_principal_id"])
