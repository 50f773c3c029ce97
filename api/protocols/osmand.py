"""The OsmAnd protocol, which Traccar Client speaks in four ways.

As parameters in the address (OsmAnd, older clients) or in a form (Traccar Client from 10 on), as a
JSON array of the same, and as one JSON object with `location` and `device_id` (Traccar Client 9).
https://www.traccar.org/osmand/ describes the parameters. Speed is in knots among parameters and
in metres a second within `coords`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import parse_qsl
from uuid import UUID

from api.protocols.reading import (
    Dropped,
    Said,
    each,
    instant,
    members,
    number,
    numeral,
    position,
    report,
    written_instant,
)
from geoservices.pings.screening import PingReport

KNOT_MPS = 1852 / 3600
MOST_PARAMETERS = 100
NO = {"false", "0"}


@dataclass(frozen=True, slots=True)
class Request:
    """The credential that a request brings along as its id, and its items, unread."""

    id: str
    items: list[object]


def unpack(query: str, body: object) -> Request:
    """Return a request's id and items; the id is empty where there is none.

    Parameters in the address win over a form, as with Traccar; a JSON body wins over both.

    Args:
        query: The address's query string, still quoted.
        body: The decoded JSON, the bytes of anything else, or None.
    """
    if isinstance(body, dict | list):
        items = body if isinstance(body, list) else [body]
        return Request(_id_of(items[0]) if items else "", items)
    form = body.decode("ascii", "replace") if isinstance(body, bytes) else ""
    parameters = _parameters(query) or _parameters(form)
    return Request(_id_of(parameters), [parameters])


def read(request: Request, *, device_id: UUID, at: datetime) -> Said:
    """Return what a request says; items that name another id are dropped.

    Args:
        request: The request.
        device_id: Whose phone it is.
        at: When it arrived: the time of a position sent with none.
    """

    def read_one(item: object) -> PingReport | None:
        told = members(item)
        if _id_of(told) != request.id:
            raise Dropped("another-id")
        if "location" in told and isinstance(told["location"], dict):
            return _nested(members(told["location"]), device_id)
        return _flat(told, device_id, at)

    return each(request.items, read_one)


def _id_of(item: object) -> str:
    if not isinstance(item, dict):
        return ""
    found = next((item[name] for name in ("id", "deviceid", "device_id") if name in item), "")
    return found if isinstance(found, str) else ""


def _parameters(text: str) -> dict[str, object]:
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=MOST_PARAMETERS)
    except ValueError:
        return {}
    # As with Traccar, of a parameter given twice the last one counts.
    return dict(pairs)


def _flat(told: Mapping[str, object], device_id: UUID, at: datetime) -> PingReport | None:
    lon, lat = told.get("lon"), told.get("lat")
    if isinstance(together := told.get("location"), str):
        lat, _, lon = together.partition(",")
    if lon is None and lat is None:
        # A sign of life, without a position.
        return None
    if str(told.get("valid", "")).lower() in NO:
        raise Dropped("position-invalid")
    speed_kn = _number(told.get("speed"))
    heading = told.get("bearing", told.get("heading"))
    return report(
        device_id,
        _instant(told.get("timestamp"), at),
        position(_number(lon), _number(lat), _number(told.get("accuracy"))),
        speed_mps=None if speed_kn is None else speed_kn * KNOT_MPS,
        heading_deg=_number(heading),
    )


def _nested(location: Mapping[str, object], device_id: UUID) -> PingReport | None:
    if "coords" not in location:
        return None
    coordinates = members(location["coords"])
    return report(
        device_id,
        written_instant(location.get("timestamp")),
        position(
            number(coordinates.get("longitude")),
            number(coordinates.get("latitude")),
            number(coordinates.get("accuracy")),
        ),
        speed_mps=number(coordinates.get("speed")),
        heading_deg=number(coordinates.get("heading")),
    )


def _number(value: object) -> float | None:
    return numeral(value) if isinstance(value, str) else number(value)


def _instant(value: object, at: datetime) -> datetime:
    """Read a time in Unix seconds or milliseconds, or in ISO 8601; without an offset it is UTC."""
    if value is None:
        return at
    seconds = _number(value)
    if seconds is not None:
        return instant(seconds)
    if isinstance(value, str) and "T" not in value:
        try:
            return datetime.strptime(value, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
        except ValueError as error:
            raise Dropped("no-time") from error
    return written_instant(value)
