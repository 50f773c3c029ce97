"""Devices' tokens exchanged, and what happens to whoever uses one of before."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from geoservices.accounts import device_queries
from geoservices.accounts.device_tokens import (
    MOST_REMEMBERED,
    TokenReplayed,
    authenticate_device,
    make_next_token,
    make_next_token_if_due,
    revoke_replayed,
)
from geoservices.accounts.models import Device, OtherToken
from geoservices.accounts.tokens import hash_token
from geoservices.database import SessionFactory, transaction
from geoservices.settings.entering import DeviceSettings
from tests.factories import NOON, make_device, make_person

OVERLAP = timedelta(minutes=1)
RULES = DeviceSettings(token_age=timedelta(days=30), token_overlap=OVERLAP)
Use = Callable[[str], bool]


@pytest.fixture
def carried(session: Session) -> tuple[Device, str]:
    """A device and its first token."""
    return make_device(session, make_person(session))


def use(session: Session, token: str, *, at: datetime = NOON) -> Device | None:
    """Whose token it is when it is used."""
    found = authenticate_device(session, token, overlap=OVERLAP, at=at)
    return found[0] if found else None


def test_a_token_counts_until_the_next_one_is_used(
    session: Session, carried: tuple[Device, str]
) -> None:
    """However long that takes: an answer that was lost locks nobody out."""
    device, first = carried
    make_next_token(session, device, at=NOON)

    later = NOON + timedelta(days=400)

    assert use(session, first, at=later) is device
    assert device.token_hash == hash_token(first)


def test_its_use_is_written_down_once_a_day(committed: SessionFactory) -> None:
    """At the end of the transaction, and by whoever holds nothing up."""
    with transaction(committed) as session:
        device, token = make_device(session, make_person(session))

    def noted(after: timedelta) -> datetime | None:
        with transaction(committed) as session:
            use(session, token, at=NOON + after)
        with committed() as session:
            return session.get_one(Device, device.id).last_used_at

    day, hour = timedelta(days=1), timedelta(hours=1)
    told = [noted(23 * hour), noted(day), noted(2 * day - hour), noted(2 * day)]
    with committed() as holding:
        holding.get_one(Device, device.id, with_for_update=True)
        told.append(noted(4 * day))

    assert told == [None, NOON + day, NOON + day, NOON + 2 * day, NOON + 2 * day]


def test_the_next_token_ends_the_one_before(session: Session, carried: tuple[Device, str]) -> None:
    """After a short overlap, for what was on its way."""
    device, first = carried
    following = make_next_token(session, device, at=NOON)

    assert use(session, following) is device
    assert device.token_hash == hash_token(following)
    assert device.token_made_at == NOON
    assert use(session, first, at=NOON + OVERLAP - timedelta(seconds=1)) is device
    assert use(session, following, at=NOON + timedelta(days=400)) is device


def test_whoever_begins_with_a_token_while_another_does_is_let_in(
    session: Session, carried: tuple[Device, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was none of the device's tokens by then but the one of now."""
    device, _first = carried
    following = make_next_token(session, device, at=NOON)
    look = device_queries.device_by_other_token

    def look_too_late(session: Session, token_hash: bytes) -> tuple[OtherToken, Device] | None:
        monkeypatch.undo()
        assert use(session, following) is device
        return look(session, token_hash)

    monkeypatch.setattr(device_queries, "device_by_other_token", look_too_late)

    assert use(session, following) is device


def test_a_token_of_before_ends_the_device(session: Session, carried: tuple[Device, str]) -> None:
    """One of the two who use its tokens has stolen one, and nobody can tell which."""
    device, first = carried
    following = make_next_token(session, device, at=NOON)
    use(session, following)

    with pytest.raises(TokenReplayed) as replayed:
        use(session, first, at=NOON + OVERLAP)
    revoke_replayed(session, replayed.value.device_id, at=NOON + OVERLAP)
    session.flush()

    assert device.revoked_at == NOON + OVERLAP
    assert use(session, following) is None
    assert use(session, first) is None


def test_a_thief_who_exchanges_the_token_is_noticed(
    session: Session, carried: tuple[Device, str]
) -> None:
    """When its owner comes back with the token that was stolen."""
    device, stolen = carried
    thiefs = make_next_token(session, device, at=NOON)
    use(session, thiefs)

    with pytest.raises(TokenReplayed):
        use(session, stolen, at=NOON + timedelta(days=1))


