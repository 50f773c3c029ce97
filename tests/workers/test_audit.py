"""The jobs of the audit log, on the real database."""

from datetime import timedelta

import pytest
import structlog

from geoservices.audit import service
from geoservices.database import SessionFactory, transaction
from tests.factories import NOON, make_organisation
from tests.geoservices.audit.conftest import write
from workers.jobs import audit as jobs


@pytest.fixture
def devon(committed: SessionFactory) -> SessionFactory:
    """A log with three entries of long ago."""
    with transaction(committed) as session:
        organisation_id = make_organisation(session).id
    write(committed, organisation_id, 3)
    return committed


def test_the_ends_of_all_chains_are_told_to_the_log_of_lines(devon: SessionFactory) -> None:
    """Where they can be found when the database no longer says the same."""
    with structlog.testing.capture_logs() as lines:
        jobs.tell_heads()

    with transaction(devon) as session:
        [chain] = service.heads(session)
    assert lines == [
        {
            "event": "audit_head",
            "log_level": "info",
            "chain": str(chain.id),
            "number": 3,
            "hash": chain.head.hash.hex(),
        }
    ]


def test_entries_go_after_the_retention(
    devon: SessionFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And not before."""
    now = NOON + timedelta(days=2192, hours=1)
    monkeypatch.setattr("geoservices.clock.now", lambda: now)

    with structlog.testing.capture_logs() as lines:
        jobs.prune()

    assert [(line["event"], line["entries"]) for line in lines] == [("audit_pruned", 1)]
    assert [one.fault for one in service.verify(devon)] == [None]
