"""A person who may be told by letter."""

import pytest
from sqlalchemy.orm import Session

from tests.writing import World, make_world


@pytest.fixture
def world(session: Session) -> World:
    """A campaign and a person, in the test's own transaction."""
    return make_world(session)
