"""Durations on the wire: those of RFC 3339, appendix A, as JSON Schema's `duration` asks for."""

import re
from datetime import timedelta

import pytest
from httpx2 import Client
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter
from sqlalchemy.orm import Session

from api.schemas.common import duration_text
from geoservices.accounts.models import Organisation
from tests.api import asking
from tests.factories import make_place

TIME = r"T(\d+H(\d+M(\d+S)?)?|\d+M(\d+S)?|\d+S)"
GRAMMAR = re.compile(rf"P(\d+D({TIME})?|{TIME})")
SECONDS = st.integers(0, 366 * 86_400).map(lambda seconds: timedelta(seconds=seconds))


@given(duration=SECONDS)
def test_a_duration_is_in_the_grammar_and_reads_back(duration: timedelta) -> None:
    """Whatever its length."""
    text = duration_text(duration)

    assert GRAMMAR.fullmatch(text)
    assert TypeAdapter(timedelta).validate_python(text) == duration


@pytest.mark.parametrize(
    ("duration", "text"),
    [
        (timedelta(0), "PT0S"),
        (timedelta(minutes=5), "PT5M"),
        (timedelta(days=1), "P1D"),
        (timedelta(days=11, hours=3, seconds=44), "P11DT3H0M44S"),
        (timedelta(seconds=30, milliseconds=500), "PT30S"),
    ],
)
def test_durations_are_short_and_leave_no_minutes_out(duration: timedelta, text: str) -> None:
    """Python's own way, `P11DT3H44S`, is ISO 8601 but not RFC 3339."""
    assert duration_text(duration) == text


def test_a_fraction_of_a_second_is_refused(
    manager: Client, session: Session, organisation: Organisation
) -> None:
    """It could not be told again."""
    place = make_place(session, organisation)
    session.commit()

    answer = manager.post("/v1/geofences", json=asking.geofence(place.id, dwell_after="PT60.5S"))

    assert answer.status_code == 422
    assert answer.json()["field"] == "/properties/dwell_after"
