"""Bearer tokens: long, random, recognisable, and kept only as hashes."""

from hashlib import sha256

import pytest

from geoservices.accounts.tokens import PREFIXES, TokenKind, hash_token, make_token


@pytest.mark.parametrize("kind", PREFIXES)
def test_a_token_tells_its_kind_and_nothing_else(kind: TokenKind) -> None:
    """256 random bits behind a prefix that secret scanners know."""
    token = make_token(kind)

    assert token.startswith(PREFIXES[kind])
    assert len(token) == len(PREFIXES[kind]) + 43
    assert make_token(kind) != token


def test_the_kinds_cannot_be_mistaken_for_each_other() -> None:
    """No prefix begins another."""
    assert len(set(PREFIXES.values())) == len(PREFIXES)
    assert {len(prefix) for prefix in PREFIXES.values()} == {4}


def test_a_hash_is_sha_256_of_the_whole_token() -> None:
    """Prefix included; a token that differs in one letter has another hash."""
    assert hash_token("gsd_abc") == sha256(b"gsd_abc").digest()
    assert hash_token("gsd_abd") != hash_token("gsd_abc")
