"""The hourly look at what is over of members' accounts."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from geoservices import clock
from geoservices.credentials.links import make_link
from geoservices.credentials.models import LinkKind, PasswordLink
from geoservices.database import SessionFactory
from tests.factories import NOON, make_organisation
from tests.signing import SETTINGS, make_account
from workers.jobs import credentials as jobs


def test_a_link_that_ran_out_is_forgotten(
    committed: SessionFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And one that is good is kept."""
    with committed() as session:
        anna = make_account(session, make_organisation(session))
        for kind in LinkKind:
            make_link(session, anna.person.id, kind, settings=SETTINGS, at=NOON)
        session.commit()

    left = []
    for hours in (2, 73):
        monkeypatch.setattr(clock, "now", lambda at=NOON + timedelta(hours=hours): at)
        jobs.tidy()
        with committed() as session:
            left.append(session.scalar(select(func.count()).select_from(PasswordLink)))

    assert left == [1, 0]
