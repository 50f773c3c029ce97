"""Encrypted payloads: what libsodium made is opened, anything else is dropped."""

from base64 import b64decode, b64encode
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl.bindings import crypto_secretbox, crypto_secretbox_open

from api.protocols.reading import Dropped
from api.protocols.secretbox import is_sealed, seal, unseal
from tests.api.protocols.saying import OWNTRACKS_IOS, values

KEY = "a key of the phone's"
PADDED = KEY.encode() + bytes(32 - len(KEY))


def sealed(text: bytes, key: bytes = PADDED) -> dict[str, Any]:
    """Seal as the booklet says, by libsodium's own function."""
    nonce = bytes(range(24))
    box = crypto_secretbox(text, nonce, key)
    return {"_type": "encrypted", "data": b64encode(nonce + box).decode()}


def test_what_a_phone_sealed_is_opened() -> None:
    """The key is filled up with zero bytes."""
    message = sealed(b'{"_type": "lwt", "tst": 4}')

    assert is_sealed(message)
    assert unseal(message, KEY) == {"_type": "lwt", "tst": 4}


def test_what_is_sealed_here_a_phone_can_open() -> None:
    """An array is one box; no two boxes are alike."""
    first, second = seal([OWNTRACKS_IOS], KEY), seal([OWNTRACKS_IOS], KEY)

    data = b64decode(str(first["data"]))
    opened = crypto_secretbox_open(data[24:], data[:24], PADDED)
    assert opened.startswith(b'[{"_type": "location"')
    assert first["data"] != second["data"]


def test_the_longest_key_fits() -> None:
    """32 characters, as many as the apps take."""
    key = "k" * 32

    assert unseal(seal([], key), key) == []


@pytest.mark.parametrize(
    ("message", "key", "reason"),
    [
        (sealed(b"{}"), None, "no-key"),
        (sealed(b"{}"), "another key", "cannot-be-opened"),
        ({"_type": "encrypted"}, KEY, "cannot-be-opened"),
        ({"_type": "encrypted", "data": 5}, KEY, "cannot-be-opened"),
        ({"_type": "encrypted", "data": ""}, KEY, "cannot-be-opened"),
        ({"_type": "encrypted", "data": "!!"}, KEY, "cannot-be-opened"),
        ({"_type": "encrypted", "data": b64encode(bytes(50)).decode()}, KEY, "cannot-be-opened"),
        (sealed(b"not JSON"), KEY, "not-an-object"),
        (sealed(b"\xff"), KEY, "not-an-object"),
        (sealed(b'{"lat": 1, "lat": 2}'), KEY, "not-an-object"),
    ],
)
def test_what_cannot_be_opened_is_dropped(
    message: dict[str, Any], key: str | None, reason: str
) -> None:
    """With a reason."""
    with pytest.raises(Dropped, match=f"^{reason}$"):
        unseal(message, key)


@given(st.dictionaries(st.text(max_size=4), values, max_size=3), st.text(max_size=60))
def test_nothing_else_raises(message: dict[str, Any], data: str) -> None:
    """Whatever an envelope holds."""
    with pytest.raises(Dropped):
        unseal({**message, "data": data}, KEY)


@given(values)
def test_what_goes_in_comes_out(value: object) -> None:
    """Whatever it is, as long as JSON has it."""
    once = seal(value, KEY)

    again = seal(unseal(once, KEY), KEY)

    assert repr(unseal(again, KEY)) == repr(unseal(once, KEY))


@pytest.mark.parametrize("message", [None, [], {"_type": "location"}, "encrypted"])
def test_what_is_open_is_not_sealed(message: object) -> None:
    """Only an object of that type is."""
    assert not is_sealed(message)
