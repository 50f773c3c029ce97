"""Photos of tasks over HTTP: sent, listed, looked at, removed."""

from collections.abc import Callable
from hashlib import sha256
from io import BytesIO
from typing import Any
from uuid import UUID, uuid4

import pytest
from fastapi import FastAPI
from httpx2 import Client, Response
from PIL import Image
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from api.dependencies import get_store
from geoservices.access.rights import Role
from geoservices.accounts.models import Organisation
from geoservices.files.models import File
from geoservices.files.store import FileStore
from geoservices.settings.service import Settings
from geoservices.settings.storing import FileSettings
from tests.api import asking
from tests.api.conftest import with_token
from tests.factories import make_access_token, make_organisation, make_place
from tests.picturing import HTML_BEHIND, REFUSED, SECRET, jpeg


@pytest.fixture
def member(
    anyone: Client, session: Session, organisation: Organisation
) -> Callable[[Role], Client]:
    """Makes members of Devon's."""

    def make(role: Role) -> Client:
        token = make_access_token(session, organisation, role)
        session.commit()
        return with_token(anyone, token)

    return make


@pytest.fixture
def task_id(manager: Client, session: Session, organisation: Organisation) -> str:
    """A task of Devon's."""
    place = make_place(session, organisation)
    session.commit()
    made = manager.post("/v1/listings", json=asking.listing(place.id, kind="task", title="Boiler"))
    return str(made.json()["id"])


def sent(
    client: Client, task_id: str | UUID, data: bytes, media_type: str = "image/jpeg"
) -> Response:
    """The answer to a photo."""
    headers = {"Content-Type": media_type}
    return client.post(f"/v1/tasks/{task_id}/photos", content=data, headers=headers)


def test_a_photo_is_added_seen_and_removed(member: Callable[[Role], Client], task_id: str) -> None:
    """By a member of staff; it is a photo and nothing else."""
    staff = member(Role.STAFF)

    answer = sent(staff, task_id, jpeg(orientation=6) + HTML_BEHIND)

    assert answer.status_code == 201
    told = answer.json()
    assert answer.headers["location"] == told["address"] == f"/v1/files/{told['id']}"
    assert (told["width_px"], told["height_px"]) == (300, 400)
    assert staff.get(f"/v1/tasks/{task_id}/photos").json() == [told]
    photo = staff.get(told["address"])
    assert photo.headers["content-type"] == "image/jpeg"
    assert photo.headers["x-content-type-options"] == "nosniff"
    assert photo.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert photo.headers["content-disposition"] == f'inline; filename="photo-{told["id"]}.jpg"'
    assert sha256(photo.content).hexdigest() == told["sha256"]
    assert len(photo.content) == told["size_bytes"]
    assert not Image.open(BytesIO(photo.content)).getexif()
    assert SECRET.encode() not in photo.content
    assert HTML_BEHIND not in photo.content
    assert staff.delete(told["address"]).status_code == 204
    assert staff.get(told["address"]).status_code == 404
    assert staff.get(f"/v1/tasks/{task_id}/photos").json() == []


def test_the_same_photo_again_changes_nothing(
    member: Callable[[Role], Client], task_id: str
) -> None:
    """A phone that did not hear the answer sends it again."""
    staff = member(Role.STAFF)

    first, again = sent(staff, task_id, jpeg()), sent(staff, task_id, jpeg())

    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()


def test_what_was_removed_can_be_added_again(
    member: Callable[[Role], Client], task_id: str
) -> None:
    """Though the store still has it."""
    staff = member(Role.STAFF)
    first = sent(staff, task_id, jpeg()).json()
    staff.delete(first["address"])

    again = sent(staff, task_id, jpeg())

    assert again.status_code == 201
    assert staff.get(again.json()["address"]).status_code == 200


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_photo_leaves_nothing(
    member: Callable[[Role], Client], task_id: str, session: Session, name: str
) -> None:
    """Neither a row nor a file."""
    media_type, make = REFUSED[name]

    answer = sent(member(Role.STAFF), task_id, make(), media_type)

    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/photo-refused")
    assert session.scalar(select(func.count()).select_from(File)) == 0


