"""Exports asked for and written: whole, by one worker, in bounded memory, and not for ever."""

import csv
import json
import tracemalloc
from datetime import timedelta
from io import BytesIO, TextIOWrapper
from typing import Any
from uuid import UUID
from zipfile import ZipFile

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from geoservices import clock
from geoservices.accounts.models import Device
from geoservices.database import SessionFactory, transaction
from geoservices.exports import queries, service
from geoservices.exports.archive import CHUNK_BYTES
from geoservices.exports.models import Export, ExportChunk, ExportState
from geoservices.exports.service import WORK
from geoservices.holdings.kinds import INVENTORY
from geoservices.leasing.models import Reason
from geoservices.leasing.work import Superseded
from geoservices.limiting.limiter import Limiter, TooManyRequests
from tests.api.world import World, make_world
from tests.factories import NOON
from tests.pinging import make_pings
from tests.writing import SETTINGS

RIGHTS = SETTINGS.rights


@pytest.fixture
def world(committed: SessionFactory) -> World:
    """A person of whom there is one of everything, a copy of before among it."""
    with committed() as session:
        return make_world(session)


def asked(sessions: SessionFactory, world: World) -> UUID:
    """The id of a copy that is to be made."""
    limiter = Limiter(sessions, SETTINGS)
    with transaction(sessions) as session:
        export = service.ask_for(
            session, world.person.id, rights=RIGHTS, limiter=limiter, at=clock.now()
        )
    return export.id


def seen(sessions: SessionFactory, export_id: UUID) -> Export:
    """A copy as it stands."""
    with transaction(sessions) as session:
        return session.get_one(Export, export_id)


def downloaded(sessions: SessionFactory, export_id: UUID) -> ZipFile:
    """The file of a copy."""
    archive = ZipFile(
        BytesIO(
            b"".join(
                service.read_file(
                    sessions, export_id, person_id=seen(sessions, export_id).person_id
                )
            )
        )
    )
    assert archive.testzip() is None
    return archive


def sheet(archive: ZipFile, kind: str) -> list[dict[str, str]]:
    """The rows of a file of a kind's."""
    with archive.open(f"{kind}.csv") as file:
        return list(csv.DictReader(TextIOWrapper(file, "utf-8-sig", newline="")))


def test_a_copy_has_everything_twice(committed: SessionFactory, world: World) -> None:
    """One JSON document and a CSV file for each kind, which say the same, and words beside them."""
    export_id = asked(committed, world)

    assert service.write(committed, export_id, rights=RIGHTS)

    archive = downloaded(committed, export_id)
    data: dict[str, Any] = json.loads(archive.read("data.json"))
    assert (data["format"], data["version"]) == ("geoservices-export", 1)
    assert list(data["kinds"]) == [holding.kind for holding in INVENTORY]
    for kind, told in data["kinds"].items():
        assert told["columns"]
        assert len(sheet(archive, kind)) == len(told["rows"])
    assert data["kinds"]["visits"]["rows"][0]["place"] == "Exeter Library"
    assert sheet(archive, "visits")[0]["place"] == "Exeter Library"
    assert data["kinds"]["email-addresses"]["rows"][0]["address"] == "anna@example.org"
    assert archive.read("visits.csv").startswith(b"\xef\xbb\xbf")
    assert b"\r\n" in archive.read("visits.csv")
    assert "Everything we hold about you" in archive.read("README.txt").decode()
    export = seen(committed, export_id)
    rows = sum(len(told["rows"]) for told in data["kinds"].values())
    assert export.state == ExportState.READY
    assert export.rows_written == export.rows_to_write == 2 * rows
    with transaction(committed) as session:
        assert export.size_bytes == queries.size(session, export_id)


def test_a_formula_in_a_label_is_text(committed: SessionFactory, world: World) -> None:
    """The file is opened by spreadsheets."""
    with transaction(committed) as session:
        session.get_one(Device, world.device.id).label = "=HYPERLINK(A1)"
    export_id = asked(committed, world)
    service.write(committed, export_id, rights=RIGHTS)

    archive = downloaded(committed, export_id)

    assert sheet(archive, "devices")[0]["label"] == "'=HYPERLINK(A1)"
    rows = json.loads(archive.read("data.json"))["kinds"]["devices"]["rows"]
    assert rows[0]["label"] == "=HYPERLINK(A1)"


