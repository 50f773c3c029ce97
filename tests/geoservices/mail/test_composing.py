"""Mails as bytes: valid, marked as a machine's, and the same each time."""

from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from uuid import uuid4

from hypothesis import given
from hypothesis import strategies as st

from geoservices.mail.addresses import AddressRefused, read_address
from geoservices.mail.composing import encode
from tests.factories import NOON
from tests.mailing import SENDER, mail

LINK = f"https://services.devon.example/v1/email/unsubscribe?token={'A' * 43}"


def read(encoded: bytes) -> EmailMessage:
    """Read a mail as whoever gets it."""
    message = message_from_bytes(encoded, policy=default)
    assert isinstance(message, EmailMessage)
    assert message.defects == []
    return message


def part(message: EmailMessage, kind: str) -> str:
    """The text of one of its two parts."""
    found = message.get_body((kind,))
    assert found is not None
    text: str = found.get_content()
    return text.replace("\r\n", "\n")


def test_the_headers_say_what_it_is() -> None:
    """From whom, to whom, when, that a machine wrote it, and how to end it by one click."""
    told = mail(unsubscribe=LINK)

    message = read(encode(told, sender=SENDER))

    assert message["From"] == SENDER
    assert message["To"] == "anna@example.org"
    assert message["Date"].datetime == NOON
    assert message["Message-ID"] == f"<{told.id.hex}@devon.example>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["List-Unsubscribe"] == f"<{LINK}>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert message.get_content_type() == "multipart/alternative"
    assert [one.get_content_type() for one in message.iter_parts()] == ["text/plain", "text/html"]


def test_a_long_address_stays_as_it_is() -> None:
    """Programs look for it in angle brackets, and decode nothing before."""
    encoded = encode(mail(unsubscribe=LINK), sender=SENDER)

    assert f"List-Unsubscribe: <{LINK}>\r\n".encode() in encoded


def test_what_cannot_be_ended_by_a_click_does_not_say_so() -> None:
    """A letter that asks for confirmation is sent once."""
    message = read(encode(mail(), sender=SENDER))

    assert message["List-Unsubscribe"] is None
    assert message["List-Unsubscribe-Post"] is None


@given(
    st.text(st.characters(exclude_categories=["Cs", "Cc"])),
    st.text(st.characters(exclude_categories=["Cs", "Cc"])),
)
def test_any_text_arrives_in_lines_that_servers_take(text: str, html: str) -> None:
    """As ASCII, no line of more than 76 characters in the parts and 998 anywhere."""
    encoded = encode(mail(text=f"{text}\n", html=f"{html}\n"), sender=SENDER)

    head, _, parts = encoded.partition(b"\r\n\r\n")
    message = read(encoded)
    assert encoded.isascii()
    assert max(map(len, head.split(b"\r\n"))) <= 998
    assert max(map(len, parts.split(b"\r\n"))) <= 76
    assert part(message, "plain") == f"{text}\n"
    assert part(message, "html") == f"{html}\n"


@given(st.emails())
def test_any_address_that_is_taken_is_written_as_it_is(text: str) -> None:
    """Nothing in it becomes another header, or another address."""
    try:
        address = read_address(text)
    except AddressRefused:
        return

    message = read(encode(mail(address), sender=SENDER))

    [to] = message["To"].addresses
    assert to.addr_spec == address
    assert message.keys() == read(encode(mail(), sender=SENDER)).keys()


def test_the_same_letter_is_the_same_message() -> None:
    """To the byte; another letter is another message."""
    told = mail(id=uuid4())

    assert encode(told, sender=SENDER) == encode(told, sender=SENDER)
    assert encode(told, sender=SENDER) != encode(mail(), sender=SENDER)