def test_asked_for_again_there_is_another_next_one(
    session: Session, carried: tuple[Device, str]
) -> None:
    """The one that was given out and never used is worthless, and harms nobody."""
    device, first = carried
    lost = make_next_token(session, device, at=NOON)
    following = make_next_token(session, device, at=NOON)

    assert use(session, lost) is None
    assert use(session, first) is device
    assert use(session, following) is device
    assert device.revoked_at is None


def test_only_hashes_are_kept(session: Session, carried: tuple[Device, str]) -> None:
    """Of the next token, and of those before."""
    device, _first = carried
    following = make_next_token(session, device, at=NOON)

    [stored] = session.scalars(select(OtherToken.token_hash))
    assert stored == hash_token(following)
    assert following.encode() not in stored


def test_so_many_tokens_of_before_are_remembered(
    session: Session, carried: tuple[Device, str]
) -> None:
    """An older one is as good as one that never was."""
    device, first = carried
    tokens = [first]
    for day in range(MOST_REMEMBERED + 1):
        at = NOON + timedelta(days=day)
        tokens.append(make_next_token(session, device, at=at))
        use(session, tokens[-1], at=at)

    count = session.scalars(select(func.count()).select_from(OtherToken)).one()
    assert count == MOST_REMEMBERED
    assert use(session, tokens[0], at=NOON + timedelta(days=100)) is None
    with pytest.raises(TokenReplayed):
        use(session, tokens[1], at=NOON + timedelta(days=100))


def test_a_revoked_devices_tokens_are_all_worthless(
    session: Session, carried: tuple[Device, str]
) -> None:
    """Also the next one, which nobody has used yet."""
    device, first = carried
    following = make_next_token(session, device, at=NOON)
    device.revoked_at = NOON
    session.flush()

    assert use(session, first) is None
    assert use(session, following) is None


@pytest.mark.parametrize(
    ("age", "waited", "due"),
    [
        pytest.param(timedelta(days=30) - timedelta(seconds=1), None, False, id="too young"),
        pytest.param(timedelta(days=30), None, True, id="of age"),
        pytest.param(timedelta(days=30), timedelta(seconds=59), False, id="just given one"),
        pytest.param(timedelta(days=30), timedelta(seconds=60), True, id="the answer was lost"),
    ],
)
def test_a_token_is_exchanged_when_it_has_served_its_time(
    session: Session,
    carried: tuple[Device, str],
    age: timedelta,
    waited: timedelta | None,
    due: bool,  # noqa: FBT001
) -> None:
    """And not twice at once, as pages ask for several things together."""
    device, _first = carried
    at = NOON + age
    if waited is not None:
        make_next_token(session, device, at=at - waited)

    made = make_next_token_if_due(session, device, settings=RULES, at=at)

    assert (made is not None) == due


def test_the_age_counts_from_the_last_exchange(
    session: Session, carried: tuple[Device, str]
) -> None:
    """A device that is old with a token that is new goes on."""
    device, _first = carried
    at = NOON + timedelta(days=100)
    use(session, make_next_token(session, device, at=at), at=at)

    soon, late = at + timedelta(days=29), at + timedelta(days=30)

    assert make_next_token_if_due(session, device, settings=RULES, at=soon) is None
    assert make_next_token_if_due(session, device, settings=RULES, at=late) is not None


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(steps=st.lists(st.sampled_from(["ask", "lose", "use", "late"]), max_size=12))
def test_a_device_that_does_as_told_is_never_locked_out(session: Session, steps: list[str]) -> None:
    """Whatever answers get lost: it keeps the token that worked last until the next one works."""
    device, token = make_device(session, make_person(session))
    next_token: str | None = None
    at = NOON
    for step in steps:
        at += timedelta(hours=1)
        if step == "ask":
            next_token = make_next_token(session, device, at=at)
        elif step == "lose":
            make_next_token(session, device, at=at)
            next_token = None
        elif step == "use" and next_token:
            assert use(session, next_token, at=at) is device
            token, next_token = next_token, None
        assert use(session, token, at=at) is device
