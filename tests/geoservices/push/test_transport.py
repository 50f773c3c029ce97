"""Connections go to the addresses that were checked, and over TLS to who proves its name."""

import asyncio
import ssl
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from geoservices import clock
from geoservices.push.transport import AddressNotPublic, CheckedResolver, open_session
from tests.pushing import SETTINGS


def make_resolver(found: list[str], *, allow_loopback: bool = False) -> CheckedResolver:
    """Make a resolver that finds these addresses for every name."""
    return CheckedResolver(
        lambda _host, _port: found,
        threads=ThreadPoolExecutor(1),
        allow_loopback=allow_loopback,
    )


def make_certificate(folder: Path) -> Path:
    """Write a certificate for localhost that only its own key vouches for."""
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
    path = folder / "localhost.pem"
    path.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        + certificate.public_bytes(Encoding.PEM)
    )
    return path


def test_the_checked_addresses_are_handed_to_the_connection() -> None:
    """As numbers, so that nothing looks the name up again."""
    found = ["142.250.180.10", "2a00:1450:4009::a"]

    results = asyncio.run(make_resolver(found).resolve("fcm.googleapis.com", 443))

    assert [result["host"] for result in results] == found
    assert {result["port"] for result in results} == {443}


@pytest.mark.parametrize("host", ["localhost", "fcm.googleapis.com"])
@pytest.mark.parametrize("allow_loopback", [True, False])
def test_loopback_is_for_loopback_names_and_only_by_the_setting(
    host: str, *, allow_loopback: bool
) -> None:
    """A push service's name never leads to this machine."""
    resolver = make_resolver(["127.0.0.1"], allow_loopback=allow_loopback)
    if allow_loopback and host == "localhost":
        assert asyncio.run(resolver.resolve(host, 80))
        return

    with pytest.raises(AddressNotPublic):
        asyncio.run(resolver.resolve(host, 80))


def test_localhost_leads_nowhere_but_here() -> None:
    """A name service that sends localhost elsewhere is not followed, not even to the internet."""
    for address in ("10.0.0.1", "142.250.180.10"):
        with pytest.raises(AddressNotPublic):
            asyncio.run(make_resolver([address], allow_loopback=True).resolve("localhost", 80))


def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path: Path) -> None:
    """The address is checked, and so is the name."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(make_certificate(tmp_path))

    async def call() -> None:
        resolver = make_resolver(["127.0.0.1"], allow_loopback=True)
        server = await asyncio.start_server(
            lambda _reader, writer: writer.close(), "127.0.0.1", 0, ssl=context
        )
        port = server.sockets[0].getsockname()[1]
        async with server, open_session(SETTINGS, resolver=resolver) as session:
            await session.post(f"https://localhost:{port}/push/x")

    with pytest.raises(aiohttp.ClientConnectorCertificateError):
        asyncio.run(call())
