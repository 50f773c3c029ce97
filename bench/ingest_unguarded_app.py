"""The service with row-level security left out: its connections ask as a superuser."""

from unittest.mock import patch

from geoservices import database
from geoservices.database import DatabaseRole, acting_as

with patch.object(database, "acting_as", lambda _role: acting_as(DatabaseRole.OWNER)):
    from api.main import app

__all__ = ["app"]
