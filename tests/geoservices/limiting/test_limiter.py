"""What is spent is spent for all processes."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr
from sqlalchemy import select
from sqlalchemy.orm import Session

from geoservices import clock
from geoservices.codes.links import make_code_key
from geoservices.database import SessionFactory
from geoservices.limiting import queries
from geoservices.limiting.limiter import Limit, Limiter, TooManyRequests
from geoservices.limiting.models import Spending
from geoservices.push.vapid import make_vapid_key
from geoservices.rates import Rate
from geoservices.settings.entering import LimitSettings
from geoservices.settings.presence import CodeSettings
from geoservices.settings.sending import PushSettings
from geoservices.settings.service import Settings
from tests.factories import NOON

PER_HOUR = Rate(10, timedelta(hours=1))


@pytest.fixture
def service() -> Settings:
    """Five passwords an hour."""
    return Settings(
        database_url=SecretStr("postgresql://unused"),
        broker_url=SecretStr("redis://127.0.0.1:1/0"),
        push=PushSettings(
            vapid_private_key=SecretStr(make_vapid_key()), vapid_contact="mailto:a@example.org"
        ),
        codes=CodeSettings(key=SecretStr(make_code_key())),
        limits=LimitSettings(sign_in_by_account="5/PT1H"),
    )


@pytest.fixture
def moment(monkeypatch: pytest.MonkeyPatch) -> list[datetime]:
    """What the clock says."""
    says = [NOON]
    monkeypatch.setattr(clock, "now", lambda: says[0])
    return says


def test_so_many_at_once_and_then_one_by_one(
    sessions: SessionFactory, service: Settings, moment: list[datetime]
) -> None:
    """The refusal says when to come back, and coming back then works once."""
    limiter = Limiter(sessions, service)
    for _ in range(5):
        limiter.spend(Limit.SIGN_IN_BY_ACCOUNT, "ann")

    with pytest.raises(TooManyRequests) as refused:
        limiter.spend(Limit.SIGN_IN_BY_ACCOUNT, "ann")
    limiter.spend(Limit.SIGN_IN_BY_ACCOUNT, "ben")
    limiter.spend(Limit.SIGN_IN_BY_ADDRESS, "ann")

    assert refused.value.retry_after_s == 720
    moment[0] += timedelta(seconds=720)
    limiter.spend(Limit.SIGN_IN_BY_ACCOUNT, "ann")
    with pytest.raises(TooManyRequests):
        limiter.spend(Limit.SIGN_IN_BY_ACCOUNT, "ann")


def test_a_refused_try_costs_nothing(
    sessions: SessionFactory, service: Settings, moment: list[datetime]
) -> None:
    """Nobody can lock somebody else out for good by trying on and on."""
    limiter = Limiter(sessions, service)
    for _ in range(5):
        limiter.spend(Limit.SIGN_IN_BY_ACCOUNT, "ann")
    for _ in range(50):
        with pytest.raises(TooManyRequests):
            limiter.spend(Limit.SIGN_IN_BY_ACCOUNT, "ann")

    moment[0] += timedelta(hours=1)

    for _ in range(5):
        limiter.spend(Limit.SIGN_IN_BY_ACCOUNT, "ann")


def test_nobody_can_read_who_is_counted(
    sessions: SessionFactory, session: Session, service: Settings
) -> None:
    """Neither a name nor a hash that could be made from one without the service's key."""
    Limiter(sessions, service).spend(Limit.SIGN_IN_BY_ADDRESS, "192.0.2.7")
    other = service.model_copy(update={"codes": CodeSettings(key=SecretStr(make_code_key()))})
    Limiter(sessions, other).spend(Limit.SIGN_IN_BY_ADDRESS, "192.0.2.7")

    keys = session.scalars(select(Spending.key)).all()

    assert len(set(keys)) == 2
    assert not any(b"192" in key for key in keys)


def test_many_at_the_same_time_spend_no_more_than_there_is(
    committed: SessionFactory, service: Settings
) -> None:
    """Fifty tries at once by as many connections as there are."""
    limiter = Limiter(committed, service)

    def one_try(_number: int) -> bool:
        try:
            limiter.spend(Limit.SIGN_IN_BY_ACCOUNT, "ann")
        except TooManyRequests:
            return False
        return True

    with ThreadPoolExecutor(16) as pool:
        came_through = sum(pool.map(one_try, range(50)))

    assert came_through == 5


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    pauses=st.lists(st.integers(0, 1200), min_size=1, max_size=60),
    key=st.binary(min_size=32, max_size=32),
)
def test_in_no_span_is_more_spent_than_twice_the_rate(
    session: Session, pauses: list[int], key: bytes
) -> None:
    """All at once, and what was given back meanwhile; and whoever waits a step is never refused."""
    at, spent = NOON, list[datetime]()
    for pause in pauses:
        at += timedelta(seconds=pause)
        came_through = queries.spend(session, key, PER_HOUR, at=at) is None
        assert came_through or pause < PER_HOUR.step.total_seconds()
        spent += [at] * came_through
        lately = [one for one in spent if one > at - PER_HOUR.within]
        assert len(lately) <= 2 * PER_HOUR.count
    session.rollback()


def test_what_was_given_back_is_forgotten(session: Session) -> None:
    """Nothing of anybody stays once it counts for nothing."""
    queries.spend(session, b"a" * 32, PER_HOUR, at=NOON)
    queries.spend(session, b"b" * 32, PER_HOUR, at=NOON + timedelta(minutes=5))

    assert queries.forget(session, at=NOON + timedelta(minutes=6)) == 1
    assert session.scalars(select(Spending.key)).all() == [b"b" * 32]
