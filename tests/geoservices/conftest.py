"""Sessions that truly commit, for what only several connections can show."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, text

from geoservices.database import SessionFactory, make_session_factory
from geoservices.geofences.models import GeofenceRevision
from geoservices.tables import all_tables


@pytest.fixture
def committed(engine: Engine) -> Iterator[SessionFactory]:
    """Sessions on connections of their own; whatever they leave is emptied afterwards."""
    yield make_session_factory(engine)
    tables = set(all_tables().tables) - {GeofenceRevision.__tablename__}
    with engine.begin() as connection:
        connection.execute(text(f"TRUNCATE {', '.join(sorted(tables))}"))
