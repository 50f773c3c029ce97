"""Requests that hold all connections do not wait for each other."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import httpx2
import pytest

from api.app import create_app
from geoservices.accounts.models import Device
from geoservices.database import (
    DatabaseRole,
    SessionFactory,
    make_engine,
    make_session_factory,
    transaction,
)
from geoservices.limiting.limiter import Limit, Limiter
from geoservices.scopes import confined_sessions
from geoservices.settings.service import Settings
from tests.api.conftest import client_of
from tests.api.serving import serving
from tests.factories import make_device, make_person

AT_ONCE = 2
"""As many as there are connections."""
CROWD = 100
"""More than the threads, which are 40, and the connections together."""


def test_a_crowd_does_not_wait_for_itself(
    committed: SessionFactory, database_url: str, settings: Settings
) -> None:
    """Those that hold connections need threads, which those that want connections hold."""
    with transaction(committed) as session:
        _device, token = make_device(session, make_person(session))
    callers = make_engine(database_url, role=DatabaseRole.CALLER, pool_size=1)
    application = create_app(confined_sessions(callers), settings, at_once=1)

    def ask(address: str) -> int:
        headers = {"Authorization": f"Bearer {token}"}
        return httpx2.get(f"{address}/v1/session", headers=headers, timeout=120).status_code

    with serving(application) as address, ThreadPoolExecutor(CROWD) as threads:
        answers = list(threads.map(ask, [address] * CROWD))
    callers.dispose()

    assert answers == [200] * CROWD


def test_counting_has_connections_of_its_own(
    committed: SessionFactory,
    database_url: str,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """All there are for requests are held by those that are about to be counted."""
    with transaction(committed) as session:
        tokens = [make_device(session, make_person(session))[1] for _ in range(AT_ONCE)]
    together, spend = Barrier(AT_ONCE), Limiter.spend

    def spend_together(limiter: Limiter, limit: Limit, *who: str) -> None:
        together.wait(timeout=120)
        spend(limiter, limit, *who)

    monkeypatch.setattr(Limiter, "spend", spend_together)
    callers = make_engine(database_url, role=DatabaseRole.CALLER, pool_size=1)
    counting = make_engine(database_url, pool_size=1)
    application = create_app(
        confined_sessions(callers), settings, limiting=make_session_factory(counting)
    )

    def replace(token: str) -> int:
        client = client_of(application)
        client.cookies.set("device", token)
        csrf = client.get("/v1/session").json()["csrf_token"]
        body = {"credential": "cookie", "replaces_device": True}
        return client.post("/v1/devices", json=body, headers={"X-CSRF-Token": csrf}).status_code

    with ThreadPoolExecutor(AT_ONCE) as threads:
        answers = list(threads.map(replace, tokens))
    callers.dispose()
    counting.dispose()

    assert answers == [201] * AT_ONCE
    with transaction(committed) as session:
        assert session.query(Device).count() == 2 * AT_ONCE
