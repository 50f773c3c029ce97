"""A real SMTP server on loopback, as obliging or as difficult as a test needs."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from ssl import PROTOCOL_TLS_SERVER, SSLContext
from typing import Any
from uuid import uuid4

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from pydantic import SecretStr

from geoservices.mail.composing import Mail
from geoservices.settings.sending import MailSettings
from local.configuration import free_port
from tests.factories import NOON

SENDER = "Devon Libraries <letters@devon.example>"
OK = "250 OK"
DROP = "drop"
"""Instead of an answer: the connection is cut."""


def mail(to: str = "anna@example.org", **changes: Any) -> Mail:
    """A mail to somebody."""
    words = {"subject": "Hello", "text": "Hello.\n", "html": "<p>Hello.</p>\n"}
    return Mail(**{"id": uuid4(), "to": to, "written_at": NOON, **words, **changes})


@dataclass(slots=True)
class Postbox:
    """What the server was given, and what it answers; an answer may depend on what was said.

    Every mail that the server said yes to, or was cut off after, is in `taken`.
    """

    on_mail: Callable[[str], str] = lambda _address: OK
    on_rcpt: Callable[[str], str] = lambda _address: OK
    on_data: Callable[[EmailMessage], str] = lambda _message: OK
    wait_s: float = 0
    taken: list[EmailMessage] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    connections: int = 0
    logins: list[LoginPassword] = field(default_factory=list)
    over_tls: list[bool] = field(default_factory=list)

    async def handle_EHLO(  # noqa: N802
        self, _server: SMTP, session: Session, _envelope: Envelope, name: str, answers: list[str]
    ) -> list[str]:
        """Greet."""
        self.connections += session.ssl is None
        session.host_name = name
        return answers

    async def handle_MAIL(  # noqa: N802
        self, server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """Hear whom a mail is from."""
        await asyncio.sleep(self.wait_s)
        answer = said(server, self.on_mail(address))
        envelope.mail_from = address
        return answer

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """Hear whom a mail is for."""
        answer = said(server, self.on_rcpt(address))
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(  # noqa: N802
        self, server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        """Take a mail."""
        assert isinstance(envelope.content, bytes)
        message = message_from_bytes(envelope.content, policy=default)
        assert isinstance(message, EmailMessage)
        wanted = self.on_data(message)
        if wanted in {OK, DROP}:
            self.raw.append(envelope.content)
            self.taken.append(message)
            assert server.transport is not None
            self.over_tls.append(server.transport.get_extra_info("ssl_object") is not None)
        return said(server, wanted)

    def authenticate(
        self, _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, data: Any
    ) -> AuthResult:
        """Let in whoever knows the password."""
        self.logins.append(data)
        return AuthResult(success=data.password == PASSWORD.encode(), handled=False)


def said(server: SMTP, answer: str) -> str:
    """Answer, or cut the connection."""
    if answer == DROP:
        assert isinstance(server.transport, asyncio.Transport)
        server.transport.abort()
    return answer


@contextmanager
def serving(postbox: Postbox, **options: Any) -> Iterator[MailSettings]:
    """Run a server with the postbox, and yield the settings that lead to it."""
    controller = Controller(
        postbox, hostname="127.0.0.1", port=free_port(), server_hostname="mail.test", **options
    )
    controller.start()
    try:
        yield leading_to(controller.port)
    finally:
        controller.stop()


def leading_to(port: int, **changes: Any) -> MailSettings:
    """Settings of a mailer that speaks to a server on loopback."""
    return MailSettings(
        **{
            "host": "127.0.0.1",
            "port": port,
            "security": "none",
            "sender": SENDER,
            "timeout": timedelta(seconds=5),
            **changes,
        }
    )


PASSWORD = "open sesame"


def logging_in(settings: MailSettings, password: str = PASSWORD) -> MailSettings:
    """The same with a name and a password, over TLS by STARTTLS, to the name in the certificate."""
    return settings.model_copy(
        update={
            "host": "localhost",
            "security": "starttls",
            "username": "geoservices",
            "password": SecretStr(password),
        }
    )


@dataclass(frozen=True, slots=True)
class Certificate:
    """A server's certificate for `localhost`, and the file of the authority that made it."""

    context: SSLContext
    authority: Path


def make_certificate(folder: Path) -> Certificate:
    """Make an authority of one's own, and have it certify a server."""
    authority_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    authority = _certificate("A test's own authority", authority_key, None, authority_key)
    server = _certificate("localhost", key, authority, authority_key)
    pem = folder / "authority.pem"
    pem.write_bytes(authority.public_bytes(Encoding.PEM))
    chain = folder / "server.pem"
    chain.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        + server.public_bytes(Encoding.PEM)
    )
    context = SSLContext(PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)
    return Certificate(context, pem)


def _certificate(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    issuer: x509.Certificate | None,
    issuer_key: ec.EllipticCurvePrivateKey,
) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)  # noqa: TID251
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()),
            critical=False,
        )
    )
    if issuer is not None:
        names = x509.SubjectAlternativeName([x509.DNSName(name)])
        builder = builder.add_extension(names, critical=False)
    return builder.sign(issuer_key, hashes.SHA256())
