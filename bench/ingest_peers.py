"""Peers that are no HTTP services: COPY into the same table, and Tile38 with live fences."""

import json
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np
import psycopg
import shapely
from numpy.typing import NDArray
from psycopg import sql

from bench.ingest_walks import LAT_AT, LON_AT, Walks
from bench.world import World
from geoservices.geofences.watched import Watched
from local.configuration import HOST, free_port

COPIED = "CREATE TABLE IF NOT EXISTS peer.copied (LIKE pings INCLUDING ALL)"
COPIED_AT_ONCE = 1000
OF_ONE_DEVICE = 100
COPY_HEAD = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
COPY_END = b"\xff\xff"
POSTGRES_EPOCH_S = 946_684_800
"""2000-01-01, from which PostgreSQL counts microseconds."""
FIELDS = ("device_id", "recorded_at", "id", "received_at", "lon", "lat", "accuracy_m")
COLUMNS = """
SELECT attname, format_type(atttypid, NULL), attnotnull FROM pg_attribute
WHERE attrelid = 'peer.copied'::regclass AND attnum > 0 AND NOT attisdropped
"""
COPY = f"COPY peer.copied ({', '.join(FIELDS)}) FROM STDIN (FORMAT BINARY)"
BINARY = {
    "uuid": "V16",
    "timestamp with time zone": ">i8",
    "double precision": ">f8",
    "real": ">f4",
}
PIPELINED = 100
READY_WITHIN_S = 30.0


