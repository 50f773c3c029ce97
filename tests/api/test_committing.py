"""Requests that share a transaction: each gets its own answer, or its own problem."""

import asyncio
from dataclasses import replace
from typing import Any
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError

from api.committing import Committer
from geoservices import clock, receiving
from geoservices.accounts.models import Device, Purpose
from geoservices.database import (
    SessionFactory,
    is_away,
    make_engine,
    make_session_factory,
    transaction,
)
from geoservices.errors import Unauthenticated
from geoservices.geofences.live import LiveGeofences
from geoservices.geometry.position import Position
from geoservices.outbox import OutboxMessage
from geoservices.pings.models import Ping
from geoservices.pings.screening import Verdict
from geoservices.pings.service import VERDICTS
from geoservices.receiving import Intake, Sent
from geoservices.trips import Trip
from geoservices.visits.models import Transition
from tests.factories import (
    make_device,
    make_geofence,
    make_organisation,
    make_person,
    make_place,
)
from tests.walking import FAR, INSIDE, SETTINGS, ping


@pytest.fixture
def devices(committed: SessionFactory) -> list[Device]:
    """Phones of people who agreed to be located."""
    with transaction(committed) as session:
        return [make_device(session, make_person(session, Purpose.NEARBY))[0] for _ in range(6)]


@pytest.fixture
def groups(monkeypatch: pytest.MonkeyPatch) -> list[list[Sent]]:
    """The groups that were taken in, in order; every clock says that the pings are new."""
    taken: list[list[Sent]] = []
    take_in = receiving.take_in

    def note(session: Any, sent: Any, **rest: Any) -> Any:
        taken.append(list(sent))
        return take_in(session, sent, **rest)

    monkeypatch.setattr(receiving, "take_in", note)
    monkeypatch.setattr(clock, "now", lambda: ping(60, FAR).recorded_at)
    return taken


def sent_by(device: Device, second: float = 0) -> Sent:
    """A request with one ping."""
    return Sent(token_hash=device.token_hash, pings=[ping(second, FAR)])


def send(sessions: SessionFactory, *requests: Sent) -> list[Intake | BaseException]:
    """Send requests at the same moment."""
    committer = Committer(sessions, LiveGeofences(), SETTINGS)

    async def all_of_them() -> list[Intake | BaseException]:
        return await asyncio.gather(
            *(committer.take_in(one) for one in requests), return_exceptions=True
        )

    return asyncio.run(all_of_them())


def stored(sessions: SessionFactory) -> set[UUID]:
    """Whose pings are stored."""
    with sessions() as session:
        assert session.scalar(select(func.count()).select_from(Ping)) is not None
        return set(session.scalars(select(Ping.device_id)))


def test_what_waits_together_is_committed_together(
    committed: SessionFactory, devices: list[Device], groups: list[list[Sent]]
) -> None:
    """The first does not wait for the others; they queue meanwhile and share the next one."""
    answers = send(committed, *(sent_by(device) for device in devices))

    assert all(isinstance(answer, Intake) for answer in answers)
    assert [len(group) for group in groups] == [6]
    assert stored(committed) == {device.id for device in devices}


def test_a_refused_request_harms_no_other(
    committed: SessionFactory, devices: list[Device], groups: list[list[Sent]]
) -> None:
    """It is refused in the same group."""
    nobody = Sent(token_hash=b"?" * 32, pings=[ping(0, FAR)])

    first, unknown, last = send(committed, sent_by(devices[0]), nobody, sent_by(devices[1]))

    assert isinstance(first, Intake)
    assert isinstance(last, Intake)
    assert isinstance(unknown, Unauthenticated)
    assert len(groups) == 1


def test_a_request_that_breaks_its_group_fails_alone(
    committed: SessionFactory, devices: list[Device], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database refuses its position; the others are taken in one by one."""
    monkeypatch.setattr(clock, "now", lambda: ping(60, FAR).recorded_at)
    bad = devices[2]
    nowhere = replace(ping(0, FAR), position=Position(lon=0.0, lat=91.0))

    answers = send(
        committed,
        *(sent_by(device) for device in devices[:2]),
        Sent(token_hash=bad.token_hash, pings=[nowhere]),
        *(sent_by(device) for device in devices[3:]),
    )

    assert [type(answer) for answer in answers] == [
        psycopg.errors.CheckViolation if device is bad else Intake for device in devices
    ]
    assert stored(committed) == {device.id for device in devices if device is not bad}


def test_a_group_that_never_arrived_is_asked_for_once_more_only(
    committed: SessionFactory, devices: list[Device], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the database is away, asking for each request would take as long again for each."""
    asked: list[int] = []

    def away(_session: Any, sent: Any, **_rest: Any) -> Any:
        asked.append(len(sent))
        raise psycopg.OperationalError

    monkeypatch.setattr(receiving, "take_in", away)

    answers = send(committed, *(sent_by(device) for device in devices))

    assert {type(answer) for answer in answers} == {psycopg.OperationalError}
    assert asked == [6, 1]


@pytest.mark.parametrize(
    ("error", "away"),
    [
        (psycopg.OperationalError(), True),
        (psycopg.errors.AdminShutdown(), True),
        (psycopg.errors.CannotConnectNow(), True),
        (psycopg.errors.LockNotAvailable(), False),
        (psycopg.errors.DeadlockDetected(), False),
        (psycopg.errors.QueryCanceled(), False),
        (OperationalError("", None, psycopg.errors.LockNotAvailable()), False),
        (OperationalError("", None, psycopg.OperationalError()), True),
        (ValueError(), False),
    ],
)
def test_only_a_lost_database_is_away(error: Exception, *, away: bool) -> None:
    """What befell one request says nothing of the others."""
    assert is_away(error) is away


@pytest.mark.parametrize("committed_first", [False, True], ids=["before", "behind"])
def test_a_connection_lost_at_the_commit_doubles_nothing(
    committed: SessionFactory,
    database_url: str,
    devices: list[Device],
    monkeypatch: pytest.MonkeyPatch,
    *,
    committed_first: bool,
) -> None:
    """Nobody can know whether the commit was heard, so the requests are taken in once more."""
    with transaction(committed) as session:
        make_geofence(session, make_place(session, make_organisation(session)))
    monkeypatch.setattr(clock, "now", lambda: ping(60, FAR).recorded_at)
    go = Trip.go
    lost: list[bool] = []

    def losing(trip: Trip, *, commit: bool = False) -> None:
        if not commit or lost:
            go(trip, commit=commit)
            return
        lost.append(True)
        if committed_first:
            go(trip, commit=commit)
        trip._connection.pgconn.finish()
        go(trip, commit=commit)

    monkeypatch.setattr(Trip, "go", losing)
    intake = make_engine(database_url, pool_size=1, ask_first=False, by_key=True)
    sent = [Sent(token_hash=one.token_hash, pings=[ping(0, INSIDE)]) for one in devices[:2]]

    answers = send(make_session_factory(intake), *sent)
    again = send(make_session_factory(intake), *sent)

    intake.dispose()
    told = [answer for answer in (*answers, *again) if isinstance(answer, Intake)]
    assert [[VERDICTS[one] for one in answer.verdicts] for answer in told] == [
        *[[Verdict.REPEATED if committed_first else Verdict.ACCEPTED]] * 2,
        *[[Verdict.REPEATED]] * 2,
    ]
    with committed() as session:
        assert session.scalar(select(func.count()).select_from(Ping)) == 2
        assert session.scalar(select(func.count()).select_from(Transition)) == 2
        assert session.scalar(select(func.count()).select_from(OutboxMessage)) == 2
