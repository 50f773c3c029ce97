"""The operator's command for a member who leaves."""

import os
from datetime import timedelta

import pytest

from geoservices import clock
from geoservices.access.rights import Role
from geoservices.accounts import issuing, service
from geoservices.database import SessionFactory
from tests.commanding import run


def test_the_command_says_how_much_it_ended(
    committed: SessionFactory,
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """And fails in a line where there is nobody of that name."""
    monkeypatch.setitem(os.environ, "GEOSERVICES_DATABASE_URL", database_url)
    at = clock.now()
    with committed() as session, session.begin():
        service.ensure_organisation(
            session, "devon", name="Devon", time_zone="Europe/London", at=at
        )
        token = issuing.issue_access_token(
            session, "devon", role=Role.STAFF, name="Ann", lifetime=timedelta(days=1), at=at
        )

    done, failed = (
        run("revoke", "--organisation", "devon", "--name", who) for who in ("Ann", "Anne")
    )

    assert (done.returncode, failed.returncode) == (0, 1)
    assert done.stdout == "Ann: signed out of: 1, devices revoked: 0, calendar links ended: 0\n"
    assert failed.stderr.startswith("geoservices: There is no such member")
    with committed() as session:
        assert service.authenticate_member(session, token, at=at) is None
