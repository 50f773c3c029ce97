"""The workers' code in this very process, on the test's database and a broker of its own."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kombu import Connection, Queue, pools
from sqlalchemy import Engine

from geoservices.database import SessionFactory, make_session_factory
from local import broker
from local.configuration import free_port
from tests.conftest import empty
from tests.jobs import app, runtime


@pytest.fixture
def committed(
    engine: Engine, owner: Engine, monkeypatch: pytest.MonkeyPatch
) -> Iterator[SessionFactory]:
    """Sessions that truly commit, the jobs' too; whatever they leave is emptied afterwards."""
    sessions = make_session_factory(engine)
    monkeypatch.setattr(runtime, "sessions", lambda: sessions)
    monkeypatch.setattr(runtime, "picking_sessions", lambda: sessions)
    yield sessions
    empty(owner)


@pytest.fixture(scope="session")
def broker_url(worker_id: str) -> Iterator[str]:
    """A real broker, on which the application's jobs go to a queue of this test process's own."""
    name = f"tests-{worker_id}-{os.getpid()}"
    app.conf.update(task_queues=[Queue(name)], task_default_queue=name)
    url = os.environ.get("GEOSERVICES_TEST_BROKER_URL")
    if url:
        yield url
        return
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        with broker.serving(home, port=free_port(), log=home / "broker.log", mark={}) as url:
            yield url


@pytest.fixture
def doorbell(broker_url: str) -> Iterator[Connection]:
    """A connection to the broker that the application rings at."""
    ring_at(broker_url)
    with Connection(broker_url) as connection:
        yield connection
        queue = connection.SimpleQueue(app.conf.task_default_queue)
        queue.clear()
        queue.close()
    hang_up()


def ring_at(url: str) -> None:
    """Have the application publish its jobs at this broker."""
    hang_up()
    app.conf.update(broker_url=url)


def hang_up() -> None:
    """Close the application's connections to its broker."""
    celery: Any = app  # Its stub does not know what makes it connect afresh.
    pools.reset()
    celery._after_fork()
