"""A library with an offer, and a citizen who comes to it."""

import pytest
from sqlalchemy.orm import Session

from geoservices.accounts.models import Person, Purpose
from tests.campaigning import World, make_world
from tests.factories import make_person


@pytest.fixture
def world(session: Session) -> World:
    """A library in the test's own transaction."""
    return make_world(session)


@pytest.fixture
def citizen(session: Session) -> Person:
    """A citizen who agreed to what is nearby and on check-in."""
    return make_person(session, Purpose.NEARBY, Purpose.CHECK_IN_CONTENT)
