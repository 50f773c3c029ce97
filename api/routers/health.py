"""Whether the process lives, and whether it can work."""

from collections.abc import Callable
from threading import Lock
from time import monotonic
from typing import Literal

import structlog
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from fastapi import APIRouter, Request, Response
from kombu import Connection
from pydantic import BaseModel

from api.reading import ReadRoute
from geoservices.scopes import is_confined

log = structlog.get_logger()

router = APIRouter(tags=["health"], route_class=ReadRoute)

CHECK_TIMEOUT_S = 2
KEPT_S = 1


class HealthOut(BaseModel):
    """Whether all is well, and what of each part that was looked at."""

    status: Literal["ok", "failing"]
    checks: dict[str, Literal["ok", "failing"]]


class Readiness:
    """What the last look found, good for a second.

    Anyone may ask, and a look opens connections. So only one request looks at a time, and the
    others are answered with what was found before.
    """

    def __init__(self, *, kept_s: float = KEPT_S) -> None:
        self.kept_s = kept_s
        self._looking = Lock()
        self._found: HealthOut | None = None
        self._found_at = 0.0

    def find(self, look: Callable[[], HealthOut]) -> HealthOut:
        """Return what was found within the last second, or look."""
        known = self._found
        is_fresh = monotonic() - self._found_at < self.kept_s
        if known and (is_fresh or self._looking.locked()):
            return known
        with self._looking:
            if self._found is None or self._found is known:
                self._found = look()
                self._found_at = monotonic()
            return self._found


@router.get("/health/live")
def live() -> HealthOut:
    """Tell that the process answers."""
    return HealthOut(status="ok", checks={})


@router.get("/health/ready", responses={503: {"model": HealthOut}})
def ready(request: Request, response: Response) -> HealthOut:
    """Tell whether database, migrations and broker are as they must be; 503 if one is not.

    `confinement` is failing if requests would see what PostgreSQL has to keep from them.
    The answer may be a second old.
    """
    readiness: Readiness = request.app.state.readiness
    found = readiness.find(lambda: _look(request))
    response.status_code = 200 if found.status == "ok" else 503
    return found


def _look(request: Request) -> HealthOut:
    looks: dict[str, Callable[[Request], bool]] = {
        "database": _database,
        "migrations": _migrations,
        "confinement": _confinement,
        "broker": _broker,
    }
    checks: dict[str, Literal["ok", "failing"]] = {}
    for name, look in looks.items():
        try:
            checks[name] = "ok" if look(request) else "failing"
        except Exception as error:  # noqa: BLE001  # Whatever goes wrong, the answer is "failing".
            log.warning("health_check_failed", check=name, error=type(error).__name__)
            checks[name] = "failing"
    failing = "failing" in checks.values()
    return HealthOut(status="failing" if failing else "ok", checks=checks)


def _database(request: Request) -> bool:
    with request.app.state.sessions() as session:
        return session.connection().exec_driver_sql("SELECT postgis_version()").scalar() is not None


def _migrations(request: Request) -> bool:
    with request.app.state.sessions() as session:
        current = MigrationContext.configure(session.connection()).get_current_heads()
    return set(current) == set(request.app.state.migration_heads)


def _confinement(request: Request) -> bool:
    with request.app.state.sessions() as session:
        return is_confined(session)


def _broker(request: Request) -> bool:
    url = request.app.state.settings.broker_url.get_secret_value()
    with Connection(url, connect_timeout=CHECK_TIMEOUT_S) as connection:
        connection.ensure_connection(
            max_retries=1, interval_start=0, interval_step=0, timeout=CHECK_TIMEOUT_S
        )
        return bool(connection.connected)


def migration_heads() -> tuple[str, ...]:
    """Return the revisions the database must be at for this code."""
    return tuple(ScriptDirectory.from_config(Config("alembic.ini")).get_heads())
