"""Codes that people read from one screen and type into another."""

import math
import string
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoservices.accounts.joining_codes import (
    ALPHABET,
    LENGTH,
    make_code,
    mark_of,
    read_code,
    write_code,
)
from geoservices.rates import read_rate
from geoservices.settings.entering import LimitSettings

CODES = st.text(alphabet=ALPHABET, min_size=LENGTH, max_size=LENGTH)


@given(code=CODES)
def test_a_code_is_read_however_it_is_typed(code: str) -> None:
    """In small letters, in groups, with letters for the digits that look like them."""
    typed = write_code(code).lower()

    assert read_code(typed) == code
    assert read_code(f"  {code[:3]} {code[3:]}\n") == code
    assert read_code(code.replace("0", "o").replace("1", "L")) == code


@pytest.mark.parametrize("text", ["", "7K2M-9QX", "7K2M-9QXDD", "7K2M-9QXU", "7K2M9QX!", "٣" * 8])
def test_what_cannot_be_a_code_is_none(text: str) -> None:
    """It need not even be looked for."""
    assert read_code(text) is None


@given(text=st.text(max_size=60))
def test_anything_can_be_typed(text: str) -> None:
    """It is a code or it is not."""
    code = read_code(text)

    assert code is None or (len(code) == LENGTH and set(code) <= set(ALPHABET))


def test_codes_have_no_characters_that_look_alike() -> None:
    """Crockford's alphabet: 32 characters, so five bits each."""
    assert sorted(set(string.digits + string.ascii_uppercase) - set("ILOU")) == sorted(ALPHABET)
    assert math.log2(len(ALPHABET) ** LENGTH) == 40


def test_every_character_comes_up_in_every_place() -> None:
    """Each as likely as any other."""
    made = [make_code() for _ in range(2000)]

    assert len(set(made)) == len(made)
    for place in range(LENGTH):
        assert {code[place] for code in made} == set(ALPHABET)


def test_guessing_yields_nothing() -> None:
    """Less than one code in 200 years, if a hundred are good at every moment and all try they can.

    That is how decisions/0031 has it; a shorter code or a wider limit would fail here.
    """
    rate = read_rate(LimitSettings().joining_altogether)
    tries_a_year = timedelta(days=365) / rate.step

    assert tries_a_year * 100 / len(ALPHABET) ** LENGTH < 1 / 200


def test_a_mark_takes_the_key() -> None:
    """Whoever has the database alone cannot try all codes on it."""
    assert mark_of(b"one", "7K2M9QXD") != mark_of(b"two", "7K2M9QXD")
    assert mark_of(b"one", "7K2M9QXD") == mark_of(b"one", "7K2M9QXD")
