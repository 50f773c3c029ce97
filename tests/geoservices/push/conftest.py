"""The push service on loopback and a browser at it."""

from collections.abc import Iterator

import pytest

from local.browser import Browser
from local.pushservice import Address, serving


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
