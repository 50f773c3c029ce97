"""Further devices of one person: made by a code, listed and revoked."""

from uuid import UUID

from fastapi import APIRouter, Response

from api.bodies import StrictRoute
from api.dependencies import CallerDep, CurrentDevice, CurrentPerson, Now, SessionDep, SettingsDep
from api.problems import problem_responses
from api.qr import draw
from api.schemas.accounts import JoiningCodeOut, ListedDeviceOut
from api.schemas.codes import QrOut
from geoservices.accounts import device_queries, joining
from geoservices.accounts.joining_codes import write_code
from geoservices.errors import NotFound
from geoservices.subscriptions.queries import devices_pushed_to

router = APIRouter(tags=["devices"], route_class=StrictRoute)

JOIN_PATH = "/join#"
"""What stands behind the # is sent to nobody, and is in no log."""


@router.post("/devices/me/joining-code", status_code=201)
def make_joining_code(
    device: CurrentDevice,
    person: CurrentPerson,
    session: SessionDep,
    settings: SettingsDep,
    at: Now,
) -> JoiningCodeOut:
    """Make a code by which one more phone or browser becomes a device of the same citizen.

    It works once, for a few minutes, and the code made before it ends. Show it to nobody else:
    whoever uses it can read everything that is kept about the person.
    """
    made = joining.make_joining_code(session, device, person, settings=settings, at=at)
    code = write_code(made.code)
    link = f"{settings.public_url}{JOIN_PATH}{code}"
    qr = QrOut.of(draw(link, correction="m"))
    return JoiningCodeOut(code=code, link=link, qr=qr, expires_at=made.expires_at)


@router.get("/devices")
def list_devices(
    caller: CallerDep, person: CurrentPerson, session: SessionDep
) -> list[ListedDeviceOut]:
    """See the person's devices that are not revoked, the oldest first."""
    pushed = devices_pushed_to(session, person.id)
    return [
        ListedDeviceOut(
            id=device.id,
            label=device.label,
            places_only=device.places_only,
            created_at=device.created_at,
            current=caller.device is not None and device.id == caller.device.id,
            pushed_to=device.id in pushed,
        )
        for device in device_queries.devices_of(session, person.id)
    ]


@router.delete("/devices/{device_id}", status_code=204, responses=problem_responses(NotFound))
def revoke_one_device(
    device_id: UUID, person: CurrentPerson, session: SessionDep, at: Now
) -> Response:
    """Make the token of one of the person's devices worthless; doing it again changes nothing."""
    joining.revoke_device_of(session, device_id, person_id=person.id, at=at)
    return Response(status_code=204)
