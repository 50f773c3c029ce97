"""Photos of tasks, for those who work on them and those who look at what was done."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response

from api.bodies import StrictRoute, media_type_of, read_bytes
from api.darkroom import DarkroomDep
from api.dependencies import Needs, Now, SessionDep, SettingsDep, StoreDep
from api.problems import problem_responses
from api.responses import JpegResponse, repeated
from api.schemas.files import FileOut
from geoservices.access.actors import Grant
from geoservices.access.rights import Right
from geoservices.errors import NotFound
from geoservices.files import service
from geoservices.files.photos import FORMATS, PhotoRefused
from geoservices.files.service import TooManyPhotos
from geoservices.files.store import StoreUnavailable
from geoservices.tasks import service as tasks

router = APIRouter(tags=["tasks"], route_class=StrictRoute)

Reading = Annotated[Grant, Depends(Needs(Right.TASKS_READ))]
Working = Annotated[Grant, Depends(Needs(Right.TASKS_WRITE))]
Sent = Annotated[bytes, Depends(read_bytes)]
AN_IMAGE = {
    "requestBody": {
        "required": True,
        "description": "The image itself. Of what comes with it, such as where it was taken, "
        "nothing is kept.",
        "content": {
            media_type: {"schema": {"type": "string", "format": "binary"}} for media_type in FORMATS
        },
    }
}


@router.post(
    "/tasks/{task_id}/photos",
    status_code=201,
    openapi_extra=AN_IMAGE,
    responses={
        **repeated(FileOut),
        **problem_responses(NotFound, PhotoRefused, TooManyPhotos, StoreUnavailable),
    },
)
def add_photo(
    request: Request,
    task_id: UUID,
    sent: Sent,
    grant: Working,
    session: SessionDep,
    settings: SettingsDep,
    darkroom: DarkroomDep,
    store: StoreDep,
    response: Response,
    at: Now,
) -> FileOut:
    """Add a photo to a task, as a JPEG, PNG or WebP; the same one again changes nothing.

    It is kept as a JPEG, upright and of a moderate size, without anything but its pixels.
    """
    task = tasks.get_task(session, task_id, grant=grant)
    photo = darkroom.make(sent, media_type_of(request))
    most = settings.files.max_photos
    file, made = service.add_photo(session, task, photo, store=store, most=most, grant=grant, at=at)
    response.status_code = 201 if made else 200
    response.headers["Location"] = f"/v1/files/{file.id}"
    return FileOut.of(file)


@router.get("/tasks/{task_id}/photos", responses=problem_responses(NotFound))
def list_photos(task_id: UUID, grant: Reading, session: SessionDep) -> list[FileOut]:
    """See which photos a task has, the first one first."""
    task = tasks.get_task(session, task_id, grant=grant)
    return [FileOut.of(file) for file in service.list_photos(session, task)]


@router.get(
    "/files/{file_id}",
    response_class=JpegResponse,
    responses={
        200: {"description": "The photo.", "content": {"image/jpeg": {}}},
        **problem_responses(NotFound, StoreUnavailable),
    },
)
def read_file(file_id: UUID, grant: Reading, session: SessionDep, store: StoreDep) -> JpegResponse:
    """Get a photo itself."""
    file = service.get_file(session, file_id, grant=grant)
    return JpegResponse(store.read(file.sha256), name=f"photo-{file.id}.jpg")


@router.delete("/files/{file_id}", status_code=204, responses=problem_responses(NotFound))
def remove_file(file_id: UUID, grant: Working, session: SessionDep, at: Now) -> Response:
    """Remove a photo that you sent, or any if you manage tasks; nobody sees it any more."""
    file = service.get_file(session, file_id, grant=grant)
    service.remove_file(file, actor=grant.actor, at=at)
    return Response(status_code=204)
