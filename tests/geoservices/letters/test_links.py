"""What stands in letters' links: ours, whole, and for one use."""

from uuid import UUID, uuid4

from hypothesis import given
from hypothesis import strategies as st

from geoservices.letters.links import (
    make_confirmation_token,
    make_unsubscribe_token,
    mark_of,
    read_unsubscribe_token,
)

KEY = b"k" * 43


@given(st.uuids())
def test_what_is_made_can_be_read(address_id: UUID) -> None:
    """With the same key alone; it needs no escaping in an address."""
    token = make_unsubscribe_token(KEY, address_id)

    assert read_unsubscribe_token(KEY, token) == address_id
    assert read_unsubscribe_token(b"another key", token) is None
    assert len(token) == 43
    assert set(token.replace("-", "").replace("_", "")) <= set(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
    )


@given(st.text(max_size=200) | st.binary(max_size=60).map(lambda raw: raw.hex()))
def test_nothing_else_can(text: str) -> None:
    """Whatever it is, it is refused and nothing is raised."""
    assert read_unsubscribe_token(KEY, text) is None


@given(st.uuids(), st.integers(0, 42), st.sampled_from("AZaz09-_"))
def test_a_changed_token_is_not_ours(address_id: UUID, place: int, letter: str) -> None:
    """Nor one that is cut off or longer."""
    token = make_unsubscribe_token(KEY, address_id)
    changed = token[:place] + letter + token[place + 1 :]

    for other in (changed, token[:-1], token + "A"):
        # The last letter holds two bits that say nothing.
        if other[:42] != token[:42] or len(other) != len(token):
            assert read_unsubscribe_token(KEY, other) is None


def test_a_mark_knows_an_address_without_telling_it() -> None:
    """Capitals make no difference; another key makes another mark."""
    mark = mark_of(KEY, "anna@example.org")

    assert mark == mark_of(KEY, "Anna@Example.org")
    assert mark != mark_of(KEY, "bob@example.org")
    assert mark != mark_of(b"another key", "anna@example.org")
    assert len(mark) == 32
    assert b"anna" not in mark


def test_confirmation_tokens_are_random_and_long() -> None:
    """256 bits in an address's fragment."""
    tokens = {make_confirmation_token() for _ in range(100)}

    assert len(tokens) == 100
    assert {len(token) for token in tokens} == {43}
    assert make_unsubscribe_token(KEY, uuid4()) not in tokens
