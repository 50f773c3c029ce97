"""Overland: batches of GeoJSON features.

https://github.com/aaronpk/Overland-iOS#api describes them. `current` repeats the newest position,
which comes with a later batch as well; taken out of turn it would make all before it late, so it
is left where it is.
"""

from uuid import UUID

from api.problems import InvalidRequest
from api.protocols.reading import (
    Dropped,
    Said,
    check_length,
    each,
    members,
    number,
    position,
    report,
    written_instant,
)
from geoservices.pings.screening import PingReport

NO_FIX = ("action", "type")
"""Members of properties that make a feature an entry in the app's log, a visit or a trip: it has
a position, but not one where the phone was at its time."""
A_POINT = 2


def locations_in(body: object) -> list[object]:
    """Return a batch's features.

    Raises:
        InvalidRequest: It is no batch, or far too long; Overland keeps it and tries again.
    """
    found = body.get("locations") if isinstance(body, dict) else None
    if not isinstance(found, list):
        fault = {"field": "/locations", "rule": "list-type", "detail": "Send a list of features."}
        raise InvalidRequest([fault])
    check_length(found, field="/locations")
    return found


def read(locations: list[object], *, device_id: UUID) -> Said:
    """Return what a batch says."""

    def read_one(feature: object) -> PingReport | None:
        return _report(feature, device_id)

    return each(locations, read_one)


def _report(feature: object, device_id: UUID) -> PingReport | None:
    told = members(feature)
    properties = members(told.get("properties"))
    if any(name in properties for name in NO_FIX):
        return None
    coordinates = members(told.get("geometry")).get("coordinates")
    if not isinstance(coordinates, list) or len(coordinates) < A_POINT:
        raise Dropped("no-position")
    accuracy_m = number(properties.get("horizontal_accuracy"))
    if accuracy_m is not None and accuracy_m < 0:
        # iOS says so where it does not know the position at all.
        raise Dropped("position-invalid")
    lon, lat = coordinates[:A_POINT]
    return report(
        device_id,
        written_instant(properties.get("timestamp")),
        position(number(lon), number(lat), accuracy_m),
        speed_mps=number(properties.get("speed")),
        heading_deg=number(properties.get("course")),
    )
