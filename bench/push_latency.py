"""From a ping to its push, through every process, while two hundred others come in a second."""

import asyncio
import json
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import httpx2
import numpy as np
import psycopg

from bench.processes import running
from bench.report import Figure
from geoservices import clock
from geoservices.access.rights import Role
from geoservices.accounts.issuing import issue_access_token
from geoservices.database import make_engine, make_session_factory, transaction
from local import processes, stack
from local.actors import Caller, Manager, Phone
from local.browser import NO_TLS
from local.configuration import Configuration, free_port

PINGS_A_SECOND = 200
ARRIVALS_A_SECOND = 10
PASSERS_BY = 100
READY_WITHIN = timedelta(seconds=60)
PUSHED_WITHIN = timedelta(seconds=30)
PARTS = ("api", "relay", "worker", "beat", "push")
AWAY_DEG = 0.2
"""Passers-by walk this far from the library, where nothing is watched."""
ENDPOINTS = """
SELECT device_id, endpoint FROM subscriptions WHERE device_id = ANY(%s)
"""


class NotPushed(Exception):
    """Somebody came in and was not told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """The whole service, and a library that greets whoever comes in."""

    api: str
    push: str
    database: str
    lon: float
    lat: float


@contextmanager
def service(folder: Path) -> Iterator[Service]:
    """Run every process of the service, on a durable database, for the block."""
    configuration = Configuration(
        data_dir=folder,
        api_port=free_port(),
        database_port=free_port(),
        broker_port=free_port(),
        push_port=free_port(),
        database_url=None,
        broker_url=None,
    )
    with ExitStack() as started:
        env = started.enter_context(stack.servers(configuration))
        stack.prepare(configuration, env)
        commands = processes.commands(configuration)
        for part in PARTS:
            log = configuration.logs / f"{part}.log"
            started.enter_context(running(commands[part], env, log))
        _wait_until_ready(configuration.api_url)
        url = env["GEOSERVICES_DATABASE_URL"]
        with Manager(configuration.api_url, _manager_token(url)) as manager:
            lon, lat = _greet_at_library(manager)
        yield Service(
            api=configuration.api_url,
            push=configuration.push_url,
            database=url,
            lon=lon,
            lat=lat,
        )


def latencies_ms(of: Service, arrivals: int) -> list[float]:
    """Let so many people come in, one after the other, and return how long each push took.

    From just before the ping is sent until the push service has the encrypted message, in
    milliseconds.

    Raises:
        NotPushed: Not everyone was told.
    """
    with ExitStack() as phones:
        coming = [phones.enter_context(_phone(of, subscribed=True)) for _ in range(arrivals)]
        passing = [phones.enter_context(_phone(of, subscribed=False)) for _ in range(PASSERS_BY)]
        left_at = asyncio.run(_walk(of, coming, passing))
        arrived_at = _await_pushes(of, coming)
    return [(arrived_at[id_] - left_at[id_]) * 1e3 for id_ in left_at]


def figures(took_ms: Sequence[float]) -> Iterator[Figure]:
    """Return the figures of a run."""
    for name, share in (("p50", 50), ("p99", 99)):
        yield Figure(
            case=f"push.latency_{name}",
            value=round(float(np.percentile(took_ms, share)), 1),
            unit="ms",
            params={
                "pings_per_s": PINGS_A_SECOND,
                "samples": len(took_ms),
                "slowest_ms": round(max(took_ms), 1),
            },
        )


def _wait_until_ready(api: str) -> None:
    give_up_at = time.monotonic() + READY_WITHIN.total_seconds()
    with Caller(api) as caller:
        while not caller.is_service_ready():
            if time.monotonic() > give_up_at:
                raise TimeoutError("The service did not become ready.")
            time.sleep(0.1)


def _manager_token(url: str) -> str:
    engine = make_engine(url, pool_size=1)
    try:
        with transaction(make_session_factory(engine)) as session:
            return issue_access_token(
                session,
                "devon",
                role=Role.MANAGER,
                name="Bench",
                lifetime=timedelta(days=1),
                at=clock.now(),
            )
    finally:
        engine.dispose()


def _greet_at_library(manager: Manager) -> tuple[float, float]:
    [place] = manager.ask("GET", "/v1/places", params={"q": "Exeter Library"})["features"]
    offer = manager.announce(place["id"], kind="offer", title="A free hot drink", text="")
    manager.campaign(
        offer, body="Come in.", trigger="entered", audience="citizen", purpose="nearby"
    )
    lon, lat = place["geometry"]["coordinates"]
    return lon, lat


@contextmanager
def _phone(of: Service, *, subscribed: bool) -> Iterator[Phone]:
    with Phone(of.api, of.push) as phone:
        phone.agree("nearby")
        if subscribed:
            phone.subscribe()
        yield phone


async def _walk(of: Service, coming: Sequence[Phone], passing: Sequence[Phone]) -> dict[Any, float]:
    """Send pings at a steady rate, every so many of them somebody's who comes in."""
    left_at: dict[Any, float] = {}
    every = PINGS_A_SECOND // ARRIVALS_A_SECOND
    address = urlsplit(of.api)
    lines = {
        phone.id: await _Line.open(address.hostname or "", address.port or 80, phone)
        for phone in (*coming, *passing)
    }
    began = time.monotonic()
    async with asyncio.TaskGroup() as sending:
        for number in range(len(coming) * every):
            await asyncio.sleep(max(0.0, began + number / PINGS_A_SECOND - time.monotonic()))
            arriving, rest = divmod(number, every)
            if rest == 0:
                phone = coming[arriving]
                left_at[phone.id] = clock.now().timestamp()
                sending.create_task(lines[phone.id].ping(of.lon, of.lat))
            else:
                phone = passing[number % len(passing)]
                away = AWAY_DEG + number * 1e-6
                sending.create_task(lines[phone.id].ping(of.lon + away, of.lat))
    for line in lines.values():
        line.close()
    return left_at


