"""Overland: the door for its batches."""

from typing import Annotated, Any

from fastapi import APIRouter, Body

from api.bodies import StrictRoute
from api.dependencies import LiveDep, Now, SessionDep, SettingsDep
from api.phone_access import OverlandPhone
from api.protocols import overland
from api.protocols.taking import take_in
from api.schemas.phones import OverlandOut
from geoservices.phones.models import PhoneApp

router = APIRouter(tags=["phones"], route_class=StrictRoute)

Batch = Annotated[
    Any,
    Body(
        description="`locations` holds GeoJSON features, as the app's README describes them; "
        "`current` and `trip` are not looked at.",
        json_schema_extra={"type": "object"},
    ),
]


@router.post("/overland")
def receive_overland(
    body: Batch,
    phone: OverlandPhone,
    session: SessionDep,
    live: LiveDep,
    settings: SettingsDep,
    at: Now,
) -> OverlandOut:
    """Take in a batch of Overland's, of any length that the body may have.

    What can never be taken in is dropped and counted, and the batch is answered as received:
    Overland would send all of it again for ever.
    """
    said = overland.read(overland.locations_in(body), device_id=phone.device.id)
    taken = take_in(session, phone, PhoneApp.OVERLAND, said, live=live, settings=settings, at=at)
    return OverlandOut(result="ok", stored=taken.stored, dropped=taken.dropped)
