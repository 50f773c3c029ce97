"""The ASGI entry point: `uvicorn api.main:app`. The only module that reads settings on import."""

import gc
import sys

from api.app import create_app
from api.middleware import AT_ONCE
from geoservices import logs
from geoservices.database import DatabaseRole, make_engine, make_session_factory
from geoservices.geofences.compiling import compile_ahead
from geoservices.scopes import confined_sessions
from geoservices.settings.service import load_settings

# The committer's thread waits for the database many times a group, and each time must not wait for
# the event loop's thread as well.
sys.setswitchinterval(0.0001)
logs.configure()
settings = load_settings()
url = settings.database_url.get_secret_value()
app = create_app(
    confined_sessions(make_engine(url, role=DatabaseRole.CALLER, pool_size=AT_ONCE)),
    settings,
    limiting=make_session_factory(make_engine(url, pool_size=2)),
    # A group that meets a dead connection is taken in again.
    intake=make_session_factory(make_engine(url, pool_size=1, ask_first=False, by_key=True)),
)
# The first ping should not wait for it.
compile_ahead()
# What is there by now stays, and is not looked through again and again; nor is what requests
# leave behind, of which hardly anything refers to itself.
gc.collect()
gc.freeze()
gc.set_threshold(50_000, 10, 10)
