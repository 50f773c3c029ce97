"""The load: one process, raw sockets, no client library; it shares the cores with what it drives.

A device always uses the same connection, so that its pings arrive in the order of their times.
Each connection has one request under way. Of an answer only the status, the Content-Length and
how often a few words occur are looked at.
"""

import gc
import re
import select
import socket
import time
from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain, islice

import numpy as np

from bench.ingest_walks import Walks
from local.configuration import HOST

SLOWEST_ANSWER_S = 600.0
"""The first answer of a process waits until it has read every geofence."""
READ_AT_ONCE = 1 << 16
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
ACCEPTED, TRANSITION = b'"accepted"', b'"visit_id"'


Request = tuple[int, bytes]
"""A device's number and what it sends."""


class Refused(Exception):
    """An answer was none, or not the one that was expected; the measurement is worth nothing."""


@dataclass(slots=True, kw_only=True)
class Load:
    """What came of driving the service for a while."""

    elapsed_s: float = 0.0
    generator_s: float = 0.0
    """Processor time of the load's own process."""
    requests: int = 0
    accepted: int = 0
    transitions: int = 0
    by_port: dict[int, int] = field(default_factory=dict)
    """How many requests each process answered."""
    latencies_s: "array[float]" = field(default_factory=lambda: array("d"))

    def rate(self) -> float:
        """Return pings a second."""
        return self.accepted / self.elapsed_s

    def latency_ms(self, share: float) -> float:
        """Return the latency that this share of the requests did not exceed."""
        return float(np.quantile(np.frombuffer(self.latencies_s), share)) * 1000

    def smallest_share(self) -> float:
        """Return the share of the process that answered least."""
        return min(self.by_port.values()) / self.requests


@dataclass(slots=True)
class _Client:
    """One connection with its devices' requests."""

    port: int
    requests: Iterator["Request"]
    socket: socket.socket
    sent: Callable[[int], None]
    """Told of each device whose pings went out."""
    began: float = 0.0
    buffer: bytes = b""

    def send(self) -> None:
        """Send the next request."""
        device, request = next(self.requests)
        self.began = time.perf_counter()
        self.socket.sendall(request)
        self.sent(device)

    def receive(self) -> bytes | None:
        """Read what there is and return the answer if it is whole.

        Raises:
            Refused: It is not a 200.
        """
        read = self.socket.recv(READ_AT_ONCE)
        if not read:
            raise Refused(f"Port {self.port} closed the connection.")
        whole = self.buffer + read if self.buffer else read
        end = whole.find(b"\r\n\r\n")
        if end < 0 or len(whole) < end + 4 + _length(whole[:end]):
            self.buffer = whole
            return None
        self.buffer = b""
        if not whole.startswith(b"HTTP/1.1 200 "):
            raise Refused(whole[:600].decode(errors="replace"))
        return whole


def drive(
    ports: Sequence[int],
    walks: Walks,
    *,
    connections: int,
    size: int,
    seconds: float,
    path: str = "/v1/pings",
    ahead: int = 0,
) -> Load:
    """Keep so many connections busy for so long, then wait for the last answers.

    Args:
        ports: The service's processes; each gets as many connections as the next.
        walks: Whose pings are sent; they go on from where they are.
        connections: How many.
        size: Pings in a request.
        seconds: How long requests are sent.
        path: Where they are sent.
        ahead: So many requests are made before the clock starts; the others when they are sent.

    Raises:
        Refused: An answer was none or not a 200.
        TimeoutError: No answer came for ten minutes.
    """
    walks.align(size)
    clients = [
        _Client(
            ports[number % len(ports)],
            _requests(walks, number, connections, size, path, ahead),
            socket.create_connection((HOST, ports[number % len(ports)]), SLOWEST_ANSWER_S),
            partial(walks.advance, size=size),
        )
        for number in range(connections)
    ]
    try:
        return _drive(clients, seconds)
    finally:
        for client in clients:
            client.socket.close()


def _drive(clients: list[_Client], seconds: float) -> Load:
    poll = select.epoll()
    by_number = {client.socket.fileno(): client for client in clients}
    for client in clients:
        client.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # With a timeout of its own, a socket asks the kernel once more before each call.
        client.socket.settimeout(None)
        poll.register(client.socket, select.EPOLLIN)
    load = Load(by_port=dict.fromkeys((client.port for client in clients), 0))
    gc.collect()
    gc.disable()
    try:
        began, spent = time.perf_counter(), time.process_time()
        for client in clients:
            client.send()
        busy = len(clients)
        while busy:
            ready = poll.poll(SLOWEST_ANSWER_S)
            if not ready:
                raise TimeoutError("The service does not answer.")
            for number, _event in ready:
                client = by_number[number]
                answer = client.receive()
                if answer is None:
                    continue
                now = time.perf_counter()
                _note(load, client, answer, now)
                if now - began < seconds:
                    client.send()
                else:
                    busy -= 1
        load.elapsed_s = time.perf_counter() - began
        load.generator_s = time.process_time() - spent
    finally:
        gc.enable()
        poll.close()
    return load


def _note(load: Load, client: _Client, answer: bytes, now: float) -> None:
    load.latencies_s.append(now - client.began)
    load.requests += 1
    load.by_port[client.port] += 1
    load.accepted += answer.count(ACCEPTED)
    load.transitions += answer.count(TRANSITION)


def _requests(
    walks: Walks, number: int, connections: int, size: int, path: str, ahead: int
) -> Iterator[Request]:
    """Make the requests of one connection, its devices taking turns."""
    made = _endless(walks, range(number, len(walks.heads), connections), size, path)
    return chain(list(islice(made, -(-ahead // connections))), made)


def _endless(walks: Walks, devices: range, size: int, path: str) -> Iterator[Request]:
    begin = {device: int(walks.sent[device]) for device in devices}
    while True:
        for device in devices:
            yield device, walks.request(device, begin[device], size, path)
            begin[device] += size


def _length(head: bytes) -> int:
    found = LENGTH.search(head)
    if found is None:
        raise Refused("An answer has no Content-Length.")
    return int(found[1])
