"""Push services on loopback for the bench: over TLS, in processes on another core than the sender.

nginx if it is there (Debian: `apt-get install nginx-light`), by HTTP/2 and by HTTP/1.1; else
`bench.push_server` by HTTP/1.1 alone.
"""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from geoservices import clock
from local.configuration import free_port

DELAY_S = 0.05
READY_WITHIN_S = 10.0
NGINX = """
user root; daemon off; worker_processes 1; worker_rlimit_nofile 8192; pid {folder}/nginx.pid;
error_log {folder}/nginx.log;
events {{ worker_connections 4096; }}
http {{
  access_log off; keepalive_requests 100000000; keepalive_timeout 300;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  client_body_buffer_size 8k;
  ssl_certificate {folder}/certificate.pem; ssl_certificate_key {folder}/key.pem;
  upstream slow {{ server unix:{folder}/slow.sock; keepalive 2000; }}
  server {{
    listen 127.0.0.1:{h2} ssl http2 backlog=4096; listen 127.0.0.1:{h1} ssl backlog=4096;
    add_header Location https://localhost/m/1 always; add_header TTL 600 always;
    location / {{ return 201; }}
  }}
  server {{
    listen 127.0.0.1:{slow} ssl http2 backlog=4096;
    location / {{ proxy_pass http://slow; proxy_http_version 1.1; proxy_set_header Connection ""; }}
  }}
}}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The URLs of those that run; `http_1` is None without nginx, as `url` is HTTP/1.1 then."""

    name: str
    certificate: Path
    url: str
    http_1: str | None
    slow: str


@contextmanager
def push_services() -> Iterator[Services]:
    """Run a prompt push service and one that takes 50 ms, on every core but the first."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        _write_certificate(folder)
        h2, h1, slow = free_port(), free_port(), free_port()
        server = [sys.executable, "-m", "bench.push_server"]
        nginx = shutil.which("nginx")
        if nginx:
            name = "nginx, HTTP/2"
            (folder / "nginx.conf").write_text(
                NGINX.format(folder=folder, h2=h2, h1=h1, slow=slow), "utf-8"
            )
            ready = [h2, h1, slow]
            commands = [
                [nginx, "-p", str(folder), "-c", str(folder / "nginx.conf")],
                [*server, "--unix", str(folder / "slow.sock"), "--delay", str(DELAY_S)],
            ]
        else:
            name = "bench.push_server, HTTP/1.1; nginx is not installed"
            tls = ["--certificate", f"{folder}/certificate.pem", "--key", f"{folder}/key.pem"]
            ready = [h2, slow]
            commands = [
                [*server, *tls, "--port", str(h2)],
                [*server, *tls, "--port", str(slow), "--delay", str(DELAY_S)],
            ]
        for command in commands:
            stack.enter_context(_running(command))
        _await_ports(ready)
        while nginx and not (folder / "slow.sock").exists():
            time.sleep(0.05)
        yield Services(
            name=name,
            certificate=folder / "certificate.pem",
            url=f"https://localhost:{h2}",
            http_1=f"https://localhost:{h1}" if nginx else None,
            slow=f"https://localhost:{slow}",
        )


@contextmanager
def on_the_first_core() -> Iterator[None]:
    """Keep this process to one core, where there are several."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@contextmanager
def _running(command: Sequence[str]) -> Iterator[None]:
    others = os.sched_getaffinity(0)
    others = others - {min(others)} or others
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    os.sched_setaffinity(process.pid, others)
    try:
        yield
    finally:
        process.terminate()
        process.wait()


def _await_ports(ports: Sequence[int]) -> None:
    give_up_at = time.monotonic() + READY_WITHIN_S
    for port in ports:
        while True:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except ConnectionRefusedError:
                if time.monotonic() > give_up_at:
                    raise
                time.sleep(0.05)


def _write_certificate(folder: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(clock.now() - timedelta(days=1))
        .not_valid_after(clock.now() + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, SHA256())
    )
    plain = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "key.pem").write_bytes(plain)
    (folder / "certificate.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
