"""Which passwords and usernames are taken."""

import string
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoservices.credentials.rules import (
    PasswordRefused,
    UsernameRefused,
    check_password,
    normal,
    read_username,
)
from geoservices.credentials.waits import (
    FORGOTTEN_AFTER,
    FREE,
    LONGEST_WAIT,
    counted,
    still_to_wait,
    wait_after,
)
from tests.factories import NOON

ABOUT = ("anna.smith", "Anna Smith", "Devon County Council", "devon", "geoservices")


@pytest.mark.parametrize(
    "password",
    [
        "plinth owl gravel cello",
        "  blanks at both ends count  ",
        "ŵythnos glawog iawn yng Nghymru",
        "密码可以用任何文字来写的对吧朋友",
        "🦉🪨🎻🪵 four pictures and words",
        "Q7#vPz!x2Lm9",
        "correct horse battery staple" * 4,
    ],
)
def test_any_characters_are_taken(password: str) -> None:
    """Nothing is asked of a password but that it is long and not easily guessed."""
    check_password(password, about=ABOUT)


@pytest.mark.parametrize(
    ("password", "told"),
    [
        pytest.param("Q7#vPz!x2Lm", "at least 12", id="eleven characters"),
        pytest.param("password1234", "common", id="a common one"),
        pytest.param("qwertyuiop12", "common", id="from the keyboard"),
        pytest.param("aaaaaaaaaaaaaaaa", "easy to guess", id="one letter"),
        pytest.param("abcabcabcabcabc", "guess", id="three letters"),
        pytest.param("annasmithdevon", "guess", id="what is known of its member"),
        pytest.param("devoncountycouncil", "guess", id="the organisation's name"),
        pytest.param("a" * 128, "guess", id="as long as may be"),
        pytest.param("x" * 129, "At most 128", id="too long"),
    ],
)
def test_what_others_guess_is_refused(password: str, told: str) -> None:
    """With the reason in words."""
    with pytest.raises(PasswordRefused, match=told) as refused:
        check_password(password, about=ABOUT)

    assert refused.value.field == "/password"


def test_a_letter_is_the_same_however_it_is_composed() -> None:
    """One keyboard sends é as one character, another as two."""
    assert normal("caf\u00e9") == normal("cafe\u0301")


@given(st.text(string.ascii_letters + string.digits + "._@+-", min_size=1, max_size=300))
def test_a_username_is_read_again_as_itself(text: str) -> None:
    """Whatever is taken stays as it is when it is typed in again, in capitals or not."""
    try:
        username = read_username(text)
    except UsernameRefused:
        return

    assert read_username(username) == read_username(f" {username.upper()} ") == username


@pytest.mark.parametrize("text", ["", "a", ".anna", "anna-", "an na", "änna", "x" * 255, "a\x00b"])
def test_other_usernames_are_refused(text: str) -> None:
    """What looks alike, or cannot be typed."""
    with pytest.raises(UsernameRefused):
        read_username(text)


@given(st.integers(min_value=0, max_value=10_000))
def test_waits_grow_and_end(count: int) -> None:
    """The first few wait for nothing, and nobody waits for longer than a quarter of an hour."""
    wait = wait_after(count)

    assert (wait == timedelta(0)) == (count < FREE)
    assert wait <= wait_after(count + 1) <= LONGEST_WAIT


def test_an_hour_allows_few_guesses() -> None:
    """At most 20 in the first hour, where OWASP ASVS 2.2.1 allows 100; then 4 an hour."""
    at, made = NOON, 0
    while at < NOON + timedelta(hours=1):
        made += 1
        at += wait_after(made)

    assert made <= 20
    assert timedelta(hours=1) / wait_after(made) == 4


def test_a_wait_is_over_when_it_is_over() -> None:
    """And a day without wrong attempts begins anew."""
    wait = wait_after(8)

    assert still_to_wait(8, NOON, at=NOON) == wait
    assert still_to_wait(8, NOON, at=NOON + wait) == timedelta(0)
    assert counted(8, NOON, at=NOON + timedelta(hours=23)) == 8
    assert counted(8, NOON, at=NOON + FORGOTTEN_AFTER) == 0
