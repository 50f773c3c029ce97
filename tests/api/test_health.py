"""Health: that the process lives, and which part keeps it from working."""

from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from httpx2 import Client
from pydantic import SecretStr
from sqlalchemy import text
from sqlalchemy.orm import Session

from api.routers import health
from geoservices.database import SessionFactory, make_engine, make_session_factory
from geoservices.settings.service import Settings
from local.broker import serving
from local.configuration import free_port
from local.processes import mark


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real broker's URL."""
    folder = tmp_path_factory.mktemp("broker")
    log = folder / "broker.log"
    with serving(folder / "broker", port=free_port(), log=log, mark=mark(folder)) as url:
        yield url


@pytest.fixture
def with_broker(application: FastAPI, settings: Settings, broker: str) -> Iterator[None]:
    """The application, told of that broker."""
    changed = settings.model_copy(update={"broker_url": SecretStr(broker)})
    application.state.settings = changed
    yield
    application.state.settings = settings


def test_a_process_that_answers_is_alive(anyone: Client) -> None:
    """Whatever else is broken, so that it is not restarted for a fault that is not its own."""
    answer = anyone.get("/health/live")

    assert answer.status_code == 200
    assert answer.json() == {"status": "ok", "checks": {}}


@pytest.mark.usefixtures("with_broker")
def test_it_is_ready_when_every_part_is(anyone: Client) -> None:
    """Database, migrations and broker."""
    answer = anyone.get("/health/ready")

    assert answer.status_code == 200
    assert answer.json() == {
        "status": "ok",
        "checks": {"database": "ok", "migrations": "ok", "confinement": "ok", "broker": "ok"},
    }


def test_a_broker_that_is_away_is_named(anyone: Client, settings: Settings) -> None:
    """The settings of tests point at a closed port; its address is not told."""
    answer = anyone.get("/health/ready")

    assert settings.broker_url.get_secret_value() == "redis://127.0.0.1:1/0"
    assert answer.status_code == 503
    assert answer.json() == {
        "status": "failing",
        "checks": {"database": "ok", "migrations": "ok", "confinement": "ok", "broker": "failing"},
    }


def test_a_look_is_good_for_a_second(anyone: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Anyone may ask, and each look opens connections; so a crowd causes one look a second."""
    looks: list[float] = []
    seconds = iter([100.0, 100.0, 100.9, 101.0, 101.0])

    def look(_request: object) -> health.HealthOut:
        looks.append(1)
        return health.HealthOut(status="ok", checks={})

    monkeypatch.setattr(health, "_look", look)
    monkeypatch.setattr(health, "monotonic", lambda: next(seconds))

    statuses = [anyone.get("/health/ready").status_code for _ in range(3)]

    assert statuses == [200, 200, 200]
    assert len(looks) == 2


def test_while_one_looks_the_others_are_told_what_was_known() -> None:
    """A broker that keeps a look waiting does not keep everyone waiting."""
    readiness = health.Readiness(kept_s=0)
    old = health.HealthOut(status="ok", checks={})
    new = health.HealthOut(status="failing", checks={})
    readiness.find(lambda: old)

    def look() -> health.HealthOut:
        assert readiness.find(lambda: pytest.fail("a second look")) is old
        return new

    assert readiness.find(look) is new


@pytest.mark.usefixtures("with_broker")
def test_a_database_that_is_away_is_named(application: FastAPI, anyone: Client) -> None:
    """Its migrations cannot be looked at either."""
    engine = make_engine("postgresql://nobody@127.0.0.1:1/nothing")
    application.state.sessions = make_session_factory(engine)

    answer = anyone.get("/health/ready")

    engine.dispose()
    assert answer.status_code == 503
    assert answer.json()["checks"] == {
        "database": "failing",
        "migrations": "failing",
        "confinement": "failing",
        "broker": "ok",
    }


@pytest.mark.usefixtures("with_broker")
def test_a_database_of_another_release_is_named(anyone: Client, session: Session) -> None:
    """Code and database must be of the same migration."""
    session.execute(text("UPDATE alembic_version SET version_num = 'older'"))
    session.commit()

    answer = anyone.get("/health/ready")

    assert answer.status_code == 503
    assert answer.json()["checks"] == {
        "database": "ok",
        "migrations": "failing",
        "confinement": "ok",
        "broker": "ok",
    }


@pytest.mark.usefixtures("with_broker")
def test_requests_that_would_see_everything_are_named(
    application: FastAPI, anyone: Client, sessions: SessionFactory
) -> None:
    """Sessions for workers given to the API by mistake, or a role that policies do not bind."""
    application.state.sessions = sessions

    answer = anyone.get("/health/ready")

    assert answer.status_code == 503
    assert answer.json()["checks"] == {
        "database": "ok",
        "migrations": "ok",
        "confinement": "failing",
        "broker": "ok",
    }
