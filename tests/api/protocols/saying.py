"""Messages as the apps make them; every number in them is made up."""

from typing import Any

from hypothesis import strategies as st

OWNTRACKS_IOS: dict[str, Any] = {
    "_type": "location",
    "acc": 12,
    "alt": 44,
    "batt": 81,
    "bs": 1,
    "cog": 271,
    "conn": "w",
    "created_at": 1772625605,
    "inregions": ["Exeter Library"],
    "inrids": ["abc"],
    "lat": 50.7244,
    "lon": -3.5301,
    "m": 1,
    "t": "c",
    "tid": "me",
    "topic": "owntracks/anna/phone",
    "tst": 1772625600,
    "vac": 9,
    "vel": 18,
}
OWNTRACKS_ANDROID: dict[str, Any] = {
    "_type": "location",
    "_id": "7f3a91c2",
    "acc": 20,
    "lat": 50.7244,
    "lon": -3.5301,
    "tid": "me",
    "tst": 1772625600,
    "created_at": 1772625603,
    "modeId": 3,
}
OVERLAND: dict[str, Any] = {
    "type": "Feature",
    "geometry": {"type": "Point", "coordinates": [-3.5301, 50.7244]},
    "properties": {
        "timestamp": "2026-03-04T12:00:00+0000",
        "altitude": 44,
        "speed": 5,
        "course": 271,
        "horizontal_accuracy": 12,
        "vertical_accuracy": -1,
        "motion": ["walking"],
        "battery_state": "charging",
        "battery_level": 0.8,
        "device_id": "phone",
        "wifi": "",
    },
}
TRACCAR_9 = {
    "location": {
        "timestamp": "2026-03-04T12:00:00.000Z",
        "coords": {
            "latitude": 50.7244,
            "longitude": -3.5301,
            "accuracy": 12,
            "speed": 5,
            "heading": 271,
            "altitude": 44,
        },
        "is_moving": True,
        "odometer": 120,
        "event": "motionchange",
        "battery": {"level": 0.8, "is_charging": False},
        "activity": {"type": "walking"},
        "extras": {},
    },
    "device_id": "gsp_one",
}
TRACCAR_10 = {
    "id": "gsp_one",
    "lat": 50.7244,
    "lon": -3.5301,
    "timestamp": 1772625600,
    "accuracy": 12,
    "altitude": 44,
    "speed": 9.72,
    "bearing": 271,
    "batt": 80,
    "charge": False,
}
TRACCAR_QUERY = (
    "id=gsp_one&timestamp=1772625600&lat=50.7244&lon=-3.5301&speed=9.72&bearing=271"
    "&altitude=44.0&accuracy=12.0&batt=80.0"
)

numbers = st.one_of(
    st.floats(), st.integers(), st.integers(min_value=-200, max_value=200), st.just(10**400)
)
values = st.recursive(
    st.one_of(st.none(), st.booleans(), numbers, st.text(max_size=20)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)


def spoilt(whole: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    """A message some members of which, at any depth, are something else or missing."""
    kept = {
        name: st.one_of(
            st.just(value), values, spoilt(value) if isinstance(value, dict) else values
        )
        for name, value in whole.items()
    }
    return st.fixed_dictionaries({}, optional=kept)
