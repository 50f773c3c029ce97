"""The application on a port, for browsers."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from threading import Thread

import uvicorn
from starlette.types import ASGIApp

from local.configuration import HOST, free_port
from tests.eventually import eventually


@contextmanager
def serving(application: ASGIApp) -> Iterator[str]:
    """Serve the application for the block; what it yields is where a browser reaches it."""
    port = free_port()
    config = uvicorn.Config(application, host=HOST, port=port, lifespan="off", log_level="warning")
    server = uvicorn.Server(config)
    thread = Thread(target=server.run)
    thread.start()
    eventually(lambda: server.started, within=timedelta(seconds=60))
    yield f"http://{HOST}:{port}"
    server.should_exit = True
    thread.join()
