"""The four ways in which OsmAnd and Traccar Client speak."""

import json
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.protocols.osmand import read, unpack
from api.protocols.reading import Said
from geoservices.geometry.position import Position
from tests.api.protocols.saying import TRACCAR_9, TRACCAR_10, TRACCAR_QUERY, spoilt, values
from tests.factories import NOON

DEVICE = UUID(int=7)


def hear(query: str = "", body: object = None) -> Said:
    """Read a request of the device's."""
    return read(unpack(query, body), device_id=DEVICE, at=NOON)


@pytest.mark.parametrize(
    ("query", "body"),
    [
        (TRACCAR_QUERY, None),
        ("", TRACCAR_QUERY.encode()),
        ("", [TRACCAR_10]),
        ("", TRACCAR_9),
    ],
    ids=["address", "form", "array", "nested"],
)
def test_four_ways_say_the_same(query: str, body: object) -> None:
    """Knots and metres a second come out alike, and the id is the same ping's."""
    request = unpack(query, body)
    said = read(request, device_id=DEVICE, at=NOON)

    [report] = said.reports
    assert request.id == "gsp_one"
    assert report.recorded_at == NOON
    assert report.position == Position(lon=-3.5301, lat=50.7244, accuracy_m=12)
    assert report.speed_mps == pytest.approx(5.0, abs=0.01)
    assert report.heading_deg == 271
    assert report.id == hear(TRACCAR_QUERY).reports[0].id


@pytest.mark.parametrize(
    "timestamp",
    [
        "1772625600",
        "1772625600000",
        "1772625600.0",
        "2026-03-04T12:00:00Z",
        "2026-03-04T12:00:00.000Z",
        "2026-03-04 12:00:00",
    ],
)
def test_times_are_read_however_they_are_written(timestamp: str) -> None:
    """Seconds, milliseconds or ISO 8601; OsmAnd's date without an offset is UTC."""
    query = urlencode({"id": "a", "lat": 1, "lon": 2, "timestamp": timestamp})

    assert hear(query).reports[0].recorded_at == NOON


def test_a_position_without_a_time_is_of_now() -> None:
    """As with Traccar."""
    assert hear("deviceid=a&lat=1&lon=2").reports[0].recorded_at == NOON


def test_both_numbers_may_come_in_one() -> None:
    """Latitude first there."""
    [report] = hear("id=a&location=60.0,30.0&hdop=1").reports

    assert (report.position.lon, report.position.lat) == (30, 60)


@pytest.mark.parametrize(
    ("query", "body"),
    [
        ("id=a&timestamp=1772625600&batt=3", None),
        ("id=a", None),
        ("", {"device_id": "a", "location": {"event": "heartbeat"}}),
        ("", [{"id": "a", "timestamp": 1772625600}]),
        ("", []),
        ("", {}),
        ("", b""),
    ],
)
def test_a_sign_of_life_says_nothing(query: str, body: object) -> None:
    """It is neither a position nor a fault."""
    assert hear(query, body) == Said()


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("id=a&lat=1", "no-position"),
        ("id=a&lat=x&lon=2", "no-position"),
        ("id=a&lat=nan&lon=2", "no-position"),
        ("id=a&lat=1e999&lon=2", "no-position"),
        ("id=a&location=1", "no-position"),
        ("id=a&lat=91&lon=2", "position-out-of-range"),
        ("id=a&lat=1&lon=2&valid=false", "position-invalid"),
        ("id=a&lat=1&lon=2&valid=0", "position-invalid"),
        ("id=a&lat=1&lon=2&timestamp=", "no-time"),
        ("id=a&lat=1&lon=2&timestamp=2026-03-04T12:00:00", "no-time"),
        ("id=a&lat=1&lon=2&timestamp=1e300", "time-out-of-range"),
        ("id=a&lat=1&lon=2&accuracy=1e9", "accuracy-out-of-range"),
    ],
)
def test_what_cannot_be_a_position_is_dropped(query: str, reason: str) -> None:
    """With a reason."""
    said = hear(query)

    assert said.reports == []
    assert said.dropped == {reason: 1}


def test_a_batch_speaks_for_one_phone() -> None:
    """What names another id is dropped: the first one is who was let in."""
    said = hear("", [TRACCAR_10, {**TRACCAR_10, "id": "gsp_two"}, 7])

    assert len(said.reports) == 1
    assert said.dropped == {"another-id": 1, "not-an-object": 1}


@pytest.mark.parametrize(
    ("query", "body"),
    [
        ("", None),
        ("lat=1&lon=2", None),
        ("&".join(f"p{number}=1" for number in range(200)) + "&id=a", None),
        ("", b"\xff\xfe"),
        ("", [7]),
        ("", {"device_id": 5}),
    ],
)
def test_whoever_names_no_id_has_none(query: str, body: object) -> None:
    """A hundred parameters are enough for everybody."""
    assert unpack(query, body).id == ""


def test_a_parameter_given_twice_counts_once() -> None:
    """The last one, as with Traccar."""
    [report] = hear("id=a&lat=1&lon=2&lat=3").reports

    assert report.position.lat == 3


@given(st.one_of(values, spoilt(TRACCAR_9), st.lists(spoilt(TRACCAR_10), max_size=3)))
def test_no_json_raises(body: Any) -> None:
    """Whatever comes, at most as much comes out."""
    said = hear("", body)

    assert len(said.reports) + said.dropped.total() <= max(
        len(body) if isinstance(body, list) else 1, 1
    )
    for report in said.reports:
        numbers = json.dumps(body)
        assert json.dumps(report.position.lat) in numbers or str(report.position.lat) in numbers


@given(st.text(max_size=200), st.binary(max_size=200))
def test_no_parameters_raise(query: str, form: bytes) -> None:
    """Nor does a form."""
    said = hear(query, form)

    assert len(said.reports) <= 1