def test_many_positions_take_little_memory(committed: SessionFactory, world: World) -> None:
    """20,000 positions are written and read part by part."""
    with transaction(committed) as session:
        make_pings(session, world.device.id, 20_000)
    export_id = asked(committed, world)

    tracemalloc.start()
    service.write(committed, export_id, rights=RIGHTS)
    _now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 12 * 2**20
    assert len(sheet(downloaded(committed, export_id), "positions")) == 20_000
    with transaction(committed) as session:
        parts = select(func.count(), func.max(func.length(ExportChunk.data)))
        count, longest = session.execute(parts.where(ExportChunk.export_id == export_id)).one()
    assert count > 1
    assert longest == CHUNK_BYTES


def test_one_is_made_at_a_time(committed: SessionFactory, world: World) -> None:
    """Asking again while one is being made gives the same; three a day are made."""
    first = asked(committed, world)
    assert asked(committed, world) == first

    for _ in range(3):
        service.write(committed, asked(committed, world), rights=RIGHTS)

    with pytest.raises(TooManyRequests):
        asked(committed, world)


def test_a_second_worker_passes_it_over(committed: SessionFactory, world: World) -> None:
    """While the first one's lease holds; then it is written anew, and the first one's is lost."""
    export_id = asked(committed, world)
    with transaction(committed) as session:
        begun = service._begin(session, export_id, at=clock.now())
        assert begun is not None
        attempt = begun.attempt_count
    writing = service._Writing(committed, export_id, attempt=attempt)
    writing.keep(b"from a worker that then hangs")

    assert not service.write(committed, export_id, rights=RIGHTS)
    with transaction(committed) as session:
        session.get_one(Export, export_id).leased_until = clock.now()
    assert service.write(committed, export_id, rights=RIGHTS)

    with pytest.raises(Superseded):
        writing.keep(b"and comes back")
    downloaded(committed, export_id)


def test_what_breaks_off_too_often_has_failed(committed: SessionFactory, world: World) -> None:
    """And another one may be asked for."""
    export_id = asked(committed, world)
    with transaction(committed) as session:
        session.get_one(Export, export_id).attempt_count = WORK.most_attempts

    assert not service.write(committed, export_id, rights=RIGHTS)

    given_up = seen(committed, export_id)
    assert (given_up.state, given_up.reason) == (ExportState.FAILED, Reason.BROKE_OFF)
    assert asked(committed, world) != export_id


def test_the_relay_is_handed_what_waits(session: Session) -> None:
    """Once for each lease; what is ready is handed out no more."""
    world = make_world(session)
    export = Export(
        person_id=world.person.id,
        state=ExportState.QUEUED,
        created_at=NOON,
        due_at=NOON,
        expires_at=NOON,
    )
    session.add(export)
    session.flush()

    assert WORK.queue.hand_out(session, at=NOON, lease=WORK.lease, limit=9) == [export.id]
    assert WORK.queue.hand_out(session, at=NOON, lease=WORK.lease, limit=9) == []
    WORK.queue.put_back(session, [export.id], at=NOON)
    assert WORK.queue.hand_out(session, at=NOON, lease=WORK.lease, limit=9) == [export.id]


def test_copies_are_deleted_in_due_time(committed: SessionFactory, world: World) -> None:
    """With their files, a week after they were ready."""
    assert seen(committed, world.ids["export_id"]).state == ExportState.READY
    at = NOON + timedelta(days=7)
    with transaction(committed) as session:
        assert service.delete_expired(session, at=at - timedelta(seconds=1), limit=9) == 0
        assert service.delete_expired(session, at=at, limit=9) == 1

    with transaction(committed) as session:
        assert session.execute(text("SELECT count(*) FROM export_chunks")).scalar_one() == 0
