"""Mails handed to the one server that takes ours, each with what became of it."""

import asyncio
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import structlog
from aiosmtplib import (
    SMTP,
    SMTPException,
    SMTPRecipientsRefused,
    SMTPResponseException,
)

from geoservices.mail.composing import Mail, address_of, domain_of, encode
from geoservices.settings.sending import MailSettings

log = structlog.get_logger()

LONGEST_REASON = 200
CLOSING = 421
"""The server is about to close the connection, whatever it was told (RFC 5321 section 3.8)."""
CONNECTING = 0.5
"""The share of a mail's time that connecting may take."""


class Sent(StrEnum):
    """What became of a mail."""

    TAKEN = "taken"
    """The server has it."""
    PUT_OFF = "put-off"
    """Not now: the server said so, was away, or fell silent."""
    REFUSED = "refused"
    """The server will not take this mail."""
    NOBODY = "nobody"
    """The server will take nothing for this address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MailOutcome:
    """What became of a mail, and the reason for people."""

    kind: Sent
    reason: str


class Mailer(Protocol):
    """Whatever takes mails."""

    def send(self, mails: Sequence[Mail]) -> list[MailOutcome]:
        """Send mails and return what became of each, in their order."""


class ServerAway(Exception):
    """No connection to the server could be had, or none that it lets us send by."""


class SmtpMailer:
    """Sends by SMTP (RFC 5321), over TLS with a verified certificate (RFC 3207, RFC 8314).

    The certificates that are trusted are the system's; `SSL_CERT_FILE` names others.
    """

    def __init__(self, settings: MailSettings) -> None:
        if settings.host is None or settings.sender is None:
            raise ValueError("Mail is switched off: there is no host.")
        self._settings = settings
        self._sender = settings.sender
        self._timeout_s = settings.timeout.total_seconds()

    def send(self, mails: Sequence[Mail]) -> list[MailOutcome]:
        """Send mails one after the other over one connection, opened anew where it was lost.

        Nothing is raised. Each mail has `timeout` for itself. Once no connection can be had, the
        rest are put off without asking again.
        """
        return asyncio.run(self._send_all(mails))

    async def _send_all(self, mails: Sequence[Mail]) -> list[MailOutcome]:
        outcomes: list[MailOutcome] = []
        client: SMTP | None = None
        for mail in mails:
            try:
                async with asyncio.timeout(self._timeout_s):
                    if client is None or not client.is_connected:
                        client = await self._connect()
                    outcomes.append(await self._send(client, mail))
            except ServerAway as error:
                log.warning("mail_server_away", error=str(error))
                away = MailOutcome(kind=Sent.PUT_OFF, reason=f"server away: {error}")
                outcomes += [away] * (len(mails) - len(outcomes))
                break
            except (SMTPException, OSError, TimeoutError) as error:
                # Perhaps the server has it, perhaps not: it is sent again with the same id.
                reason = f"connection lost: {type(error).__name__}"
                outcomes.append(MailOutcome(kind=Sent.PUT_OFF, reason=reason))
                if client is not None:
                    client.close()
        await self._leave(client)
        # What was cut is closed in the loop's next turns, of which there would be none.
        await asyncio.sleep(0.01)
        return outcomes

    async def _connect(self) -> SMTP:
        settings = self._settings
        password = settings.password.get_secret_value() if settings.password else None
        client = SMTP(
            hostname=settings.host,
            port=settings.port,
            username=settings.username,
            password=password,
            # The library's own guess may take a name look-up that nobody answers.
            local_hostname=domain_of(self._sender),
            timeout=self._timeout_s,
            use_tls=settings.security == "tls",
            start_tls=settings.security == "starttls",
            tls_context=None if settings.security == "none" else ssl.create_default_context(),
        )
        try:
            # The library's timeout is for each step; a server that drips could take for ever.
            async with asyncio.timeout(self._timeout_s * CONNECTING):
                await client.connect()
        except (SMTPException, OSError, TimeoutError) as error:
            client.close()
            code = f" {error.code}" if isinstance(error, SMTPResponseException) else ""
            raise ServerAway(f"{type(error).__name__}{code}") from error
        return client

    async def _send(self, client: SMTP, mail: Mail) -> MailOutcome:
        try:
            await client.sendmail(
                address_of(self._sender), [mail.to], encode(mail, sender=self._sender)
            )
        except SMTPRecipientsRefused as error:
            refusal = error.recipients[0]
            return _refused(refusal.code, refusal.message, finally_=Sent.NOBODY)
        except SMTPResponseException as error:
            if error.code == CLOSING:
                client.close()
            return _refused(error.code, error.message, finally_=Sent.REFUSED)
        return MailOutcome(kind=Sent.TAKEN, reason="taken")

    async def _leave(self, client: SMTP | None) -> None:
        if client is None:
            return
        try:
            async with asyncio.timeout(1):
                await client.quit()
        except (SMTPException, OSError, TimeoutError):
            client.close()


def _refused(code: int, message: str, *, finally_: Sent) -> MailOutcome:
    """Return the outcome of an answer that is not success (RFC 5321 section 4.2.1)."""
    told = "".join(letter if letter.isprintable() else " " for letter in message)
    kind = finally_ if code >= 500 else Sent.PUT_OFF  # noqa: PLR2004
    return MailOutcome(kind=kind, reason=f"{code} {told}"[:LONGEST_REASON])
