"""OwnTracks in HTTP mode, as the apps for iOS and Android speak it.

https://owntracks.org/booklet/tech/json/ and https://owntracks.org/booklet/tech/http/ describe it.
Where the two apps differ, the difference is said where it matters.
"""

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from api.protocols.reading import (
    Crossing,
    Dropped,
    Said,
    instant,
    members,
    number,
    position,
    report,
)
from geoservices.geometry.position import Position
from geoservices.phones.regions import Region
from geoservices.visits.transitions import TransitionKind

KMH_PER_MPS = 3.6
EVENTS = {"enter": TransitionKind.ENTERED, "leave": TransitionKind.EXITED}
BY_HAND = "u"
"""What triggered a location that somebody asked the app to publish."""
LONGEST_RID = 64
MOST_STAMP = 1 << 53
"""Whole numbers beyond this are not told apart by everybody (RFC 8259 section 6)."""
INITIALS = 2

Message = dict[str, object]


def read(message: object, *, device_id: UUID) -> Said:
    """Return what a message says; types that say nothing of comings and goings say nothing.

    `waypoint` and `waypoints` are the phone's own list of regions, `lwt`, `status`, `steps`,
    `beacon`, `card`, `cmd`, `configuration` and `request` are about the app. All are accepted,
    none is kept.
    """
    said = Said()
    try:
        told = members(message)
        if told.get("_type") == "location":
            return _location(told, device_id)
        if told.get("_type") == "transition":
            return _transition(told)
    except Dropped as reason:
        said.dropped[str(reason)] += 1
    return said


def answer(
    tid: str | None, places: Iterable[tuple[str, str]], regions: Sequence[Region] | None
) -> list[Message]:
    """Return what the phone is told: cards of the places it is at, and what to watch.

    Args:
        tid: The phone's own tracker id, which no place's card may take.
        places: Each place's name with its organisation's.
        regions: What to watch from now on; None leaves what it watches alone.
    """
    taken = {tid}
    messages: list[Message] = []
    for place, organisation in places:
        initials = _initials(place, taken)
        taken.add(initials)
        messages.append({"_type": "card", "tid": initials, "name": f"{place}, {organisation}"})
    if regions is not None:
        messages += watch(regions)
    return messages


def watch(regions: Sequence[Region]) -> list[Message]:
    """Return the commands that make a phone watch these regions and no others.

    `setWaypoints` only adds, so what was there is cleared first.
    """
    clear: Message = {"_type": "cmd", "action": "clearWaypoints"}
    if not regions:
        return [clear]
    return [
        clear,
        {
            "_type": "cmd",
            "action": "setWaypoints",
            "waypoints": {"_type": "waypoints", "waypoints": [_waypoint(one) for one in regions]},
        },
    ]


def tid_of(message: object) -> str | None:
    """Return the phone's tracker id, if the message has one."""
    tid = message.get("tid") if isinstance(message, dict) else None
    return tid if isinstance(tid, str) else None


def _location(location: Mapping[str, object], device_id: UUID) -> Said:
    where = _position(location)
    speed_kmh = number(location.get("vel"))
    return Said(
        reports=[
            report(
                device_id,
                instant(number(location.get("tst"))),
                where,
                speed_mps=None if speed_kmh is None else speed_kmh / KMH_PER_MPS,
                heading_deg=number(location.get("cog")),
            )
        ],
        position=where,
        asked=location.get("t") == BY_HAND,
    )


def _transition(transition: Mapping[str, object]) -> Said:
    event = transition.get("event")
    kind = EVENTS.get(event) if isinstance(event, str) else None
    if kind is None:
        raise Dropped("unknown-event")
    rid, stamp = transition.get("rid"), number(transition.get("wtst"))
    crossing = Crossing(
        kind=kind,
        rid=rid if isinstance(rid, str) and len(rid) <= LONGEST_RID else None,
        stamp=int(stamp) if stamp is not None and 0 <= stamp < MOST_STAMP else None,
        # On iOS `tst` is the last position's, which may be old, and `created_at` the event's.
        at=max(
            instant(number(transition.get(name)))
            for name in ("tst", "created_at")
            if name == "tst" or number(transition.get(name)) is not None
        ),
    )
    return Said(crossings=[crossing], position=_position_if_any(transition))


def _position(told: Mapping[str, object]) -> Position:
    return position(number(told.get("lon")), number(told.get("lat")), number(told.get("acc")))


def _position_if_any(told: Mapping[str, object]) -> Position | None:
    """Return where a transition was told from; a beacon's may have no position that is any use."""
    try:
        return _position(told)
    except Dropped:
        return None


def _waypoint(region: Region) -> Message:
    return {
        "_type": "waypoint",
        "rid": region.rid,
        "tst": region.stamp,
        # iOS reads `name:uuid:major:minor` and `name|mode|mode`, and gives `-` and `+` in front
        # meanings of their own.
        "desc": region.name.translate({ord(":"): " ", ord("|"): " "}).lstrip("-+ ") or "Place",
        "lat": round(region.lat, 6),
        "lon": round(region.lon, 6),
        "rad": region.radius_m,
    }


def _initials(name: str, taken: set[str | None]) -> str:
    letters = [word[0].upper() for word in name.split() if word[0].isalnum()]
    wanted = "".join(letters[:INITIALS]) or "P"
    choices = [wanted, *(f"{wanted[0]}{digit}" for digit in range(10))]
    return next((choice for choice in choices if choice not in taken), wanted)