class _Line:
    """A phone's connection to the API, without what a client library would take of the cores."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, token: str
    ) -> None:
        self._reader, self._writer, self._token = reader, writer, token
        self._free = asyncio.Lock()

    @classmethod
    async def open(cls, host: str, port: int, phone: Phone) -> "_Line":
        """Connect."""
        reader, writer = await asyncio.open_connection(host, port)
        return cls(reader, writer, phone.http.headers["Authorization"])

    async def ping(self, lon: float, lat: float) -> None:
        """Report a position and read the answer.

        Raises:
            NotPushed: It was not taken.
        """
        ping = {"lon": lon, "lat": lat, "accuracy_m": 5, "id": str(uuid4())}
        body = json.dumps({**ping, "recorded_at": clock.now().isoformat()}).encode()
        head = (
            f"POST /v1/pings HTTP/1.1\r\nHost: bench\r\nAuthorization: {self._token}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        async with self._free:
            self._writer.write(head.encode() + body)
            told = (await self._reader.readuntil(b"\r\n\r\n")).lower()
            length = int(told.partition(b"content-length:")[2].partition(b"\r\n")[0])
            await self._reader.readexactly(length)
        if not told.startswith(b"http/1.1 200"):
            raise NotPushed(told.decode())

    def close(self) -> None:
        """Hang up."""
        self._writer.close()


def _await_pushes(of: Service, coming: Sequence[Phone]) -> dict[Any, float]:
    """Return when each one's push came in, in seconds since 1970."""
    ids = [phone.id for phone in coming]
    with psycopg.connect(of.database) as connection:
        devices = {
            endpoint.rpartition("/")[2]: device_id
            for device_id, endpoint in connection.execute(ENDPOINTS, [ids])
        }
    give_up_at = time.monotonic() + PUSHED_WITHIN.total_seconds()
    while True:
        log = httpx2.get(f"{of.push}/log", trust_env=False, verify=NO_TLS).json()
        found = {
            devices[entry["token"]]: datetime.fromisoformat(entry["at"]).timestamp()
            for entry in reversed(log)
            if entry["token"] in devices
        }
        if len(found) == len(coming):
            return found
        if time.monotonic() > give_up_at:
            raise NotPushed(f"{len(coming) - len(found)} of {len(coming)} were not told.")
        time.sleep(0.2)
