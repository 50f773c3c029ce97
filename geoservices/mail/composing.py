"""What a mail is made of, from its headers to both of its parts."""

from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from uuid import UUID

NARROW = SMTP.clone(max_line_length=76)
"""The longest line that quoted-printable has (RFC 2045 section 6.7)."""
UNFOLDED = SMTP.clone(max_line_length=998)
"""Headers on one line each (RFC 5322 section 2.1.1): folded, a long address is encoded as text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """One message to one address.

    `id` makes it known again: a second copy, sent because the first's fate was not known, has the
    same Message-ID. `unsubscribe` is an address that ends such mails when it is posted to.
    """

    id: UUID
    to: str
    subject: str
    text: str
    html: str
    written_at: datetime
    unsubscribe: str | None = None


def address_of(sender: str) -> str:
    """Return the bare address of a sender written with or without a name."""
    return parseaddr(sender)[1]


def domain_of(sender: str) -> str:
    """Return the domain of a sender."""
    return address_of(sender).rpartition("@")[2]


def encode(mail: Mail, *, sender: str) -> bytes:
    """Return a mail as a server takes it: plain text and HTML, nothing but ASCII.

    Args:
        mail: What to say to whom.
        sender: Whom it is from; an address, or a name and an address.

    Returns:
        A message (RFC 5322) with both parts as alternatives (RFC 2046 section 5.1.4), marked as
        made by a machine (RFC 3834) and, where it can be, as ended by one click (RFC 8058).
    """
    name, address = parseaddr(sender)
    message = EmailMessage(policy=NARROW)
    message["From"] = Address(display_name=name, addr_spec=address)
    message["To"] = Address(addr_spec=mail.to)
    message["Subject"] = mail.subject
    message["Date"] = format_datetime(mail.written_at)
    message["Message-ID"] = f"<{mail.id.hex}@{domain_of(sender)}>"
    message["Auto-Submitted"] = "auto-generated"
    if mail.unsubscribe is not None:
        message["List-Unsubscribe"] = f"<{mail.unsubscribe}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message.set_content(mail.text, cte="quoted-printable")
    message.add_alternative(mail.html, subtype="html", cte="quoted-printable")
    # A second copy is the same to the byte; nothing quoted-printable holds an equals sign before
    # an underscore.
    message.set_boundary(f"=_{mail.id.hex}")
    return message.as_bytes(policy=UNFOLDED)
