"""A line to the service that can be cut: then nothing answers, as where a phone has no signal."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from threading import Lock, Thread

from local.configuration import HOST

CHUNK_BYTES = 65_536


@dataclass(slots=True)
class Line:
    """What listens in the service's place, and the connections that go through it."""

    url: str
    _open: set[socket.socket] = field(default_factory=set)
    _lock: Lock = field(default_factory=Lock)
    _is_cut: bool = False

    def cut(self) -> None:
        """End all connections, and whatever is connected from now on."""
        with self._lock:
            self._is_cut = True
            for connection in self._open:
                _end(connection)
            self._open.clear()

    def mend(self) -> None:
        """Let connections through again."""
        with self._lock:
            self._is_cut = False

    def carry(self, browser: socket.socket, port: int) -> None:
        """Join a browser's connection to the service."""
        with self._lock:
            if self._is_cut:
                _end(browser)
                return
            service = socket.create_connection((HOST, port))
            self._open |= {browser, service}
        for one, other in ((browser, service), (service, browser)):
            Thread(target=self._pass_on, args=(one, other), daemon=True).start()

    def _pass_on(self, one: socket.socket, other: socket.socket) -> None:
        with suppress(OSError):
            while sent := one.recv(CHUNK_BYTES):
                other.sendall(sent)
        with self._lock:
            self._open -= {one, other}
        _end(one)
        _end(other)


@contextmanager
def line_to(port: int) -> Iterator[Line]:
    """Listen for browsers, and carry what they send to a port of this machine."""
    with socket.create_server((HOST, 0)) as listening:
        line = Line(f"http://{HOST}:{listening.getsockname()[1]}")

        def listen() -> None:
            with suppress(OSError):
                while True:
                    line.carry(listening.accept()[0], port)

        thread = Thread(target=listen, daemon=True)
        thread.start()
        yield line
        line.cut()
        # Closing it alone does not wake who waits for the next connection.
        with suppress(OSError):
            listening.shutdown(socket.SHUT_RDWR)
    thread.join()


def _end(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()
