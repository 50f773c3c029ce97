"""The short way reads ordinary pings exactly as the long way does, and leaves it all others."""

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import uuid4

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.schemas.pings import PingIn
from api.wire import read_pings
from geoservices.pings.columns import Pings

ID = "0b54ab94-6a3c-4a8b-9a3b-8f1a9a6f2c11"
PING: dict[str, Any] = {"id": ID, "recorded_at": "2026-03-01T12:00:00Z", "lon": -3.5, "lat": 50.7}

NUMBERS = st.one_of(
    st.floats(-400, 400), st.integers(-400, 400), st.sampled_from([0, -0.0, 1e-300, 1e300, 2**70])
)
OFFSETS = st.integers(-18 * 60, 18 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
TIMES = st.one_of(
    st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31), timezones=OFFSETS).map(  # noqa: DTZ001
        datetime.isoformat
    ),
    st.sampled_from(
        [
            "2026-03-01T12:00:00.1234567Z",
            "2026-03-01T12:00:00.9999999Z",
            "2026-03-01T12:00:60Z",
            "2026-03-01T24:00:00Z",
            "2026-03-01T12:00:00",
            "2026-03-01 12:00:00z",
            "2026-03-01T12:00Z",
            "20260301T120000Z",
            "1772366400",
        ]
    ),
)
PINGS = st.fixed_dictionaries(
    {
        "id": st.one_of(st.uuids().map(str), st.sampled_from([ID.upper(), ID.replace("-", "")])),
        "recorded_at": TIMES,
        "lon": NUMBERS,
        "lat": NUMBERS,
    },
    optional={
        name: st.one_of(st.none(), NUMBERS) for name in ("accuracy_m", "speed_mps", "heading_deg")
    },
)


@given(pings=st.lists(PINGS, min_size=1, max_size=4), one=st.booleans())
def test_what_is_read_the_short_way_is_read_alike_the_long_way(
    pings: list[dict[str, Any]], *, one: bool
) -> None:
    """Whatever numbers, times and ids there are; what the long way refuses is never taken."""
    body: dict[str, Any] = pings[0] if one else {"pings": pings}

    short = read_pings(json.dumps(body).encode())

    if short is not None:
        long = [PingIn.model_validate(ping).to_report() for ping in (pings[:1] if one else pings)]
        read, validated = Pings.of(short), Pings.of(long)
        for name in ("ids", "recorded_at", "lon", "lat", "accuracy_m", "speed_mps", "heading_deg"):
            np.testing.assert_array_equal(getattr(read, name), getattr(validated, name))


@pytest.mark.parametrize(
    "body",
    [
        pytest.param('{"id":"%s","lon":1,"lon":2}', id="a member twice"),
        pytest.param('{"speed_mps":null,"speed_mps":7}', id="null and then a number"),
        pytest.param('{"accuracy_m":5,"accuracy_m":null}', id="a number and then null"),
        pytest.param('{"altitude":3}', id="an unknown member"),
        pytest.param('{"lon":"1"}', id="text for a number"),
        pytest.param('{"lon":NaN}', id="not a number"),
        pytest.param('{"lon":181}', id="out of range"),
        pytest.param(
            '{"recorded_at":"2026-03-01T12:00:00.1234567Z"}', id="finer than microseconds"
        ),
    ],
)
@pytest.mark.parametrize("batch", [False, True])
def test_what_is_not_ordinary_is_left_to_the_long_way(body: str, *, batch: bool) -> None:
    """It finds the words, and here and there it takes it."""
    extra = body.replace("%s", ID)[1:-1]
    names = {name for name in PING if f'"{name}"' in extra}
    rest = json.dumps({name: value for name, value in PING.items() if name not in names})[1:-1]
    text = "{" + rest + "," + extra + "}"

    assert read_pings((f'{{"pings":[{text}]}}' if batch else text).encode()) is None


def test_an_ordinary_batch_is_read_the_short_way() -> None:
    """As phones and browsers write it, with and without what they do not know."""
    pings = [
        {**PING, "id": str(uuid4())},
        {**PING, "accuracy_m": 8.5, "speed_mps": None, "heading_deg": -1},
        {**PING, "recorded_at": datetime(2026, 3, 1, 12, 0, 0, 123456, UTC).isoformat()},
    ]

    read = read_pings(json.dumps({"pings": pings}, indent=1).encode())

    assert read is not None
    assert [ping.accuracy_m for ping in read] == [None, 8.5, None]
    assert read[2].recorded_at == datetime(2026, 3, 1, 12, 0, 0, 123456, UTC)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"7", b'{"pings":[]}', b"\xff", b'{"pings":7}'])
def test_what_is_no_body_with_pings_is_left_to_the_long_way(body: bytes) -> None:
    """It never raises."""
    assert read_pings(body) is None
