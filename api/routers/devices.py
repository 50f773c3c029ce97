"""Devices, and how their people like to be told."""

from fastapi import APIRouter, Response

from api.bodies import StrictRoute
from api.dependencies import (
    AddressDep,
    CurrentDevice,
    CurrentPerson,
    LimiterDep,
    Now,
    OptionalMember,
    SessionDep,
)
from api.problems import problem_responses
from api.schemas.accounts import (
    DeviceChangeIn,
    DeviceIn,
    DeviceOut,
    DeviceSeenOut,
    NewDeviceOut,
    PreferencesIn,
    PreferencesOut,
)
from api.schemas.shifts import LocatedOut
from geoservices import pipeline
from geoservices.accounts import service
from geoservices.accounts.service import TimeZoneUnknown
from geoservices.limiting.limiter import Limit
from geoservices.shifts import service as shifts

router = APIRouter(tags=["devices"], route_class=StrictRoute)


@router.post("/devices", status_code=201, responses=problem_responses(TimeZoneUnknown))
def register_device(
    body: DeviceIn,
    member: OptionalMember,
    session: SessionDep,
    limiter: LimiterDep,
    address: AddressDep,
    at: Now,
) -> NewDeviceOut:
    """Make a device and get its token, which is shown this once.

    Without a token this makes an anonymous citizen. With a staff member's or manager's token the
    device is theirs. A device's own token is refused: whoever stole it could otherwise make
    another that outlives it. It is not safe to repeat: it makes another device.
    """
    limiter.spend(Limit.DEVICES_BY_ADDRESS, address)
    device, token = service.register_device(
        session,
        member=member,
        label=body.label,
        time_zone=body.time_zone,
        places_only=body.places_only,
        at=at,
    )
    return NewDeviceOut(
        id=device.id,
        label=device.label,
        places_only=device.places_only,
        created_at=device.created_at,
        token=token,
    )


@router.get("/devices/me")
def read_device(device: CurrentDevice, session: SessionDep, at: Now) -> DeviceSeenOut:
    """See the device whose token this is, and whether it is located now."""
    return DeviceSeenOut(
        **DeviceOut.model_validate(device).model_dump(),
        located=LocatedOut.model_validate(shifts.located(session, device, at=at)),
    )


@router.patch("/devices/me")
def change_device(
    body: DeviceChangeIn, device: CurrentDevice, session: SessionDep, at: Now
) -> DeviceOut:
    """Share places only, or positions as well.

    Switched on, the positions there are are deleted at once, and none is kept from then on.
    """
    pipeline.share_places_only(session, device, on=body.places_only, at=at)
    return DeviceOut.model_validate(device)


@router.delete("/devices/me", status_code=204)
def revoke_device(device: CurrentDevice, at: Now) -> Response:
    """Make the device's token worthless at once."""
    service.revoke_device(device, at=at)
    return Response(status_code=204)


@router.get("/preferences")
def read_preferences(person: CurrentPerson) -> PreferencesOut:
    """See the person's time zone and quiet hours."""
    return PreferencesOut.model_validate(person)


@router.put("/preferences", responses=problem_responses(TimeZoneUnknown))
def set_preferences(
    body: PreferencesIn, person: CurrentPerson, session: SessionDep, at: Now
) -> PreferencesOut:
    """Set the person's time zone and quiet hours."""
    pipeline.set_preferences(
        session,
        person,
        time_zone=body.time_zone,
        quiet_from=body.quiet_from,
        quiet_until=body.quiet_until,
        at=at,
    )
    return PreferencesOut.model_validate(person)
