"""One request to a push service and its answer: what libcurl may do, and how much of it."""

import re
import socket
import ssl
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final, Protocol

import pycurl

from geoservices.push.names import AddressNotPublic
from geoservices.settings.sending import PushSettings

MAX_ANSWER_BYTES: Final = 4096
# RFC 8030 sections 5, 5.2 and 8.4; and what Windows adds.
FIELDS: Final = frozenset({b"location", b"ttl", b"retry-after"})
WINDOWS_FIELDS: Final = b"x-wns-"
END: Final = b"\r\n"
FINAL: Final = 200
# libcurl allows 300 kB for the head of an answer, and any number of interim ones before it.
MAX_HEAD_LINES: Final = 256
CONNECT_WITHIN: Final = timedelta(seconds=5)
# A name that moved is connected to anew after this long at the latest, as soon as nothing is under
# way on the connection.
CONNECTION_LIFETIME: Final = timedelta(minutes=5)
IDLE_CONNECTION_LIFETIME: Final = timedelta(minutes=1)

_STATUS_LINE = re.compile(rb"HTTP/[0-9.]+ ([0-9]{3})")
REASONS: Final[Mapping[int, str]] = {
    pycurl.E_OPERATION_TIMEDOUT: "timeout",
    pycurl.E_COULDNT_CONNECT: "no-connection",
    pycurl.E_GOT_NOTHING: "connection-broken",
    pycurl.E_RECV_ERROR: "connection-broken",
    pycurl.E_SEND_FAIL_REWIND: "connection-broken",
    pycurl.E_SEND_ERROR: "connection-broken",
    pycurl.E_PEER_FAILED_VERIFICATION: "certificate-refused",
    pycurl.E_SSL_CONNECT_ERROR: "tls-failed",
}
_UNREADABLE: Final = "answer-unreadable"


@dataclass(frozen=True, slots=True)
class Post:
    """One request: where to, its headers as `Name: value`, and its body."""

    url: str
    headers: list[str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """What a push service said: some headers, named in lower case, and 4096 bytes of its body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class NoAnswer(Exception):
    """The network failed before the head of an answer had come; `reason` says how."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


Ending = Answer | Exception


class Address(Protocol):
    """What libcurl is about to connect to, as pycurl tells it."""

    family: int
    socktype: int
    protocol: int
    addr: tuple[str, int]


class Exchange:
    """One easy handle of libcurl's, used again and again, and what its present post has heard."""

    def __init__(
        self,
        settings: PushSettings,
        *,
        answered: Callable[["Exchange"], None],
        may_connect: Callable[[str, Address], bool],
    ) -> None:
        self.curl = pycurl.Curl()
        self._answered = answered
        self._may_connect = may_connect
        self.number = -1
        self.host = ""
        self.barred = False
        self.pinned = False
        self.head: list[bytes] = []
        self.body = b""
        for option, value in self._options(settings):
            self.curl.setopt(option, value)

    def begin(self, number: int, host: str) -> None:
        """Forget the post before."""
        self.number, self.host, self.barred = number, host, False
        self.body = b""
        self.head.clear()

    def _take_head(self, line: bytes) -> int | None:
        """Take a line of the head, and break off where there are too many."""
        self.head.append(line)
        return None if len(self.head) < MAX_HEAD_LINES else -1

    def _take_body(self, part: bytes) -> int | None:
        """Take a part of the body, and break off where it is too long."""
        if not self.body:
            self._answered(self)
        self.body = (self.body + part)[:MAX_ANSWER_BYTES]
        return -1 if len(self.body) == MAX_ANSWER_BYTES else None

    def _open_socket(self, _purpose: int, address: Address) -> int:
        """Open a socket to a checked address, and to no other."""
        if not self._may_connect(self.host, address):
            self.barred = True
            return int(pycurl.SOCKET_BAD)
        return socket.socket(address.family, address.socktype, address.protocol).detach()

    def ending(self, code: int) -> Ending:
        """Say how it ended; a status that has come counts, whatever happened afterwards."""
        status, fields = _read_head(self.head)
        if status:
            return Answer(status, fields, self.body)
        if self.barred:
            return AddressNotPublic()
        return NoAnswer(REASONS.get(code, _UNREADABLE))

    def _options(self, settings: PushSettings) -> Iterator[tuple[int, object]]:
        """Return what holds for every post."""
        schemes = pycurl.PROTO_HTTPS | (pycurl.PROTO_HTTP if settings.allow_loopback else 0)
        yield pycurl.POST, 1
        yield pycurl.PROTOCOLS, schemes
        yield pycurl.FOLLOWLOCATION, 0
        yield pycurl.PROXY, ""
        yield pycurl.NOPROXY, "*"
        yield pycurl.NETRC, pycurl.NETRC_IGNORED
        yield pycurl.SSL_VERIFYPEER, 1
        yield pycurl.SSL_VERIFYHOST, 2
        yield pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_2TLS
        yield pycurl.PIPEWAIT, 1
        yield pycurl.PATH_AS_IS, 1
        yield pycurl.USERAGENT, ""
        yield pycurl.NOSIGNAL, 1
        yield pycurl.CONNECTTIMEOUT_MS, int(CONNECT_WITHIN.total_seconds() * 1000)
        yield pycurl.MAXAGE_CONN, int(IDLE_CONNECTION_LIFETIME.total_seconds())
        yield pycurl.MAXLIFETIME_CONN, int(CONNECTION_LIFETIME.total_seconds())
        yield pycurl.OPENSOCKETFUNCTION, self._open_socket
        yield pycurl.HEADERFUNCTION, self._take_head
        yield pycurl.WRITEFUNCTION, self._take_body
        yield from authorities(settings.ca_file)


def authorities(ca_file: Path | None) -> Iterator[tuple[int, str]]:
    """Return who may vouch for a server: those of the file, else the system's."""
    if ca_file is not None:
        yield pycurl.CAINFO, str(ca_file)
        return
    system = ssl.get_default_verify_paths()
    if system.cafile:
        yield pycurl.CAINFO, system.cafile
    if system.capath:
        yield pycurl.CAPATH, system.capath


def _read_head(lines: Sequence[bytes]) -> tuple[int, dict[str, str]]:
    """Read the status of the answer and those of its fields that say something to us.

    Interim answers (RFC 9110 section 15.2) and trailers are passed over; of a field that is
    repeated the last counts. The status is 0 where the head has no end.
    """
    status, fields = 0, dict[str, str]()
    for line in lines:
        if line == END and status >= FINAL:
            return status, fields
        if line.startswith(b"HTTP/"):
            said = _STATUS_LINE.match(line)
            status, fields = int(said[1]) if said else 0, {}
            continue
        name, _, value = line.partition(b":")
        name = name.lower()
        if name in FIELDS or name.startswith(WINDOWS_FIELDS):
            fields[name.decode("latin-1")] = value.strip().decode("latin-1")
    return 0, {}
