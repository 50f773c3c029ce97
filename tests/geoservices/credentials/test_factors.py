"""Codes that change with time, recovery codes, and secrets at rest."""

import secrets
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyotp import TOTP

from geoservices.credentials.factors import (
    STEP_S,
    hash_recovery_code,
    is_time_code,
    make_recovery_codes,
    make_secret,
    seal,
    step_of,
    unseal,
    uri_of,
)
from geoservices.credentials.sources import STRANGERS, make_pass, mark_of, source_of
from tests.factories import NOON

# RFC 6238 appendix B, SHA-1: the ASCII text 12345678901234567890 in base32.
OF_THE_RFC = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
KEY = secrets.token_bytes(32)


@pytest.mark.parametrize(
    ("seconds", "code"),
    [
        (59, "287082"),
        (1111111109, "081804"),
        (1111111111, "050471"),
        (1234567890, "005924"),
        (2000000000, "279037"),
        (20000000000, "353130"),
    ],
)
def test_codes_are_those_of_the_rfc(seconds: int, code: str) -> None:
    """The last six of the eight digits of its table."""
    at = datetime.fromtimestamp(seconds, UTC)

    assert step_of(OF_THE_RFC, code, after=None, at=at) == seconds // STEP_S


@given(st.integers(min_value=-5, max_value=5))
def test_a_code_counts_one_step_around_its_own(steps: int) -> None:
    """Clocks differ, and typing takes a while."""
    code = TOTP(OF_THE_RFC).at(NOON)

    found = step_of(OF_THE_RFC, code, after=None, at=NOON + timedelta(seconds=STEP_S * steps))

    assert (found is not None) == (abs(steps) <= 1)


def test_no_code_counts_after_a_later_one() -> None:
    """Nor twice."""
    before, now = (TOTP(OF_THE_RFC).at(NOON + timedelta(seconds=s)) for s in (-STEP_S, 0))
    taken = step_of(OF_THE_RFC, now, after=None, at=NOON)

    assert step_of(OF_THE_RFC, now, after=taken, at=NOON) is None
    assert step_of(OF_THE_RFC, before, after=taken, at=NOON) is None


@given(st.text(max_size=40))
def test_whatever_is_typed_can_be_looked_at(code: str) -> None:
    """Digits of other scripts, signs and nothing at all are wrong and no more."""
    assert step_of(OF_THE_RFC, code, after=None, at=NOON) is None or is_time_code(code)
    assert hash_recovery_code(uuid4(), code.encode(errors="replace").decode())


def test_blanks_and_capitals_do_not_matter() -> None:
    """People copy what they see."""
    code = TOTP(OF_THE_RFC).at(NOON)
    [recovery, *_] = make_recovery_codes()
    person = uuid4()

    assert step_of(OF_THE_RFC, f"{code[:3]} {code[3:]}", after=None, at=NOON) is not None
    assert hash_recovery_code(person, recovery) == hash_recovery_code(
        person, f" {recovery.upper().replace('-', ' ')} "
    )


def test_recovery_codes_are_ten_and_no_time_codes() -> None:
    """And no two members' have one hash, even if the codes were the same."""
    codes = make_recovery_codes()

    assert len(set(codes)) == 10
    assert not any(is_time_code(code) for code in codes)
    assert hash_recovery_code(uuid4(), codes[0]) != hash_recovery_code(uuid4(), codes[0])


def test_apps_are_told_what_they_need() -> None:
    """An `otpauth` URI with the secret, the account and the service."""
    secret = make_secret()

    uri = urlsplit(uri_of(secret, username="anna@devon.example", issuer="geo.devon.example"))

    assert (uri.scheme, uri.netloc) == ("otpauth", "totp")
    assert uri.path == "/geo.devon.example:anna%40devon.example"
    assert parse_qs(uri.query) == {"secret": [secret], "issuer": ["geo.devon.example"]}


def test_a_secret_is_opened_by_its_key_and_for_its_member_alone() -> None:
    """Moved to another row, or under another key, it is nothing."""
    person, other_key = uuid4(), secrets.token_bytes(32)
    sealed = seal(KEY, person, "secret")

    assert b"secret" not in sealed
    assert unseal([other_key, KEY], person, sealed) == "secret"
    assert unseal([KEY], uuid4(), sealed) is None
    assert unseal([other_key], person, sealed) is None
    assert unseal([], person, sealed) is None


def test_a_pass_is_good_for_one_account() -> None:
    """Whoever has one of their own, or makes one up, is a stranger to all others."""
    person = uuid4()
    shown = make_pass(KEY, person)

    assert len(source_of(KEY, person, shown)) == 16
    assert source_of(KEY, person, shown) == source_of(KEY, person, shown)
    assert source_of(KEY, person, make_pass(KEY, person)) != source_of(KEY, person, shown)
    for wrong in (None, "", "x", shown[:-1], shown + "A" * 40, "é" * 10, make_pass(KEY, uuid4())):
        assert source_of(KEY, person, wrong) == STRANGERS
    assert source_of(KEY, None, shown) == STRANGERS


def test_a_mark_tells_no_name() -> None:
    """And is not the same under another key."""
    assert mark_of(KEY, "anna") == mark_of(KEY, "anna")
    assert mark_of(KEY, "anna") != mark_of(b"other", "anna")
    assert b"anna" not in mark_of(KEY, "anna")
