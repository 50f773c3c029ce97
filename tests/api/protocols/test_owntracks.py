"""What OwnTracks says, and what it is told: a table of messages, and whatever else may come."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given

from api.protocols.owntracks import answer, read, tid_of, watch
from api.protocols.reading import Said
from geoservices.geometry.position import Position
from geoservices.phones.regions import Region
from geoservices.visits.transitions import TransitionKind
from tests.api.protocols.saying import OWNTRACKS_ANDROID, OWNTRACKS_IOS, spoilt, values
from tests.factories import NOON

DEVICE = UUID(int=7)
TRANSITION: dict[str, Any] = {
    "_type": "transition",
    "acc": 30,
    "desc": "Exeter Library",
    "event": "enter",
    "lat": 50.7244,
    "lon": -3.5301,
    "t": "c",
    "tid": "me",
    "tst": 1772625600,
    "wtst": 1000000042,
}
SAYING_NOTHING = [
    {"_type": "waypoint", "desc": "Home", "lat": 1, "lon": 1, "rad": 50, "tst": 1},
    {"_type": "waypoints", "waypoints": []},
    {"_type": "lwt", "tst": 1772625600},
    {"_type": "status", "android": {"wifi": 1}},
    {"_type": "steps", "tst": 1, "steps": 3},
    {"_type": "beacon", "uuid": "x", "rssi": -70},
    {"_type": "card", "name": "Anna", "tid": "AN"},
    {"_type": "cmd", "action": "reportLocation"},
    {"_type": "configuration", "mode": 3},
    {"_type": "request", "request": "tour"},
    {"_type": "something-new"},
    {"_type": 7},
    {},
]


def hear(message: object) -> Said:
    """Read a message of the device's."""
    return read(message, device_id=DEVICE)


def test_a_location_is_a_ping() -> None:
    """Kilometres an hour become metres a second, and the course over ground a heading."""
    said = hear(OWNTRACKS_IOS)

    [report] = said.reports
    assert report.recorded_at == NOON
    assert report.position == Position(lon=-3.5301, lat=50.7244, accuracy_m=12)
    assert report.speed_mps == pytest.approx(5.0)
    assert report.heading_deg == 271
    assert said.position == report.position
    assert not said.dropped


def test_what_a_phone_leaves_out_is_unknown() -> None:
    """Android leaves out what is nothing."""
    [report] = hear(OWNTRACKS_ANDROID).reports

    assert (report.speed_mps, report.heading_deg) == (None, None)


def test_sent_again_it_has_the_same_id() -> None:
    """And another one where anything of when and where differs, or the device."""
    [first] = hear(OWNTRACKS_IOS).reports
    changes: list[tuple[dict[str, Any], UUID]] = [
        ({"tst": 1772625601}, DEVICE),
        ({"lat": 50.7245}, DEVICE),
        ({"lon": -3.53}, DEVICE),
        ({}, UUID(int=8)),
    ]
    [again] = hear({**OWNTRACKS_IOS, "batt": 3, "t": "p"}).reports
    others = [
        read({**OWNTRACKS_IOS, **change}, device_id=device).reports[0] for change, device in changes
    ]

    assert again.id == first.id
    assert len({first.id, *(other.id for other in others)}) == 5


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"lat": None}, "no-position"),
        ({"lat": "50.7"}, "no-position"),
        ({"lon": True}, "no-position"),
        ({"lat": float("nan")}, "no-position"),
        ({"lon": float("inf")}, "no-position"),
        ({"lon": 10**400}, "no-position"),
        ({"lat": 90.1}, "position-out-of-range"),
        ({"lon": -180.1}, "position-out-of-range"),
        ({"acc": 1_000_001}, "accuracy-out-of-range"),
        ({"tst": None}, "no-time"),
        ({"tst": "now"}, "no-time"),
        ({"tst": 1e300}, "time-out-of-range"),
        ({"tst": -1e15}, "time-out-of-range"),
    ],
)
def test_what_cannot_be_a_position_is_dropped(change: dict[str, Any], reason: str) -> None:
    """With a reason, and with nothing put in its place."""
    said = hear({**OWNTRACKS_IOS, **change})

    assert said.reports == []
    assert said.dropped == {reason: 1}


@pytest.mark.parametrize("accuracy", [0, -1, None, "5", float("nan")])
def test_an_accuracy_that_says_nothing_is_unknown(accuracy: object) -> None:
    """It is not taken for a perfect one."""
    [report] = hear({**OWNTRACKS_IOS, "acc": accuracy}).reports

    assert report.position.accuracy_m is None


@pytest.mark.parametrize("message", SAYING_NOTHING, ids=lambda one: str(one.get("_type")))
def test_other_types_say_nothing(message: dict[str, Any]) -> None:
    """They are accepted all the same."""
    assert hear(message) == Said()


