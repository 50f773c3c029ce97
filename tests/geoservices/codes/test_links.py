"""Tokens: what they say, that nobody else can make them, and when they speak."""

import re
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoservices.codes import links
from geoservices.codes.links import STEP, CodeProblem, Token, judge, step_at
from tests.factories import NOON

KEY, OTHER = b"k" * 43, b"o" * 43
IDS = st.uuids()
STEPS = st.none() | st.integers(0, 2**32 - 1)
MOMENTS = st.floats(1_600_000_000, 4_000_000_000).map(
    lambda seconds: datetime.fromtimestamp(seconds, UTC)
)
FUTURE = NOON + timedelta(days=365)
QR_ALPHANUMERIC = r"[0-9A-Z $%*+\-./:]+"


@given(IDS, STEPS)
def test_a_token_is_read_as_it_was_made(code_id: UUID, step: int | None) -> None:
    """By itself, in a link, in small letters, and with white space round it."""
    token = links.make_token(KEY, code_id, step=step)

    for scanned in (token, f"HTTPS://X.TEST/C/{token}", token.lower(), f" {token}\n"):
        assert links.read_token(KEY, scanned) == Token(code_id, step)
    assert len(token) == (42 if step is None else 48)
    assert re.fullmatch(QR_ALPHANUMERIC, token)


@given(IDS, STEPS, st.data())
def test_a_token_that_was_changed_is_none(
    code_id: UUID, step: int | None, data: st.DataObject
) -> None:
    """Whichever of its bits it is; nor is one of another key."""
    token = links.make_token(KEY, code_id, step=step)
    # The last letter has bits to spare, which say nothing.
    place = data.draw(st.integers(0, len(token) - 2))
    others = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".replace(token[place], "")
    letter = data.draw(st.sampled_from(others))

    assert links.read_token(KEY, token[:place] + letter + token[place + 1 :]) is None
    assert links.read_token(OTHER, token) is None


@given(st.text(max_size=600) | st.binary(max_size=60).map(links._encode))
def test_whatever_else_is_scanned_is_no_token(text: str) -> None:
    """Menus, Wi-Fi passwords, other people's codes: none is taken, and none breaks anything."""
    assert links.read_token(KEY, text) is None
    assert links.read_screen_token(KEY, text) is None
    assert links.read_personal_token(KEY, text) is None


@given(IDS, MOMENTS)
def test_no_token_passes_for_one_of_another_use(some_id: UUID, at: datetime) -> None:
    """A poster does not run a screen, and a screen's secret checks nobody in."""
    poster, rotating = links.make_token(KEY, some_id), links.make_token(KEY, some_id, step=1)
    screen = links.make_screen_token(KEY, some_id)
    personal = links.make_personal_token(KEY, some_id, at=at)

    assert links.read_screen_token(KEY, screen) == some_id
    assert links.read_screen_token(OTHER, screen) is None
    for other in (poster, rotating, personal):
        assert links.read_screen_token(KEY, other) is None
    for other in (screen, screen.removeprefix(links.SCREEN_PREFIX), personal):
        assert links.read_token(KEY, other) is None
    for other in (poster, rotating, screen):
        assert links.read_personal_token(KEY, other) is None


@given(IDS, MOMENTS)
def test_a_personal_token_is_read_by_this_service_alone(device_id: UUID, at: datetime) -> None:
    """To the second; with another key it says nothing."""
    token = links.make_personal_token(KEY, device_id, at=at)

    assert links.read_personal_token(KEY, token) == (device_id, at.replace(microsecond=0))
    assert links.read_personal_token(OTHER, token) is None
    assert re.fullmatch(QR_ALPHANUMERIC, token)


def test_two_personal_tokens_do_not_tell_that_they_are_one_persons() -> None:
    """Nothing of the device's id can be seen in them, and they begin differently."""
    device_id = UUID(int=0)
    tokens = {
        links.make_personal_token(KEY, device_id, at=NOON + timedelta(seconds=second))
        for second in range(50)
    }

    starts = {token.removeprefix(links.PERSONAL_PREFIX)[:8] for token in tokens}
    assert len(starts) == 50


@pytest.mark.parametrize(
    ("steps_ago", "problem"),
    [
        (0, None),
        (1, None),
        (-1, None),
        (2, CodeProblem.OUT_OF_DATE),
        (-2, CodeProblem.OUT_OF_DATE),
        (120, CodeProblem.OUT_OF_DATE),
    ],
)
def test_a_step_speaks_while_it_is_shown_and_one_step_about(
    steps_ago: int, problem: CodeProblem | None
) -> None:
    """A photograph used later is of no use."""
    found = judge(
        valid_from=NOON,
        valid_until=None,
        revoked_at=None,
        step=step_at(NOON) - steps_ago,
        at=NOON,
    )

    assert found is problem


@given(MOMENTS, st.floats(0, 120))
def test_a_code_dies_within_a_minute_and_a_half(shown_at: datetime, seconds: float) -> None:
    """It lives for at least half a minute after it was on the screen."""
    problem = judge(
        valid_from=shown_at,
        valid_until=None,
        revoked_at=None,
        step=step_at(shown_at),
        at=shown_at + timedelta(seconds=seconds),
    )

    if seconds < 29.9:
        assert problem is None
    if seconds > 60.1:
        assert problem is CodeProblem.OUT_OF_DATE


@pytest.mark.parametrize(
    ("valid_from", "valid_until", "revoked_at", "problem"),
    [
        (NOON, None, None, None),
        (NOON, FUTURE, None, None),
        (NOON + STEP, None, None, CodeProblem.NOT_YET),
        (NOON - STEP, NOON, None, CodeProblem.EXPIRED),
        (NOON - STEP, None, NOON, CodeProblem.REVOKED),
        (NOON - STEP, NOON, NOON, CodeProblem.REVOKED),
    ],
)
def test_a_code_speaks_within_its_lifetime(
    valid_from: datetime,
    valid_until: datetime | None,
    revoked_at: datetime | None,
    problem: CodeProblem | None,
) -> None:
    """From its first instant, up to its last, unless revoked."""
    found = judge(
        valid_from=valid_from,
        valid_until=valid_until,
        revoked_at=revoked_at,
        step=step_at(NOON),
        at=NOON,
    )

    assert found is problem


def test_steps_are_counted_as_the_rfc_counts_them() -> None:
    """RFC 6238 appendix B gives 59 s as step 1 and 1111111109 s as step 37037036."""
    for seconds, step in ((59, 0x1), (1111111109, 0x23523EC), (20000000000, 0x27BC86AA)):
        assert step_at(datetime.fromtimestamp(seconds, UTC)) == step
        assert links.start_of(step) <= datetime.fromtimestamp(seconds, UTC)


def test_the_seal_is_an_hmac_and_depends_on_nothing_else() -> None:
    """A poster printed today must still be read by any later release."""
    code_id = UUID("00112233-4455-6677-8899-aabbccddeeff")

    assert links.make_token(KEY, code_id) == "AAISEM2EKVTHPCEZVK54ZXPO75GIYXQVTP5MPJRMSA"
    assert (
        links.make_token(KEY, code_id, step=59_000_000)
        == "AAISEM2EKVTHPCEZVK54ZXPO74BYIRGAUPDGA7NV2TG7BZYN"
    )
