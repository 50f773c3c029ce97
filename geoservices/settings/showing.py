"""How maps are shown."""

from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, Field, model_validator

MapUrl = Annotated[
    str, Field(pattern=r"^https?://[A-Za-z0-9.-]+(:[0-9]+)?/[^\s\"'<>]*$", max_length=500)
]
"""An address that browsers load a map from; its host goes into the policy of pages as it is."""


class MapSettings(BaseModel, frozen=True, extra="forbid"):
    """Maps."""

    tile_cache_bytes: Annotated[int, Field(ge=0, le=10**10)] = 64 * 1024 * 1024
    """So much of the tiles drawn last each API process keeps."""
    base_raster_url: MapUrl | None = None
    """Where the pictures of a base map are, with `{z}`, `{x}` and `{y}` in their places."""
    base_style_url: MapUrl | None = None
    """In place of that, the style of a base map of vector tiles (MapLibre Style Specification)."""
    base_attribution: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    """Whose map it is, as its licence wants it said; one with a base map must have it."""
    base_attribution_url: MapUrl | None = None
    """Where that leads to."""
    base_max_zoom: Annotated[int, Field(ge=1, le=22)] = 19
    """The map goes no nearer; there are pictures of the base map up to this zoom."""

    @property
    def base_origin(self) -> str | None:
        """What browsers have to load the base map from, as an origin (RFC 6454); None without."""
        url = self.base_raster_url or self.base_style_url
        if url is None:
            return None
        parts = urlsplit(url)
        return f"{parts.scheme}://{parts.netloc}"

    @model_validator(mode="after")
    def _one_base_map_that_says_whose_it_is(self) -> Self:
        if self.base_raster_url and self.base_style_url:
            raise ValueError("only one of maps.base_raster_url and maps.base_style_url can be set")
        if self.base_origin and not self.base_attribution:
            raise ValueError("maps.base_attribution must say whose the base map is")
        if self.base_raster_url and any(
            place not in self.base_raster_url for place in ("{z}", "{x}", "{y}")
        ):
            raise ValueError("maps.base_raster_url must have {z}, {x} and {y} in it")
        return self
