"""Vector tiles over HTTP, read as map programs read them."""

from collections.abc import Mapping
from math import asinh, floor, pi, radians, tan
from typing import Any

import mapbox_vector_tile
import pytest
from httpx2 import Client
from shapely.geometry import shape
from sqlalchemy.orm import Session

from api.app import create_app
from geoservices.accounts.models import Organisation
from geoservices.database import SessionFactory, transaction
from geoservices.settings.service import Settings
from geoservices.settings.showing import MapSettings
from geoservices.tiles import queries
from geoservices.tiles.addresses import WORLD
from tests.api.conftest import client_of
from tests.factories import EXETER, NOON, make_geofence, make_organisation, make_place


def tile_at(lon: float, lat: float, z: int) -> str:
    """The address of the tile with a point on it, without the revision (OSM wiki's formula)."""
    side = 2**z
    x = floor((lon + 180) / 360 * side)
    y = floor((1 - asinh(tan(radians(lat))) / pi) / 2 * side)
    return f"{z}/{x}/{y}"


def layers(client: Client, tile: str, *, revision: str = "now") -> Mapping[str, list[Any]]:
    """The features of each layer of a tile."""
    answer = client.get(f"/v1/tiles/{revision}/{tile}")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/vnd.mapbox-vector-tile"
    read = mapbox_vector_tile.decode(answer.content)
    return {name: layer["features"] for name, layer in read.items()}


def test_a_place_and_its_area_are_on_the_tile_they_lie_on(
    anyone: Client, session: Session, organisation: Organisation
) -> None:
    """The area where the place is, and nothing on the tile beside it."""
    place = make_place(session, organisation, name="Exeter Library")
    geofence = make_geofence(session, place)
    session.commit()

    drawn = layers(anyone, tile_at(*EXETER, 16))
    (point,), (area,) = drawn["places"], drawn["geofences"]

    told = {"places": 1, "id": str(place.id), "name": "Exeter Library", "category": "library"}
    assert point["properties"] == told
    assert area["properties"] == {
        "id": str(geofence.id),
        "place_id": str(place.id),
        "name": "Exeter Library",
    }
    assert shape(area["geometry"]).contains(shape(point["geometry"]))
    assert layers(anyone, tile_at(EXETER[0] + 0.02, EXETER[1], 16)) == {}


def test_from_far_away_places_close_together_are_one_point(
    anyone: Client, session: Session, organisation: Organisation
) -> None:
    """With their number and no name, and without areas; from near each is told."""
    for number in range(5):
        place = make_place(session, organisation, at=(EXETER[0] + number * 1e-5, EXETER[1]))
        make_geofence(session, place)
    make_place(session, organisation, name="Far away", at=(-0.1, 51.5))
    session.commit()

    far = layers(anyone, tile_at(*EXETER, 5))
    near = layers(anyone, tile_at(*EXETER, 13))

    assert set(far) == {"places"}
    counts = {one["properties"]["places"]: one["properties"].get("name") for one in far["places"]}
    assert counts == {5: None, 1: "Far away"}
    assert [len(near["places"]), len(near["geofences"])] == [5, 5]


