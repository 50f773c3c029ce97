"""Vector tiles of places and watched areas, for everyone's maps."""

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from api.bodies import StrictRoute
from api.dependencies import SessionDep, SettingsDep
from api.problems import problem_responses
from api.responses import TileResponse
from api.schemas.tiles import BaseMapOut, LayerOut, TileJsonOut
from geoservices.errors import NotFound
from geoservices.settings.showing import MapSettings
from geoservices.tiles.addresses import MAX_ZOOM, TileAddress
from geoservices.tiles.queries import SHAPES_FROM
from geoservices.tiles.service import Tiles

router = APIRouter(tags=["maps"], route_class=StrictRoute)

FOR_EVER = "public, max-age=31536000, immutable"
LAYERS = [
    LayerOut(
        id="places",
        description="Places, and far away how many are close together",
        minzoom=0,
        maxzoom=MAX_ZOOM,
        fields={
            "places": "How many places the point stands for; only of one is more told",
            "id": "The place's id",
            "name": "What it is called",
            "category": "What kind of place it is",
        },
    ),
    LayerOut(
        id="geofences",
        description="Areas that are watched for comings and goings",
        minzoom=SHAPES_FROM,
        maxzoom=MAX_ZOOM,
        fields={
            "id": "The geofence's id",
            "place_id": "The id of the place it is round",
            "name": "What it is called",
        },
    ),
]


@router.get("/tiles")
def read_tile_json(
    request: Request, session: SessionDep, settings: SettingsDep, response: Response
) -> TileJsonOut:
    """See where the tiles of the map as it is now are (TileJSON 3.0).

    Their addresses change with whatever is on the map.
    """
    response.headers["Cache-Control"] = "public, no-cache"
    tiles: Tiles = request.app.state.tiles
    overview = tiles.overview(session)
    return TileJsonOut(
        tilejson="3.0.0",
        name="Places and watched areas",
        tiles=[f"{settings.public_url}/v1/tiles/{overview.revision}/{{z}}/{{x}}/{{y}}"],
        minzoom=0,
        maxzoom=MAX_ZOOM,
        bounds=overview.bounds,
        vector_layers=LAYERS,
        base_map=base_map_of(settings.maps),
    )


def base_map_of(told: MapSettings) -> BaseMapOut | None:
    """Return the base map that the settings name."""
    url = told.base_raster_url or told.base_style_url
    if url is None or told.base_attribution is None:
        return None
    return BaseMapOut(
        kind="raster" if told.base_raster_url else "style",
        url=url,
        attribution=told.base_attribution,
        attribution_url=told.base_attribution_url,
        max_zoom=told.base_max_zoom,
    )


@router.get(
    "/tiles/{revision}/{z}/{x}/{y}",
    response_class=TileResponse,
    responses=problem_responses(NotFound),
)
def read_tile(
    request: Request,
    revision: Annotated[str, Path(max_length=50)],
    z: Annotated[int, Path(description="The zoom, from 0")],
    x: Annotated[int, Path(description="The column, from 0 in the west")],
    y: Annotated[int, Path(description="The row, from 0 in the north")],
    session: SessionDep,
) -> TileResponse:
    """Get a tile (Mapbox Vector Tile 2.1), empty where nothing is.

    Of a revision that is over it shows what is there now, and may not be kept.
    """
    tiles: Tiles = request.app.state.tiles
    tile = tiles.read(session, TileAddress(z, x, y), revision=revision)
    # Kept for a page of ours, it would be of no use to another site's, which may ask too.
    kept = {"Cache-Control": FOR_EVER, "Vary": "Origin"}
    return TileResponse(tile.data, headers=kept if tile.lasting else {"Cache-Control": "no-store"})
