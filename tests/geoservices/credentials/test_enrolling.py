"""A second factor set up: whoever found a browser open guesses no code there."""

from datetime import timedelta

import pytest
from pyotp import TOTP
from sqlalchemy.orm import Session

from geoservices.accounts.models import Organisation
from geoservices.credentials import enrolling
from geoservices.credentials.attempts import TooManyAttempts
from geoservices.credentials.second_factor import SecondFactorRefused
from geoservices.credentials.waits import wait_after
from geoservices.database import SessionFactory
from geoservices.limiting.limiter import TooManyRequests
from geoservices.settings.entering import LimitSettings
from tests.factories import NOON, make_organisation
from tests.signing import PASSWORD, SETTINGS, Visitor, later, make_account, make_desk

WRONG = "abcdef"
"""No app shows it, so that no run of the tests guesses right."""


@pytest.fixture
def organisation(session: Session) -> Organisation:
    """Devon, of which Anna is a manager."""
    made = make_organisation(session)
    make_account(session, made)
    return made


@pytest.mark.usefixtures("organisation")
def test_first_codes_cannot_be_guessed(sessions: SessionFactory) -> None:
    """Wrong ones make wait as wrong passwords do, and a right one within a wait is not looked at.

    A day of them, each as soon as it may come, is a hundred of a million.
    """
    visitor = Visitor(make_desk(sessions))
    here = visitor.tries().sign_in
    app = TOTP(enrolling.begin(visitor.desk, here, PASSWORD, at=NOON).secret)
    at, tried = NOON, 0
    while at < NOON + timedelta(days=1):
        with pytest.raises(SecondFactorRefused):
            enrolling.confirm(visitor.desk, here, WRONG, at=at)
        tried += 1
        if wait := wait_after(tried):
            with pytest.raises(TooManyAttempts):
                enrolling.confirm(visitor.desk, here, app.at(at), at=at)
        at += wait

    assert tried < 120
    assert len(enrolling.confirm(visitor.desk, here, app.at(at), at=at)) == 10


@pytest.mark.usefixtures("organisation")
def test_setting_up_and_removing_share_what_may_be_tried(sessions: SessionFactory) -> None:
    """So that neither is a way round the limit of the other."""
    limits = LimitSettings(second_factor_by_account="3/PT15M")
    visitor = Visitor(make_desk(sessions, SETTINGS.model_copy(update={"limits": limits})))
    here, desk = visitor.tries().sign_in, visitor.desk
    app = TOTP(enrolling.begin(desk, here, PASSWORD, at=NOON).secret)
    with pytest.raises(SecondFactorRefused):
        enrolling.confirm(desk, here, WRONG, at=NOON)
    enrolling.confirm(desk, here, app.at(NOON), at=NOON)
    with pytest.raises(SecondFactorRefused):
        enrolling.remove(desk, here, password=PASSWORD, code=WRONG, at=NOON)

    with pytest.raises(TooManyRequests):
        enrolling.remove(desk, here, password=PASSWORD, code=app.at(later(30)), at=later(30))
    with pytest.raises(TooManyRequests):
        enrolling.confirm(desk, here, app.at(later(30)), at=later(30))
