"""Tokens of receipts: what they say, and that nobody else can make them."""

import base64
import re
import string
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from geoservices.codes import links
from geoservices.deliveries import tokens

CODE_KEY = b"k" * 43
KEY, OTHER = tokens.derive_key(CODE_KEY), tokens.derive_key(b"o" * 43)
IDS = st.uuids()
LETTERS = string.ascii_letters + string.digits + "-_"


@given(IDS)
def test_a_token_is_read_as_it_was_made(delivery_id: UUID) -> None:
    """It is short, always the same, and stands in JSON and addresses as it is."""
    token = tokens.make_token(KEY, delivery_id)

    assert tokens.read_token(KEY, token) == delivery_id
    assert token == tokens.make_token(KEY, delivery_id)
    assert re.fullmatch(r"[A-Za-z0-9_-]{44}", token)


@given(IDS, st.integers(0, 43), st.sampled_from(LETTERS))
def test_a_token_that_was_changed_is_none(delivery_id: UUID, place: int, letter: str) -> None:
    """Whichever of its letters it is; nor is one of another key."""
    token = tokens.make_token(KEY, delivery_id)
    changed = token[:place] + letter + token[place + 1 :]

    assert (tokens.read_token(KEY, changed) is None) is (changed != token)
    assert tokens.read_token(OTHER, token) is None


@given(IDS, st.integers(0, 255))
def test_a_token_of_another_version_is_none(delivery_id: UUID, version: int) -> None:
    """Though the key is right: what it would say is not known yet."""
    told = bytes([version]) + delivery_id.bytes
    token = base64.urlsafe_b64encode(told + tokens._seal(KEY, told)).decode()

    assert tokens.read_token(KEY, token) == (delivery_id if version == 1 else None)


@given(st.text(max_size=200) | st.binary(max_size=60).map(base64.urlsafe_b64encode).map(str))
def test_whatever_else_is_sent_is_no_token(text: str) -> None:
    """None is taken, and none breaks anything; nor is a token with something round it."""
    token = tokens.make_token(KEY, UUID(int=1))

    assert tokens.read_token(KEY, text) is None
    for spoilt in (f"{token}\n", f"{token}=", f" {token}", token + token, token[:-1], "é" * 44):
        assert tokens.read_token(KEY, spoilt) is None


@given(IDS)
def test_no_code_passes_for_a_receipt(some_id: UUID) -> None:
    """Both are sealed by way of the same key; neither is sealed with the other's."""
    of_receipt = tokens.make_token(KEY, some_id)

    assert tokens.read_token(CODE_KEY, of_receipt) is None
    assert links.read_token(CODE_KEY, of_receipt) is None
    assert links.read_screen_token(CODE_KEY, of_receipt) is None
    assert tokens.read_token(KEY, links.make_token(CODE_KEY, some_id)) is None
    assert KEY != CODE_KEY
