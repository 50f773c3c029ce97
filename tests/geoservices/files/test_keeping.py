"""The store and the table: what one has the other has, in the end."""

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from threading import Thread
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from geoservices import clock
from geoservices.access.actors import by_operator
from geoservices.access.rights import Right
from geoservices.database import SessionFactory, transaction
from geoservices.files import queries, service
from geoservices.files.models import File
from geoservices.files.photos import Photo, make_photo
from geoservices.files.store import FileStore, StoreUnavailable
from geoservices.settings.storing import FileSettings
from geoservices.tasks.models import Task
from tests.factories import NOON, make_organisation, make_place
from tests.picturing import jpeg


@pytest.fixture
def store(tmp_path: Path) -> FileStore:
    """A store in a folder that is not there yet."""
    return FileStore(FileSettings(url=f"file:{tmp_path / 'store'}"))


@pytest.fixture
def tasks(committed: SessionFactory) -> list[UUID]:
    """Two tasks."""
    with transaction(committed) as session:
        place = make_place(session, make_organisation(session))
        made = [
            Task(
                organisation_id=place.organisation_id,
                place_id=place.id,
                kind="task",
                title=title,
                text="",
                evidence_needed="self-declared",
                starts_at=NOON,
                created_at=NOON,
            )
            for title in ("Boiler", "Roof")
        ]
        session.add_all(made)
        session.flush()
        return [task.id for task in made]


def a_photo(width: int = 40) -> Photo:
    """A photo."""
    return make_photo(jpeg(width=width), "image/jpeg", max_pixels=10**6, side_px=1000)


def add(session: Session, task_id: UUID, photo: Photo, store: FileStore) -> File:
    """Add a photo to a task."""
    task = session.get_one(Task, task_id)
    grant = by_operator(task.organisation_id, Right.TASKS_WRITE)
    at = clock.now()
    return service.add_photo(session, task, photo, store=store, most=9, grant=grant, at=at)[0]


def stored(store: FileStore) -> set[bytes]:
    """What is in a store."""
    return set(store.digests())


def rows(sessions: SessionFactory) -> int:
    """How many files the table knows."""
    with transaction(sessions) as session:
        return session.scalars(select(func.count()).select_from(File)).one()


def test_a_file_is_kept_under_its_digest(store: FileStore, tmp_path: Path) -> None:
    """Twice is once; removed twice is removed."""
    digest = sha256(b"boiler").digest()

    assert stored(store) == set()
    for _ in range(2):
        store.put(digest, b"boiler")
    assert (tmp_path / "store" / digest.hex()[:2] / digest.hex()).read_bytes() == b"boiler"
    assert (store.read(digest), stored(store)) == (b"boiler", {digest})
    for _ in range(2):
        store.remove(digest)
    assert stored(store) == set()


def test_half_a_file_is_written_anew(store: FileStore, tmp_path: Path) -> None:
    """What a process that died has left there."""
    digest = sha256(b"boiler").digest()
    there = tmp_path / "store" / digest.hex()[:2] / digest.hex()
    there.parent.mkdir(parents=True)
    there.write_bytes(b"boi")

    store.put(digest, b"boiler")

    assert store.read(digest) == b"boiler"


def test_what_was_changed_or_lost_is_not_given_out(store: FileStore, tmp_path: Path) -> None:
    """Whoever asks is told that it cannot be had."""
    digest = sha256(b"boiler").digest()
    store.put(digest, b"boiler")
    (tmp_path / "store" / digest.hex()[:2] / digest.hex()).write_bytes(b"kettle")

    for asked in (digest, bytes(32)):
        with pytest.raises(StoreUnavailable):
            store.read(asked)


def test_what_was_removed_leaves_the_store(
    committed: SessionFactory, tasks: list[UUID], store: FileStore
) -> None:
    """By the job, and only once no other task has it."""
    photo, other = a_photo(), a_photo(50)
    with transaction(committed) as session:
        files = [add(session, task_id, photo, store) for task_id in tasks]
        add(session, tasks[0], other, store)
        files[0].removed_at = clock.now()

    assert service.carry_out_removals(committed, store) == 1
    assert stored(store) == {photo.digest, other.digest}
    with transaction(committed) as session:
        session.get_one(File, files[1].id).removed_at = clock.now()
    assert service.carry_out_removals(committed, store) == 1
    assert stored(store) == {other.digest}
    assert (service.carry_out_removals(committed, store), rows(committed)) == (0, 1)


def test_a_store_that_fails_is_asked_again(
    committed: SessionFactory,
    tasks: list[UUID],
    store: FileStore,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The row stays until the file is gone."""
    with transaction(committed) as session:
        add(session, tasks[0], a_photo(), store).removed_at = clock.now()

    def fail(_store: FileStore, _digest: bytes) -> None:
        raise StoreUnavailable

    with monkeypatch.context() as patch:
        patch.setattr(FileStore, "remove", fail)
        with pytest.raises(StoreUnavailable):
            service.carry_out_removals(committed, store)

    assert rows(committed) == 1
    assert service.carry_out_removals(committed, store) == 1
    assert (rows(committed), stored(store)) == (0, set())


def test_orphans_are_swept_and_what_is_missing_is_counted(
    committed: SessionFactory, tasks: list[UUID], store: FileStore, tmp_path: Path
) -> None:
    """A file whose transaction was taken back goes; a row whose file is lost stays, and says so."""
    kept, lost = a_photo(), a_photo(50)
    with transaction(committed) as session:
        add(session, tasks[0], kept, store)
        add(session, tasks[0], lost, store)
    with committed() as session:
        add(session, tasks[1], a_photo(60), store)
        session.rollback()
    (tmp_path / "store" / "README").write_text("not ours")
    store.remove(lost.digest)

    assert service.sweep(committed, store) == service.Swept(removed=1, missing=1)
    assert stored(store) == {kept.digest}
    assert rows(committed) == 2
    assert (tmp_path / "store" / "README").exists()
    assert service.sweep(committed, store) == service.Swept(removed=0, missing=1)


def test_a_task_that_goes_leaves_nothing_in_the_store(
    committed: SessionFactory, tasks: list[UUID], store: FileStore
) -> None:
    """Its rows go with it, and the sweep finds what they spoke of."""
    with transaction(committed) as session:
        add(session, tasks[0], a_photo(), store)
    with transaction(committed) as session:
        session.delete(session.get_one(Task, tasks[0]))

    assert rows(committed) == 0
    assert service.sweep(committed, store).removed == 1


@pytest.fixture
def adding(
    committed: SessionFactory, tasks: list[UUID], store: FileStore
) -> Iterator[tuple[Session, Photo]]:
    """A transaction that has added a photo, and is not over."""
    photo = a_photo()
    with committed() as session, session.begin():
        add(session, tasks[0], photo, store)
        yield session, photo


def test_the_sweep_waits_for_whoever_adds_the_same_file(
    committed: SessionFactory, store: FileStore, adding: tuple[Session, Photo]
) -> None:
    """A file whose row is not committed yet is no orphan."""
    session, photo = adding
    sweeping = Thread(target=service.sweep, args=(committed, store))

    sweeping.start()
    sweeping.join(0.5)
    assert sweeping.is_alive()
    session.commit()
    sweeping.join(10)

    assert not sweeping.is_alive()
    assert stored(store) == {photo.digest}


def test_a_digest_is_held_by_one_transaction(committed: SessionFactory) -> None:
    """Others wait, and those of other digests do not."""
    with transaction(committed) as session:
        queries.hold_digest(session, bytes(32))
        with transaction(committed) as other:
            queries.hold_digest(other, uuid4().bytes * 2)
