"""Devices, what their people agree to, and how they like to be told."""

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
    ConsentIn,
    ConsentOut,
    DeviceChangeIn,
    DeviceIn,
    DeviceOut,
    NewDeviceOut,
    PreferencesIn,
    PreferencesOut,
)
from geoservices import pipeline
from geoservices.access.rights import Role
from geoservices.accounts import queries, service
from geoservices.accounts.consents import TEXTS
from geoservices.accounts.models import Consent, Purpose
from geoservices.accounts.service import ConsentTextChanged, TimeZoneUnknown
from geoservices.limiting.limiter import Limit

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
def read_device(device: CurrentDevice) -> DeviceOut:
    """See the device whose token this is."""
    return DeviceOut.model_validate(device)


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


@router.get("/consents")
def list_consents(person: CurrentPerson, session: SessionDep) -> list[ConsentOut]:
    """See what may be asked of this person, in plain words, and what they agreed to."""
    given = {consent.purpose: consent for consent in queries.consents_in_force(session, person.id)}
    return [
        _consent(purpose, given.get(purpose))
        for purpose, text in TEXTS.items()
        if Role(person.role) in text.roles
    ]


@router.put("/consents/{purpose}", responses=problem_responses(ConsentTextChanged))
def give_consent(
    purpose: Purpose,
    body: ConsentIn,
    device: CurrentDevice,
    person: CurrentPerson,
    session: SessionDep,
    at: Now,
) -> ConsentOut:
    """Agree to one purpose in its present words; agreeing to the same words again changes nothing.

    Where the person had agreed to older words, that consent ends and this one takes its place.
    """
    consent = service.give_consent(session, person, purpose, text_version=body.text_version, at=at)
    return _consent(purpose, consent)


@router.delete("/consents/{purpose}", status_code=204)
def withdraw_consent(
    purpose: Purpose, device: CurrentDevice, person: CurrentPerson, session: SessionDep, at: Now
) -> Response:
    """Withdraw a consent: processing stops, and positions no other consent covers are deleted."""
    pipeline.withdraw_consent(session, person, purpose, at=at)
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


def _consent(purpose: Purpose, given: Consent | None) -> ConsentOut:
    text = TEXTS[purpose]
    return ConsentOut(
        purpose=purpose,
        text=text.text,
        text_version=text.version,
        agreed_version=given.text_version if given else None,
        given_at=given.given_at if given else None,
    )