def test_a_crowded_tile_shows_some_together_and_the_largest_areas(
    anyone: Client,
    session: Session,
    organisation: Organisation,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """However much lies there, and at whatever zoom; whoever is alone keeps their name."""
    monkeypatch.setattr(queries, "MOST_PLACES", 3)
    monkeypatch.setattr(queries, "MOST_AREAS", 2)
    for number in range(3):
        at = (EXETER[0] + number * 1e-6, EXETER[1])
        place = make_place(session, organisation, name=f"{number}", at=at)
        make_geofence(session, place, half_deg=0.001 + number * 1e-4)
    beside = (EXETER[0] + 0.005, EXETER[1])
    session.commit()
    few = layers(anyone, tile_at(*EXETER, 14))
    make_place(session, organisation, name="Alone", at=beside)
    session.commit()

    crowded = layers(anyone, tile_at(*EXETER, 13))

    assert len(few["places"]) == 3
    told = [one["properties"] for one in crowded["places"]]
    assert {one["places"]: one.get("name") for one in told} == {1: "Alone", 3: None}
    assert {one["properties"]["name"] for one in crowded["geofences"]} == {"1", "2"}


def test_what_is_not_watched_is_not_drawn(
    anyone: Client, session: Session, organisation: Organisation
) -> None:
    """Areas that are switched off, deleted, or round a sensitive place; the places are."""
    off, gone, sensitive = (make_place(session, organisation) for _ in range(3))
    make_geofence(session, off).disabled_at = NOON
    make_geofence(session, gone).deleted_at = NOON
    make_geofence(session, sensitive)
    sensitive.sensitive_kind, sensitive.sensitive_at = "clinic", NOON
    session.commit()

    drawn = layers(anyone, tile_at(*EXETER, 16))

    assert set(drawn) == {"places"}
    assert len(drawn["places"]) == 3


def test_the_poles_and_the_antimeridian_are_drawn(
    anyone: Client, session: Session, organisation: Organisation
) -> None:
    """What the projection cannot show is left out and harms nothing."""
    for lon, lat in [(0.0, 90.0), (180.0, 0.1), (-180.0, -0.1), (12.0, -89.9)]:
        make_geofence(session, make_place(session, organisation, at=(lon, lat)), at=(0.0, 50.0))
    session.commit()

    drawn = layers(anyone, "0/0/0")

    assert sum(one["properties"]["places"] for one in drawn["places"]) == 1


def test_the_map_begins_with_all_places_on_the_base_map_of_the_settings(
    committed: SessionFactory, settings: Settings
) -> None:
    """No further than tiles go; the whole world and a plain ground where there is nothing."""
    empty = client_of(create_app(committed, settings)).get("/v1/tiles").json()
    with transaction(committed) as session:
        organisation = make_organisation(session)
        for at in [(-3.5, 50.5), (-4.25, 50.75), (0.0, -89.9)]:
            make_place(session, organisation, at=at)
    maps = MapSettings(
        base_raster_url="https://maps.devon.example/{z}/{x}/{y}.png?key=1",
        base_attribution="© Devon",
    )
    service = create_app(committed, settings.model_copy(update={"maps": maps}))
    told = client_of(service).get("/v1/tiles").json()

    assert empty["bounds"] == list(WORLD)
    assert empty["base_map"] is None
    assert told["bounds"] == [-4.25, WORLD[1], 0.0, 50.75]
    assert told["base_map"] == {
        "kind": "raster",
        "url": "https://maps.devon.example/{z}/{x}/{y}.png?key=1",
        "attribution": "© Devon",
        "attribution_url": None,
        "max_zoom": 19,
    }


@pytest.mark.parametrize("tile", ["1/2/0", "17/0/0", "3/0/-1"])
def test_a_tile_that_is_none_is_not_found(anyone: Client, tile: str) -> None:
    """And says so as everything does."""
    answer = anyone.get(f"/v1/tiles/now/{tile}")

    assert answer.status_code == 404
    assert answer.json()["type"].endswith("/problems/not-found")


def test_tiles_last_until_anything_on_the_map_changes(
    committed: SessionFactory, settings: Settings, statements: list[str]
) -> None:
    """Each is drawn once, and its address is another one after any change of a place or area."""
    with transaction(committed) as session:
        place = make_place(session, make_organisation(session))
    anyone = client_of(create_app(committed, settings))

    def revision() -> str:
        (template,) = anyone.get("/v1/tiles").json()["tiles"]
        return str(template.removeprefix(f"{settings.public_url}/v1/tiles/").split("/")[0])

    def changed(name: str | None = None) -> bool:
        before = revision()
        with transaction(committed) as session:
            if name is None:
                make_geofence(session, place)
            else:
                session.merge(place).name = name
        return revision() != before

    tile, now = tile_at(*EXETER, 16), revision()
    first = anyone.get(f"/v1/tiles/{now}/{tile}")
    statements.clear()
    again = anyone.get(f"/v1/tiles/{now}/{tile}")

    assert again.content == first.content != b""
    assert first.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert first.headers["vary"] == "Origin"
    assert not any("ST_AsMVT" in statement for statement in statements)
    assert changed("Exeter Central Library")
    assert changed()
    renamed = anyone.get(f"/v1/tiles/{revision()}/{tile}")
    assert b"Exeter Central Library" in renamed.content
    outdated = anyone.get(f"/v1/tiles/{revision()}1/{tile}")
    assert outdated.content == renamed.content
    assert outdated.headers["cache-control"] == "no-store"
