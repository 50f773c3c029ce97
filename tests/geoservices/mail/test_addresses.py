"""Addresses: what mail can be sent to, and nothing that could mean more than that."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoservices.mail.addresses import AddressRefused, read_address


@pytest.mark.parametrize(
    ("text", "address"),
    [
        pytest.param("anna@example.org", "anna@example.org", id="plain"),
        pytest.param("anna+geo@library.devon.sch.uk", "anna+geo@library.devon.sch.uk", id="tagged"),
        pytest.param("Anna.O'Neil@Example.ORG", "Anna.O'Neil@example.org", id="capitals"),
        pytest.param("anna@bücher.example", "anna@xn--bcher-kva.example", id="a name in letters"),
    ],
)
def test_an_address_is_read_as_a_server_is_told_it(text: str, address: str) -> None:
    """The part before the @ keeps its capitals; the name after it is in its ASCII form."""
    assert read_address(text) == address


@pytest.mark.parametrize(
    "text",
    [
        "",
        "anna",
        "anna@",
        "@example.org",
        "anna@localhost",
        "anna@printer.local",
        "anna@council.test",
        "anna@[127.0.0.1]",
        "anna@example.org, bob@example.org",
        "Anna <anna@example.org>",
        '"anna bcc: bob"@example.org',
        "anna@example.org\r\nBcc: bob@example.org",
        "anna@example.org\nbob@example.org",
        "anna\x00@example.org",
        "änna@example.org",
        "anna@exa mple.org",
        "anna@example..org",
        "a" * 65 + "@example.org",
        "anna@" + "a." * 130 + "org",
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    """Several addresses, headers in disguise, names that lead to machines nearby."""
    with pytest.raises(AddressRefused) as refused:
        read_address(text)

    assert refused.value.field == "/address"
    assert "bob" not in str(refused.value)


@given(st.text() | st.from_regex(r"[^@]{1,20}@[^@]{1,20}\.org"))
def test_what_is_read_fits_a_header(text: str) -> None:
    """Visible ASCII with one @, whatever was sent."""
    try:
        address = read_address(text)
    except AddressRefused:
        return

    assert address.isascii()
    assert address.isprintable()
    assert not set(address) & set(' <>,;:"\\')
    assert address.count("@") == 1
    assert len(address) <= 254
