"""What a map needs to know to ask for tiles."""

from typing import Literal

from pydantic import BaseModel, Field


class LayerOut(BaseModel):
    """A layer of the tiles and what its features have."""

    id: str
    description: str
    minzoom: int = Field(description="The first zoom with anything in it, from 0")
    maxzoom: int = Field(description="The last zoom, from 0")
    fields: dict[str, str] = Field(description="What each property of a feature is")


class BaseMapOut(BaseModel):
    """The map that ours is drawn on."""

    kind: Literal["raster", "style"] = Field(
        description="Pictures by zoom, column and row, or a style of MapLibre's specification"
    )
    url: str
    attribution: str = Field(description="Whose it is; always to be shown")
    attribution_url: str | None = Field(description="Where that leads to")
    max_zoom: int = Field(description="The last zoom it has, from 0")


class TileJsonOut(BaseModel):
    """TileJSON 3.0, and the base map of the service's own pages."""

    tilejson: Literal["3.0.0"]
    name: str
    tiles: list[str] = Field(description="The address of a tile, with its zoom, column and row")
    minzoom: int = Field(description="The first zoom, from 0")
    maxzoom: int = Field(description="The last zoom, from 0; draw its tiles larger beyond it")
    bounds: tuple[float, float, float, float] = Field(
        description="Where the places are: west, south, east, north in degrees"
    )
    vector_layers: list[LayerOut]
    base_map: BaseMapOut | None = Field(description="Null where it is a plain ground")
