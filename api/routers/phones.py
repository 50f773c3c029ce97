"""Phone apps of others that may report for a device."""

from uuid import UUID

from fastapi import APIRouter, Response

from api.bodies import StrictRoute
from api.dependencies import CurrentDevice, Now, SessionDep, SettingsDep
from api.problems import problem_responses
from api.protocols import setup
from api.schemas.phones import NewPhoneLinkOut, PhoneLinkIn, PhoneLinkOut
from geoservices.errors import NotFound
from geoservices.phones import queries, service
from geoservices.phones.models import PhoneApp
from geoservices.phones.service import AppDoesNotEncrypt, EncryptionUnavailable

router = APIRouter(tags=["phones"], route_class=StrictRoute)


@router.post(
    "/devices/me/phone-links",
    status_code=201,
    responses=problem_responses(AppDoesNotEncrypt, EncryptionUnavailable),
)
def link_phone(
    body: PhoneLinkIn, device: CurrentDevice, session: SessionDep, settings: SettingsDep, at: Now
) -> NewPhoneLinkOut:
    """Let an app report for this device, and get what sets it up in one scan.

    The credential is the app's alone: it reports, and reads nothing. It is shown this once. Each
    request makes another; of more than ten the oldest ends.
    """
    made = service.link_phone(
        session, device, body.app, encrypted=body.encrypted, settings=settings.phones, at=at
    )
    url = setup.address(settings.public_url, body.app)
    link = setup.setup_link(made, device, url)
    by_file = body.app is PhoneApp.OWNTRACKS
    return NewPhoneLinkOut(
        **PhoneLinkOut.model_validate(made.link).model_dump(),
        url=url,
        username=setup.username(device),
        token=made.token,
        encryption_key=made.encryption_key,
        setup_link=link,
        setup_qr_svg=setup.qr_svg(link),
        configuration=setup.configuration(made, device, url) if by_file else None,
    )


@router.get("/devices/me/phone-links")
def list_phone_links(device: CurrentDevice, session: SessionDep) -> list[PhoneLinkOut]:
    """See which apps may report for this device."""
    return [PhoneLinkOut.model_validate(link) for link in queries.links_of(session, device.id)]


@router.delete(
    "/devices/me/phone-links/{link_id}", status_code=204, responses=problem_responses(NotFound)
)
def revoke_phone_link(
    link_id: UUID, device: CurrentDevice, session: SessionDep, at: Now
) -> Response:
    """Make an app's credential worthless at once."""
    service.revoke_link(session, link_id, device=device, at=at)
    return Response(status_code=204)
