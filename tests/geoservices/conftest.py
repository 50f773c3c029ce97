"""What tests of the domain share; a noun's own `world` comes before this one."""

import pytest
from sqlalchemy.orm import Session

from tests.walking import World, make_world


@pytest.fixture
def world(session: Session) -> World:
    """A library, and a citizen with a phone, in the test's own transaction."""
    return make_world(session)
