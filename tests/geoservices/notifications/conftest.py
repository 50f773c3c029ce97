"""The push service on loopback and a browser at it; a person who may be told."""

from collections.abc import Iterator

import pytest
from sqlalchemy.orm import Session

from local.browser import Browser
from local.pushservice import Address, serving
from tests.notifying import World, make_world


@pytest.fixture(scope="session")
def push_service() -> Iterator[Address]:
    """One push service for the whole run; each test has its own subscriptions."""
    with serving() as address:
        yield address


@pytest.fixture
def browser(push_service: Address) -> Iterator[Browser]:
    """A browser at the push service."""
    with Browser(push_service.url) as browser:
        yield browser


@pytest.fixture
def world(session: Session) -> World:
    """A campaign in the test's own transaction."""
    return make_world(session)
