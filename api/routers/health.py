"""Whether the process lives, and whether it can work."""

from collections.abc import Callable
from typing import Literal

import structlog
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from fastapi import APIRouter, Request, Response
from kombu import Connection
from pydantic import BaseModel

log = structlog.get_logger()

router = APIRouter(tags=["health"])

CHECK_TIMEOUT_S = 2


class HealthOut(BaseModel):
    """Whether all is well, and what of each part that was looked at."""

    status: Literal["ok", "failing"]
    checks: dict[str, Literal["ok", "failing"]]


@router.get("/health/live")
def live() -> HealthOut:
    """Tell that the process answers."""
    return HealthOut(status="ok", checks={})


@router.get("/health/ready", responses={503: {"model": HealthOut}})
def ready(request: Request, response: Response) -> HealthOut:
    """Tell whether database, migrations and broker are as they must be; 503 if one is not."""
    looks: dict[str, Callable[[Request], bool]] = {
        "database": _database,
        "migrations": _migrations,
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
    response.status_code = 503 if failing else 200
    return HealthOut(status="failing" if failing else "ok", checks=checks)


def _database(request: Request) -> bool:
    with request.app.state.sessions() as session:
        return session.connection().exec_driver_sql("SELECT postgis_version()").scalar() is not None


def _migrations(request: Request) -> bool:
    with request.app.state.sessions() as session:
        current = MigrationContext.configure(session.connection()).get_current_heads()
    return set(current) == set(request.app.state.migration_heads)


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
