"""Devices, and how their people like to be told."""

from fastapi import APIRouter, Request, Response

from api.bodies import StrictRoute
from api.cookies import drop_device
from api.csrf import CsrfRefused
from api.dependencies import (
    AddressDep,
    BrowsersDevice,
    CallerDep,
    CurrentDevice,
    CurrentPerson,
    LimiterDep,
    Now,
    OptionalMember,
    SessionDep,
    SettingsDep,
)
from api.problems import problem_responses
from api.registering import BrowserIsDevice, Registration, hand_out
from api.schemas.accounts import (
    CredentialOut,
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
from geoservices.accounts import device_tokens, service
from geoservices.accounts.joining import JoiningCodeUnknown, TooManyDevices
from geoservices.accounts.service import TimeZoneUnknown
from geoservices.languages import LanguageRefused, normal_language
from geoservices.limiting.limiter import Limit
from geoservices.shifts import service as shifts

router = APIRouter(tags=["devices"], route_class=StrictRoute)


@router.post(
    "/devices",
    status_code=201,
    responses=problem_responses(
        TimeZoneUnknown, JoiningCodeUnknown, TooManyDevices, BrowserIsDevice, CsrfRefused
    ),
)
def register_device(
    body: DeviceIn,
    member: OptionalMember,
    there: BrowsersDevice,
    request: Request,
    response: Response,
    session: SessionDep,
    limiter: LimiterDep,
    address: AddressDep,
    at: Now,
) -> NewDeviceOut:
    """Make a device, which gets a token that is shown this once, or a cookie.

    Without a token this makes an anonymous citizen. With a staff member's or manager's token the
    device is theirs. With a joining code it is the person's whose code it is, who is told of it.
    A device's own token is refused: whoever stole it could otherwise make another that outlives
    it. It is not safe to repeat: it makes another device.
    """
    asked = Registration(body=body, member=member, there=there, request=request)
    asked.check()
    limiter.spend(Limit.DEVICES_BY_ADDRESS, address)
    if body.joining_code is not None:
        limiter.spend(Limit.JOINING_BY_ADDRESS, address)
        limiter.spend(Limit.JOINING_ALTOGETHER)
    device, token = asked.register(session, at=at)
    credential = hand_out(request, response, token, by_cookie=body.credential == "cookie")
    told = DeviceOut.model_validate(device).model_dump()
    return NewDeviceOut(**told, **credential.model_dump())


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
    """Call it something else; share places only, or positions as well.

    Switched to places only, the positions there are are deleted at once, and none is kept from
    then on.
    """
    given = body.model_fields_set
    if "places_only" in given:
        pipeline.share_places_only(session, device, on=body.places_only, at=at)
    if "label" in given:
        device.label = body.label
    return DeviceOut.model_validate(device)


@router.delete("/devices/me", status_code=204)
def revoke_device(
    device: CurrentDevice, caller: CallerDep, settings: SettingsDep, at: Now
) -> Response:
    """Make the device's token worthless at once, and drop the browser's cookie if it came by it."""
    service.revoke_device(device, at=at)
    answer = Response(status_code=204)
    if caller.by_cookie:
        drop_device(answer, settings)
    return answer


@router.post("/devices/me/token")
def exchange_token(
    request: Request,
    response: Response,
    device: CurrentDevice,
    caller: CallerDep,
    session: SessionDep,
    at: Now,
) -> CredentialOut:
    """Get the device's next token, or its next cookie where it came by one.

    The token of now counts until the next one is used, so keep it until then: an answer may get
    lost. Asked again, there is another next one in place of the first. After the next one was used,
    whoever still uses the one of before is not the same: then the device is revoked.
    """
    token = device_tokens.make_next_token(session, device, at=at)
    return hand_out(request, response, token, by_cookie=caller.by_cookie)


@router.get("/preferences")
def read_preferences(person: CurrentPerson) -> PreferencesOut:
    """See the person's time zone, language and quiet hours."""
    return PreferencesOut.model_validate(person)


@router.put("/preferences", responses=problem_responses(TimeZoneUnknown, LanguageRefused))
def set_preferences(
    body: PreferencesIn, person: CurrentPerson, session: SessionDep, at: Now
) -> PreferencesOut:
    """Set the person's time zone, language and quiet hours."""
    pipeline.set_preferences(
        session,
        person,
        time_zone=body.time_zone,
        quiet_from=body.quiet_from,
        quiet_until=body.quiet_until,
        language=body.language and normal_language(body.language, field="/language"),
        at=at,
    )
    return PreferencesOut.model_validate(person)