@pytest.mark.parametrize(
    "media_type", ["image/svg+xml", "image/gif", "image/heic", "text/html", "application/json"]
)
def test_other_types_are_refused_at_the_door(
    member: Callable[[Role], Client], task_id: str, media_type: str
) -> None:
    """Even if what is sent would be a photo."""
    answer = sent(member(Role.STAFF), task_id, jpeg(), media_type)

    assert answer.status_code == 415
    assert "image/webp" in answer.json()["detail"]


def test_images_are_taken_nowhere_else(member: Callable[[Role], Client]) -> None:
    """Elsewhere the door lets in JSON, and less of it."""
    staff = member(Role.STAFF)

    image = staff.post("/v1/devices", content=jpeg(), headers={"Content-Type": "image/jpeg"})
    large = staff.post(
        "/v1/devices", content=b" " * 5 * 2**20, headers={"Content-Type": "application/json"}
    )

    assert (image.status_code, large.status_code) == (415, 413)


def test_a_photo_may_be_larger_than_other_bodies_but_not_by_much(
    member: Callable[[Role], Client], task_id: str, settings: Settings
) -> None:
    """It is read before anything is made of it."""
    staff = member(Role.STAFF)
    padding = b"\x00" * (5 * 2**20)

    assert sent(staff, task_id, jpeg() + padding).status_code == 201
    assert sent(staff, task_id, b"\x00" * (settings.files.max_bytes + 1)).status_code == 413


def test_a_task_has_only_so_many_photos(
    member: Callable[[Role], Client], task_id: str, settings: Settings
) -> None:
    """Whoever fills the store is stopped."""
    staff = member(Role.STAFF)
    most = settings.files.max_photos

    answers = [sent(staff, task_id, jpeg(width=100 + n, height=50)) for n in range(most + 1)]

    assert [answer.status_code for answer in answers] == [201] * most + [409]
    assert answers[-1].json()["type"] == "/problems/too-many-photos"


def test_others_see_and_change_nothing(
    anyone: Client, member: Callable[[Role], Client], session: Session, task_id: str
) -> None:
    """Another organisation finds neither task nor photo; an auditor looks and touches nothing."""
    told = sent(member(Role.STAFF), task_id, jpeg()).json()
    dorset = make_access_token(session, make_organisation(session, "dorset"), Role.ADMIN)
    session.commit()
    stranger, auditor = with_token(anyone, dorset), member(Role.AUDITOR)

    for asked in (
        stranger.get(told["address"]),
        stranger.delete(told["address"]),
        stranger.get(f"/v1/tasks/{task_id}/photos"),
        sent(stranger, task_id, jpeg(width=80)),
        auditor.get(f"/v1/files/{uuid4()}"),
        sent(member(Role.STAFF), uuid4(), jpeg()),
    ):
        assert asked.status_code == 404
    assert auditor.get(told["address"]).status_code == 200
    assert auditor.delete(told["address"]).status_code == 403
    assert sent(auditor, task_id, jpeg(width=80)).status_code == 403


def test_only_whoever_took_it_or_a_manager_removes_it(
    member: Callable[[Role], Client], task_id: str
) -> None:
    """A colleague does not."""
    told = sent(member(Role.STAFF), task_id, jpeg()).json()

    assert member(Role.STAFF).delete(told["address"]).status_code == 403
    assert member(Role.MANAGER).delete(told["address"]).status_code == 204


def test_a_store_that_fails_leaves_no_row(
    application: FastAPI,
    member: Callable[[Role], Client],
    task_id: str,
    session: Session,
    tmp_path: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A folder that is a file, so that nothing can be put into it; then it is one."""
    blocked = tmp_path / "store"
    blocked.write_bytes(b"")
    store = FileStore(FileSettings(url=f"file:{blocked}"))
    monkeypatch.setitem(application.dependency_overrides, get_store, lambda: store)
    staff = member(Role.STAFF)

    failed = sent(staff, task_id, jpeg())

    assert (failed.status_code, failed.json()["type"]) == (503, "/problems/files-unavailable")
    assert session.scalar(select(func.count()).select_from(File)) == 0
    blocked.unlink()
    told = sent(staff, task_id, jpeg())
    assert told.status_code == 201
    for file in blocked.rglob("*"):
        if file.is_file():
            file.write_bytes(b"something else")
    assert staff.get(told.json()["address"]).status_code == 503
