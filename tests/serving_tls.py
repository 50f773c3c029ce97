"""A push service over TLS on loopback, by HTTP/2 and by HTTP/1.1, that says 201 or misbehaves."""

import asyncio
import ssl
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from threading import Thread

import h2.connection
import h2.events
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from h2.config import H2Configuration
from typing_extensions import override

from geoservices import clock

HTTP_2, HTTP_1 = "h2", "http/1.1"
FLOOD_BYTES = 50_000_000


@dataclass(kw_only=True)
class TlsService:
    """What a running service was asked, and how it is to answer each path."""

    url: str = ""
    certificate: Path
    connections: int = 0
    paths: list[str] = field(default_factory=list)
    protocols: set[str] = field(default_factory=set)
    answer_after_s: float = 0
    """How long each answer takes."""
    sent_bytes: int = 0
    open: set[asyncio.Transport] = field(default_factory=set)


def make_certificate(folder: Path, *, host: str = "localhost") -> Path:
    """Write a key and a certificate for a host that only this key vouches for."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, host)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(clock.now() - timedelta(days=1))
        .not_valid_after(clock.now() + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .sign(key, SHA256())
    )
    path = folder / f"{host}.pem"
    path.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        + certificate.public_bytes(Encoding.PEM)
    )
    return path


@contextmanager
def serving_tls(
    folder: Path, *, protocols: Sequence[str] = (HTTP_2, HTTP_1), host: str = "localhost"
) -> Iterator[TlsService]:
    """Serve with a certificate for `host`, whose name is always localhost."""
    service = TlsService(certificate=make_certificate(folder, host=host))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(service.certificate)
    context.set_alpn_protocols(list(protocols))
    started: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event, int]] = Future()

    async def run() -> None:
        loop, stop = asyncio.get_running_loop(), asyncio.Event()
        server = await loop.create_server(lambda: _Either(service), "127.0.0.1", 0, ssl=context)
        started.set_result((loop, stop, server.sockets[0].getsockname()[1]))
        await stop.wait()
        server.close()
        for transport in service.open:
            transport.abort()
        await asyncio.sleep(0.05)

    thread = Thread(target=lambda: asyncio.run(run()), name="tls-push-service")
    thread.start()
    loop, stop, port = started.result()
    service.url = f"https://localhost:{port}"
    try:
        yield service
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()


class _Either(asyncio.Protocol):
    """Speaks what TLS has agreed on."""

    def __init__(self, service: TlsService) -> None:
        self._service = service
        self._transport: asyncio.Transport | None = None
        self._take: Callable[[bytes], None] | None = None

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        agreed = transport.get_extra_info("ssl_object").selected_alpn_protocol() or HTTP_1
        self._transport = transport
        self._service.open.add(transport)
        self._service.connections += 1
        self._service.protocols.add(agreed)
        speaker = _Http2 if agreed == HTTP_2 else _Http1
        self._take = speaker(self._service, transport).take

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        assert self._transport is not None
        self._service.open.discard(self._transport)

    @override
    def data_received(self, data: bytes) -> None:
        assert self._take is not None
        self._take(data)


class _Http1:
    """Answers each request of a connection with 201 and nothing in it."""

    def __init__(self, service: TlsService, transport: asyncio.Transport) -> None:
        self._service, self._transport, self._held = service, transport, b""

    def take(self, data: bytes) -> None:
        self._held += data
        head, end, rest = self._held.partition(b"\r\n\r\n")
        if not end:
            return
        lines = head.decode("ascii").lower().split("\r\n")
        length = next(int(line[16:]) for line in lines if line.startswith("content-length: "))
        if len(rest) < length:
            return
        self._held = rest[length:]
        self._service.paths.append(lines[0].split()[1])
        answer = b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n"
        asyncio.get_running_loop().call_later(
            self._service.answer_after_s, self._transport.write, answer
        )


class _Http2:
    """Answers each stream by its path: `/flood`, `/drip`, `/silent`, else 201 and nothing in it."""

    def __init__(self, service: TlsService, transport: asyncio.Transport) -> None:
        self._service, self._transport = service, transport
        self._paths: dict[int, str] = {}
        self._flooded = 0
        self._h2 = h2.connection.H2Connection(H2Configuration(client_side=False))
        self._h2.initiate_connection()
        self._flush()

    def take(self, data: bytes) -> None:
        for event in self._h2.receive_data(data):
            match event:
                case h2.events.RequestReceived(stream_id=int(stream), headers=headers):
                    self._paths[stream] = dict(headers or [])[b":path"].decode("ascii")
                case h2.events.DataReceived(
                    stream_id=int(stream), flow_controlled_length=int(size)
                ):
                    self._h2.acknowledge_received_data(size, stream)
                case h2.events.StreamEnded(stream_id=int(stream)):
                    self._service.paths.append(self._paths[stream])
                    asyncio.get_running_loop().call_later(
                        self._service.answer_after_s, self._answer, stream
                    )
                case h2.events.StreamReset(stream_id=int(stream)) if stream == self._flooded:
                    self._flooded = 0
        if self._flooded:
            self._flood()
        self._flush()

    def _answer(self, stream: int) -> None:
        path = self._paths[stream]
        if path == "/silent" or self._transport.is_closing():
            return
        ends = path not in {"/flood", "/drip"}
        self._h2.send_headers(stream, [(":status", "201")], end_stream=ends)
        if path == "/drip":
            self._h2.send_data(stream, b"x")
        if path == "/flood":
            self._flooded = stream
            self._flood()
        self._flush()

    def _flood(self) -> None:
        """Send as much of 50 MB as the other side takes."""
        while (room := self._h2.local_flow_control_window(self._flooded)) > 0:
            if self._service.sent_bytes >= FLOOD_BYTES:
                return
            size = min(room, self._h2.max_outbound_frame_size)
            self._h2.send_data(self._flooded, bytes(size))
            self._service.sent_bytes += size

    def _flush(self) -> None:
        self._transport.write(self._h2.data_to_send())
