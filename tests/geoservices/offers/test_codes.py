"""Codes by which offers are redeemed: made from ids, shown, scanned and typed."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoservices.accounts.joining_codes import ALPHABET, LENGTH, write_code
from geoservices.offers.codes import code_of, mark_of, read_redemption_code, scanned_form

KEY, OTHER_KEY = b"k" * 32, b"o" * 32


@given(st.uuids())
def test_a_code_is_read_however_it_comes(redemption_id: UUID) -> None:
    """Scanned, typed as it is shown, or typed in a hurry."""
    code = code_of(KEY, redemption_id)

    assert len(code) == LENGTH
    assert set(code) <= set(ALPHABET)
    for text in (scanned_form(code), write_code(code), f" {code.lower()} ", code.replace("0", "o")):
        assert read_redemption_code(text) == code


@given(st.uuids(), st.uuids())
def test_a_code_follows_from_the_id_and_the_key(one: UUID, other: UUID) -> None:
    """The same id has the same code, and neither its mark nor another key's code tells of it."""
    code = code_of(KEY, one)

    assert code_of(KEY, one) == code
    assert code_of(OTHER_KEY, one) != code
    assert (code_of(KEY, other) == code) == (one == other)
    assert mark_of(KEY, code) != mark_of(OTHER_KEY, code)
    assert code.encode() not in mark_of(KEY, code)


def test_codes_use_the_whole_alphabet() -> None:
    """Each character stands for five bits of the seal."""
    codes = "".join(code_of(KEY, UUID(int=number)) for number in range(200))

    assert set(codes) == set(ALPHABET)


@pytest.mark.parametrize(
    "text", ["", "GSR-", "ABCD-EFG", "ABCD-EFGHJ", "UUUU-UUUU", "GSP-ABCDEFGH"]
)
def test_what_is_no_code_is_none(text: str) -> None:
    """Too short, too long, a letter that is none of ours, or a person's own code."""
    assert read_redemption_code(text) is None