@pytest.mark.parametrize(
    ("change", "kind", "rid", "stamp", "at"),
    [
        ({}, TransitionKind.ENTERED, None, 1000000042, NOON),
        ({"event": "leave"}, TransitionKind.EXITED, None, 1000000042, NOON),
        ({"rid": "abc"}, TransitionKind.ENTERED, "abc", 1000000042, NOON),
        (
            {"created_at": 1772625660},
            TransitionKind.ENTERED,
            None,
            1000000042,
            datetime(2026, 3, 4, 12, 1, tzinfo=UTC),
        ),
        ({"created_at": 1772625000}, TransitionKind.ENTERED, None, 1000000042, NOON),
        ({"wtst": "x", "rid": 5}, TransitionKind.ENTERED, None, None, NOON),
        ({"wtst": -4, "rid": "x" * 65}, TransitionKind.ENTERED, None, None, NOON),
        ({"acc": 0, "t": "b"}, TransitionKind.ENTERED, None, 1000000042, NOON),
    ],
)
def test_a_transition_is_a_crossing(
    change: dict[str, Any], kind: str, rid: str | None, stamp: int | None, at: datetime
) -> None:
    """It is dated to when the phone noticed, and names its region in either way."""
    [crossing] = hear({**TRANSITION, **change}).crossings

    assert (crossing.kind, crossing.rid, crossing.stamp, crossing.at) == (kind, rid, stamp, at)


def test_a_transition_without_a_position_still_counts() -> None:
    """A beacon knows who came, but not where on earth it stands."""
    told = {name: value for name, value in TRANSITION.items() if name not in {"lat", "lon"}}

    said = hear(told)

    assert len(said.crossings) == 1
    assert said.position is None


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"event": "dwell"}, "unknown-event"),
        ({"event": None}, "unknown-event"),
        ({"event": ["enter"]}, "unknown-event"),
        ({"tst": None}, "no-time"),
        ({"created_at": 1e300}, "time-out-of-range"),
    ],
)
def test_what_is_no_transition_is_dropped(change: dict[str, Any], reason: str) -> None:
    """With a reason."""
    said = hear({**TRANSITION, **change})

    assert said.crossings == []
    assert said.dropped == {reason: 1}


@given(values)
def test_nothing_raises_and_nothing_is_invented(message: object) -> None:
    """Whatever JSON comes, no position comes out that did not go in."""
    said = hear(message)

    assert not said.reports
    assert not said.crossings


@given(spoilt(OWNTRACKS_IOS))
def test_of_a_spoilt_location_all_or_nothing_is_taken(message: dict[str, Any]) -> None:
    """A report holds the very numbers of the message, or there is none."""
    said = hear(message)

    for report in said.reports:
        assert (report.position.lon, report.position.lat) == (message["lon"], message["lat"])
        assert report.position.accuracy_m in (None, message.get("acc"))
        assert abs(report.position.lon) <= 180
        assert abs(report.position.lat) <= 90
        assert report.speed_mps is None or report.speed_mps >= 0
    located = message.get("_type") == "location"
    assert len(said.reports) + said.dropped.total() == located


@given(spoilt(TRANSITION))
def test_of_a_spoilt_transition_all_or_nothing_is_taken(message: dict[str, Any]) -> None:
    """A crossing is of a kind that the message names, or there is none."""
    said = hear(message)

    for crossing in said.crossings:
        assert message["event"] in {"enter", "leave"}
        assert crossing.stamp is None or crossing.stamp == int(message["wtst"])
    told = message.get("_type") == "transition"
    assert len(said.crossings) + said.dropped.total() == told


def region(name: str) -> Region:
    """A region of that name."""
    return Region(rid="r", stamp=1000000042, name=name, lon=-3.53011111, lat=50.7, radius_m=100)


def test_to_watch_is_to_clear_and_to_set() -> None:
    """`setWaypoints` only adds; whole numbers where the apps' schema wants them."""
    clear, set_ = watch([region("Exeter Library")])

    assert clear == {"_type": "cmd", "action": "clearWaypoints"}
    assert set_ == {
        "_type": "cmd",
        "action": "setWaypoints",
        "waypoints": {
            "_type": "waypoints",
            "waypoints": [
                {
                    "_type": "waypoint",
                    "rid": "r",
                    "tst": 1000000042,
                    "desc": "Exeter Library",
                    "lat": 50.7,
                    "lon": -3.530111,
                    "rad": 100,
                }
            ],
        },
    }
    assert watch([]) == [clear]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Library: Exeter", "Library  Exeter"),
        ("A|1|2", "A 1 2"),
        ("-Library", "Library"),
        ("+follow", "follow"),
        ("::", "Place"),
    ],
)
def test_a_name_has_no_meaning_to_ios(name: str, shown: str) -> None:
    """A colon would make a beacon of it, a sign in front a region that follows the phone."""
    [_clear, set_] = watch([region(name)])

    waypoints: Any = set_["waypoints"]
    assert waypoints["waypoints"][0]["desc"].strip() == shown


def test_each_place_has_a_card_of_its_own() -> None:
    """No two share a tracker id, and none takes the phone's own."""
    places = [
        ("Exeter Library", "Devon"),
        ("Exe Lounge", "Devon"),
        ("Lido", "Dorset"),
        ("(?)", "X"),
    ]

    cards = answer("L", places, None)

    assert [card["name"] for card in cards] == [
        "Exeter Library, Devon",
        "Exe Lounge, Devon",
        "Lido, Dorset",
        "(?), X",
    ]
    assert [card["tid"] for card in cards] == ["EL", "E0", "L0", "P"]


def test_a_tracker_id_is_text_or_nothing() -> None:
    """Whatever the message says."""
    assert tid_of(OWNTRACKS_IOS) == "me"
    assert tid_of({"tid": 4}) is None
    assert tid_of([]) is None
