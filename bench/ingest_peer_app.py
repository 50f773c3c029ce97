"""The intake as others would write it, to be measured beside ours: `uvicorn …:app`.

* `/each`: one transaction a request; each ping is inserted, PostGIS is asked for its geofences,
  and what changed against the device's state is inserted as events.
* `/set`: the same in four statements for a whole request, by `unnest` and a lateral join.
* `/own`: our own rules, one transaction a request, no request waiting for any other.

The first two know less than ours: inside is inside whatever the accuracy, nothing is late, doubtful
or confirmed by time. `bench/ingest_stage.py` makes their tables. FastAPI, psycopg and prepared
statements throughout.
"""

import os
import threading
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Annotated
from uuid import UUID

import psycopg
from fastapi import Body, FastAPI, Header
from pydantic import BaseModel

from api.schemas.pings import PingIn
from bench.planar import MATCHES
from geoservices import clock, receiving
from geoservices.accounts.device_tokens import authenticate_device
from geoservices.accounts.tokens import hash_token
from geoservices.database import make_engine, make_session_factory, transaction
from geoservices.geofences.live import LiveGeofences
from geoservices.pings.service import VERDICTS
from geoservices.settings.service import load_settings

DEVICE = "SELECT id FROM devices WHERE token_hash = %s AND revoked_at IS NULL"
STATE = "SELECT fence_id FROM peer.inside WHERE device_id = %s"
LEFT = "DELETE FROM peer.inside WHERE device_id = %s AND fence_id = ANY(%s)"
CAME = "INSERT INTO peer.inside SELECT %s, unnest(%s::uuid[]) ON CONFLICT DO NOTHING"
PING = "INSERT INTO peer.pings VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING"
FENCES = """
SELECT id FROM peer.fences
WHERE ST_Intersects(area, ST_SetSRID(ST_MakePoint(%s::float8, %s::float8), 4326))
"""
EVENTS = """
INSERT INTO peer.events
SELECT %s, * FROM unnest(%s::uuid[], %s::bool[], %s::timestamptz[])
"""
ALL_PINGS = """
INSERT INTO peer.pings
SELECT %s, * FROM unnest(%s::timestamptz[], %s::uuid[], %s::float8[], %s::float8[], %s::float8[])
ON CONFLICT DO NOTHING
"""

Event = tuple[UUID, bool, datetime]


class Batch(BaseModel):
    """Several pings."""

    pings: list[PingIn]


class Answer(BaseModel):
    """A verdict for each ping and an entry for each event."""

    pings: list[str]
    transitions: list[dict[str, UUID]]


PingsIn = Annotated[PingIn | Batch, Body()]
Token = Annotated[str, Header(alias="Authorization")]
Taken = tuple[psycopg.Connection, UUID, list[PingIn]]

app = FastAPI()
_settings = load_settings()
_sessions = make_session_factory(
    make_engine(_settings.database_url.get_secret_value(), pool_size=40)
)
_live = LiveGeofences()
_of_thread = threading.local()


@app.post("/each")
def take_in_each(body: PingsIn, authorization: Token) -> Answer:
    """Ask PostGIS about each ping."""
    connection, device_id, pings = _begin(body, authorization)
    with connection.transaction():
        found = (_find_one(connection, device_id, ping) for ping in pings)
        events = _follow(connection, device_id, pings, found)
    return _answer(len(pings), events)


@app.post("/set")
def take_in_at_once(body: PingsIn, authorization: Token) -> Answer:
    """Ask PostGIS about all pings at once."""
    connection, device_id, pings = _begin(body, authorization)
    with connection.transaction():
        found = _find_all(connection, device_id, pings)
        events = _follow(connection, device_id, pings, found)
    return _answer(len(pings), events)


@app.post("/own")
def take_in_by_our_rules(body: PingsIn, authorization: Token) -> Answer:
    """Take them in as the service does, but in a transaction of the request's own."""
    pings = body.pings if isinstance(body, Batch) else [body]
    with transaction(_sessions) as session:
        known = authenticate_device(
            session,
            authorization.removeprefix("Bearer "),
            overlap=_settings.devices.token_overlap,
            at=clock.now(),
        )
        if known is None:
            raise PermissionError
        intake = receiving.take_in_from(
            session,
            known[0],
            [ping.to_report() for ping in pings],
            live=_live,
            settings=_settings,
            at=clock.now(),
        )
    return Answer(
        pings=[VERDICTS[number] for number in intake.verdicts],
        transitions=[{"visit_id": made.visit_id} for made in intake.transitions],
    )


def _begin(body: PingIn | Batch, authorization: str) -> Taken:
    connection: psycopg.Connection | None = getattr(_of_thread, "connection", None)
    if connection is None:
        connection = psycopg.connect(os.environ["GEOSERVICES_DATABASE_URL"], autocommit=True)
        _of_thread.connection = connection
    token_hash = hash_token(authorization.removeprefix("Bearer "))
    row = connection.execute(DEVICE, [token_hash]).fetchone()
    if row is None:
        raise PermissionError
    return connection, row[0], body.pings if isinstance(body, Batch) else [body]


def _find_one(connection: psycopg.Connection, device_id: UUID, ping: PingIn) -> set[UUID]:
    row = [device_id, ping.recorded_at, ping.id, ping.lon, ping.lat, ping.accuracy_m]
    connection.execute(PING, row)
    return {fence for (fence,) in connection.execute(FENCES, [ping.lon, ping.lat])}


def _find_all(
    connection: psycopg.Connection, device_id: UUID, pings: list[PingIn]
) -> list[set[UUID]]:
    lon, lat = [ping.lon for ping in pings], [ping.lat for ping in pings]
    times = [ping.recorded_at for ping in pings]
    accuracy_m = [ping.accuracy_m for ping in pings]
    ids = [ping.id for ping in pings]
    connection.execute(ALL_PINGS, [device_id, times, ids, lon, lat, accuracy_m])
    found: list[set[UUID]] = [set() for _ in pings]
    for number, fence in connection.execute(MATCHES, [lon, lat]):
        found[number - 1].add(fence)
    return found


def _follow(
    connection: psycopg.Connection,
    device_id: UUID,
    pings: list[PingIn],
    found: Iterable[set[UUID]],
) -> list[Event]:
    """Compare each ping's geofences with those before, and store what changed."""
    before = {fence for (fence,) in connection.execute(STATE, [device_id])}
    inside, events = before, list[Event]()
    for ping, now in zip(pings, found, strict=True):
        events += _changes(inside, now, ping.recorded_at)
        inside = now
    _store(connection, device_id, before, inside, events)
    return events


def _changes(before: set[UUID], now: set[UUID], at: datetime) -> Iterator[Event]:
    yield from ((fence, False, at) for fence in before - now)
    yield from ((fence, True, at) for fence in now - before)


def _store(
    connection: psycopg.Connection,
    device_id: UUID,
    before: set[UUID],
    inside: set[UUID],
    events: list[Event],
) -> None:
    if left := before - inside:
        connection.execute(LEFT, [device_id, list(left)])
    if came := inside - before:
        connection.execute(CAME, [device_id, list(came)])
    if events:
        fences, entered, times = zip(*events, strict=True)
        connection.execute(EVENTS, [device_id, list(fences), list(entered), list(times)])


def _answer(count: int, events: list[Event]) -> Answer:
    return Answer(
        pings=["accepted"] * count, transitions=[{"visit_id": fence} for fence, _, _ in events]
    )
