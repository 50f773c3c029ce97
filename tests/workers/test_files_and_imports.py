"""What workers do for photos and for files of tasks."""

from hashlib import sha256
from pathlib import Path

import pytest
from kombu import Connection
from sqlalchemy import func, select

from geoservices import clock
from geoservices.access.actors import by_operator
from geoservices.access.rights import Right
from geoservices.database import SessionFactory, transaction
from geoservices.files.models import File
from geoservices.files.store import FileStore
from geoservices.imports import service
from geoservices.imports.models import ImportMode, ImportState, TaskImport
from geoservices.imports.reading import read_csv
from geoservices.imports.service import AT_ONCE
from geoservices.listings.models import ListingKind
from geoservices.settings.storing import FileSettings
from geoservices.tasks.models import Task
from tests.factories import NOON, make_listing, make_organisation, make_place
from tests.jobs import app, runtime
from workers.jobs import files, imports
from workers.relay import Relay


def test_the_relay_rings_for_an_import_and_the_job_does_it(
    committed: SessionFactory, doorbell: Connection
) -> None:
    """From the file to the tasks."""
    rows = [f"A{number},Exeter Library,Boiler" for number in range(AT_ONCE + 1)]
    text = "\n".join(["external_id,place,title", *rows])
    with transaction(committed) as session:
        organisation = make_organisation(session)
        make_place(session, organisation)
        asked = service.ask_for(
            session,
            read_csv(text.encode(), time_zone="Europe/London", most=AT_ONCE + 1),
            mode=ImportMode.WHAT_IS_GOOD,
            dry_run=False,
            time_zone="Europe/London",
            grant=by_operator(organisation.id, Right.LISTINGS_WRITE),
            at=clock.now(),
        )
    settings = runtime.settings()
    relay = Relay(
        committed,
        outbox_lease=settings.outbox_lease,
        push_lease=settings.push.lease,
        mail_lease=settings.mail.lease,
    )

    assert relay.relay_once() == 1
    message = doorbell.SimpleQueue(app.conf.task_default_queue).get(timeout=5)
    message.ack()
    assert message.headers["task"] == "imports.carry_out"
    imports.carry_out(message.payload[0][0])

    with transaction(committed) as session:
        assert session.get_one(TaskImport, asked.id).state == ImportState.DONE
        assert session.scalar(select(func.count()).select_from(Task)) == AT_ONCE + 1


def test_the_store_is_tidied(
    committed: SessionFactory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was removed goes within a minute, what nobody knows of once a day."""
    store = FileStore(FileSettings(url=f"file:{tmp_path}"))
    monkeypatch.setattr(runtime, "files", lambda: store)
    removed, orphan = sha256(b"removed").digest(), sha256(b"orphan").digest()
    store.put(removed, b"removed")
    store.put(orphan, b"orphan")
    with transaction(committed) as session:
        place = make_place(session, make_organisation(session))
        task = make_listing(session, place, kind=ListingKind.TASK)
        session.add(
            File(
                organisation_id=place.organisation_id,
                task_id=task.id,
                added_at=NOON,
                media_type="image/jpeg",
                size_bytes=7,
                width_px=1,
                height_px=1,
                sha256=removed,
                removed_at=NOON,
            )
        )

    files.remove()
    assert set(store.digests()) == {orphan}
    files.sweep()
    assert set(store.digests()) == set()
