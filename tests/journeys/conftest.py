"""One running system for each file of journeys."""

from collections.abc import Iterator

import pytest

from tests.journeys.system import System
from tests.local.conftest import open_folder


@pytest.fixture(scope="module")
def system() -> Iterator[System]:
    """The whole system, running."""
    with open_folder() as folder:
        system = System(folder)
        try:
            system.start_all()
            yield system
        finally:
            system.stop_all()
