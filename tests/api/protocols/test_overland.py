"""Batches of Overland's, good and bad."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.problems import InvalidRequest
from api.protocols.overland import locations_in, read
from geoservices.geometry.position import Position
from tests.api.protocols.saying import OVERLAND, spoilt, values
from tests.factories import NOON

DEVICE = UUID(int=7)


def changed(**properties: Any) -> dict[str, Any]:
    """A feature with other properties."""
    return {**OVERLAND, "properties": {**OVERLAND["properties"], **properties}}


def test_a_feature_is_a_ping() -> None:
    """Longitude first, metres a second, and an offset without a colon."""
    said = read([OVERLAND], device_id=DEVICE)

    [report] = said.reports
    assert report.recorded_at == NOON
    assert report.position == Position(lon=-3.5301, lat=50.7244, accuracy_m=12)
    assert (report.speed_mps, report.heading_deg) == (5, 271)


@pytest.mark.parametrize(
    "timestamp",
    ["2026-03-04T12:00:00Z", "2026-03-04T05:00:00-0700", "2026-03-04T13:00:00+01:00"],
)
def test_times_are_read_with_their_offset(timestamp: str) -> None:
    """However it is written."""
    [report] = read([changed(timestamp=timestamp)], device_id=DEVICE).reports

    assert report.recorded_at == datetime(2026, 3, 4, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "properties",
    [
        {"action": "visit", "arrival_date": "2026-03-04T11:00:00Z"},
        {"action": "paused_location_updates"},
        {"type": "trip", "mode": "walk"},
    ],
)
def test_visits_trips_and_the_log_are_no_positions(properties: dict[str, Any]) -> None:
    """They carry one, but the phone was not there at their time; nor are they faulty."""
    said = read([changed(**properties)], device_id=DEVICE)

    assert said.reports == []
    assert not said.dropped


@pytest.mark.parametrize(
    ("feature", "reason"),
    [
        (None, "not-an-object"),
        ("x", "not-an-object"),
        ({**OVERLAND, "properties": None}, "not-an-object"),
        ({**OVERLAND, "geometry": None}, "not-an-object"),
        ({**OVERLAND, "geometry": {"coordinates": [1]}}, "no-position"),
        ({**OVERLAND, "geometry": {"coordinates": "ab"}}, "no-position"),
        ({**OVERLAND, "geometry": {"coordinates": ["1", "2"]}}, "no-position"),
        ({**OVERLAND, "geometry": {"coordinates": [0, 91]}}, "position-out-of-range"),
        (changed(horizontal_accuracy=-1), "position-invalid"),
        (changed(timestamp=None), "no-time"),
        (changed(timestamp=1772625600), "no-time"),
        (changed(timestamp="2026-03-04T12:00:00"), "no-time"),
        (changed(timestamp="0001-01-01T00:00:00+14:00"), "no-time"),
        (changed(timestamp="yesterday"), "no-time"),
    ],
)
def test_one_bad_feature_harms_no_other(feature: object, reason: str) -> None:
    """It is dropped with a reason; those beside it are taken."""
    said = read([OVERLAND, feature, OVERLAND], device_id=DEVICE)

    assert len(said.reports) == 2
    assert said.dropped == {reason: 1}


@pytest.mark.parametrize("body", [None, [], "x", {}, {"locations": {}}, {"locations": None}])
def test_what_is_no_batch_is_refused(body: object) -> None:
    """So that the app keeps it."""
    with pytest.raises(InvalidRequest):
        locations_in(body)


@given(st.lists(st.one_of(values, spoilt(OVERLAND)), max_size=5))
def test_nothing_raises_and_nothing_is_invented(features: list[object]) -> None:
    """Whatever comes, at most as much comes out, with the very numbers that went in."""
    said = read(features, device_id=DEVICE)

    sent = [
        tuple(feature["geometry"]["coordinates"][:2])
        for feature in features
        if isinstance(feature, dict)
        and isinstance(feature.get("geometry"), dict)
        and isinstance(feature["geometry"].get("coordinates"), list)
    ]
    assert len(said.reports) + said.dropped.total() <= len(features)
    for report in said.reports:
        assert (report.position.lon, report.position.lat) in sent