class CopiedRows:
    """Rows in PostgreSQL's binary format, as many as one connection can COPY in a few seconds."""

    def __init__(
        self,
        connection: psycopg.Connection,
        world: World,
        *,
        blocks: int,
        rng: np.random.Generator,
    ) -> None:
        row_type = _made(connection)
        devices = np.frombuffer(b"".join(one.bytes for one in world.device_ids), dtype="V16")
        of_block = COPIED_AT_ONCE // OF_ONE_DEVICE
        self._blocks: list[bytes] = []
        for number in range(blocks):
            rows = np.zeros(COPIED_AT_ONCE, dtype=row_type)
            rows["fields"] = len(FIELDS)
            for name in FIELDS:
                rows[f"{name}_length"] = row_type[name].itemsize
            chosen = (number * of_block + np.arange(of_block)) % len(devices)
            rows["device_id"] = np.repeat(devices[chosen], OF_ONE_DEVICE)
            rows["id"] = np.frombuffer(rng.bytes(16 * COPIED_AT_ONCE), dtype="V16")
            rows["lon"] = np.repeat(world.starts[chosen, 0], OF_ONE_DEVICE)
            rows["lat"] = np.repeat(world.starts[chosen, 1], OF_ONE_DEVICE)
            rows["accuracy_m"] = 10
            self._stamp(rows, number * of_block // len(devices))
            self._blocks.append(COPY_HEAD + rows.tobytes() + COPY_END)

    def rate(self, connection: psycopg.Connection) -> float:
        """Copy blocks of a thousand rows, each its own transaction; return rows a second."""
        connection.execute("TRUNCATE peer.copied")
        began = time.perf_counter()
        for block in self._blocks:
            with connection.cursor().copy(COPY.encode()) as copy:
                copy.write(block)
        return len(self._blocks) * COPIED_AT_ONCE / (time.perf_counter() - began)

    @staticmethod
    def _stamp(rows: NDArray[np.void], turn: int) -> None:
        now_us = (int(time.time()) - POSTGRES_EPOCH_S) * 1_000_000
        since_us = now_us - 6 * 86_400 * 1_000_000
        step = turn * OF_ONE_DEVICE + np.arange(COPIED_AT_ONCE) % OF_ONE_DEVICE
        rows["recorded_at"] = since_us + step * 10_000_000
        rows["received_at"] = now_us


def _made(connection: psycopg.Connection) -> np.dtype[np.void]:
    """Make the table like the service's, apart from what it demands of columns not copied."""
    connection.execute(COPIED)
    types: dict[str, str] = {}
    for name, type_, is_needed in connection.execute(COLUMNS).fetchall():
        types[name] = type_
        if is_needed and name not in FIELDS:
            connection.execute(
                sql.SQL("ALTER TABLE peer.copied ALTER {} DROP NOT NULL").format(
                    sql.Identifier(name)
                )
            )
    fields = [
        part for name in FIELDS for part in ((f"{name}_length", ">i4"), (name, BINARY[types[name]]))
    ]
    return np.dtype([("fields", ">i2"), *fields])


class Tile38:
    """A Tile38 with one live fence a geofence, its append-only file on, and one subscriber.

    Its file is synced once a second, so what it has acknowledged may be lost; it knows neither
    accuracy nor dwelling nor history. It is told of the same walks, pipelined by 100.
    """

    def __init__(self, port: int) -> None:
        self._address = (HOST, port)
        self._socket = socket.create_connection(self._address)
        self._awaited = 0
        self.events = 0
        """How many enters and exits the subscriber was told of."""

    def close(self) -> None:
        """Speak with it no more."""
        self._socket.close()

    def watch(self, fences: Sequence[Watched]) -> None:
        """Make a live fence of each geofence."""
        for begin in range(0, len(fences), PIPELINED):
            some = fences[begin : begin + PIPELINED]
            self._send(b"".join(_fence(fence) for fence in some), len(some))
            self._read(until=0)

    def rate(self, requests: Sequence[bytes]) -> float:
        """Send pipelines of positions, one ahead of the answers; return positions a second."""
        began = time.perf_counter()
        for request in requests:
            self._send(request, PIPELINED)
            self._read(until=PIPELINED)
        self._read(until=0)
        return len(requests) * PIPELINED / (time.perf_counter() - began)

    def subscribe(self) -> None:
        """Read what the fences tell, in a thread that ends with the server."""
        listener = socket.create_connection(self._address)
        listener.sendall(command("PSUBSCRIBE", "*"))
        threading.Thread(target=self._listen, args=(listener,), daemon=True).start()

    def _listen(self, listener: socket.socket) -> None:
        with listener:
            while read := listener.recv(1 << 18):
                self.events += read.count(b'"detect":')

    def _send(self, request: bytes, commands: int) -> None:
        self._socket.sendall(request)
        self._awaited += commands

    def _read(self, *, until: int) -> None:
        """Read answers, a line each, until so many are still to come."""
        while self._awaited > until:
            read = self._socket.recv(1 << 18)
            if not read or b"-ERR" in read:
                raise RuntimeError(f"Tile38 answered {read[:200]!r}")
            self._awaited -= read.count(b"\n")


def positions_of(walks: Walks, device_ids: Sequence[object]) -> Iterator[bytes]:
    """Make the walks' first pings into pipelines of 100 positions of one device each."""
    for begin in range(0, walks.records.shape[1], PIPELINED):
        for device, records in zip(device_ids, walks.records, strict=True):
            rows = records[begin : begin + PIPELINED]
            texts = [row.tobytes().decode() for row in rows]
            yield b"".join(
                command("SET", "fleet", str(device), "POINT", _number(text, LAT_AT), lon)
                for text in texts
                for lon in [_number(text, LON_AT)]
            )


@contextmanager
def tile38(binary: Path, folder: Path) -> Iterator[Tile38]:
    """Run a Tile38 for the block."""
    port = free_port()
    data = folder / "tile38"
    with (folder / "tile38.log").open("wb") as log:
        server = subprocess.Popen(
            [binary, "-h", HOST, "-p", str(port), "-d", data, "--appendonly", "yes"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        with closing(_patiently(lambda: Tile38(port))) as rival:
            yield rival
    finally:
        server.terminate()
        server.wait()


def command(*words: str) -> bytes:
    """Write a command in RESP."""
    parts = [f"*{len(words)}\r\n", *(f"${len(word.encode())}\r\n{word}\r\n" for word in words)]
    return "".join(parts).encode()


def _fence(fence: Watched) -> bytes:
    told = ("fleet", "FENCE", "DETECT", "enter,exit")
    if fence.area is None:
        lon, lat = fence.centre or (0.0, 0.0)
        reach_m = (fence.radius_m or 0.0) + fence.margin_m
        where: tuple[str, ...] = ("POINT", str(lat), str(lon), str(reach_m))
        return command("SETCHAN", str(fence.id), "NEARBY", *told, *where)
    where = ("OBJECT", json.dumps(shapely.geometry.mapping(fence.area)))
    return command("SETCHAN", str(fence.id), "INTERSECTS", *told, *where)


def _number(record: str, at: int) -> str:
    return record[at : at + 10].strip()


def _patiently(connect: Callable[[], Tile38]) -> Tile38:
    give_up_at = time.monotonic() + READY_WITHIN_S
    while True:
        try:
            return connect()
        except ConnectionRefusedError:
            if time.monotonic() > give_up_at:
                raise
            time.sleep(0.05)
