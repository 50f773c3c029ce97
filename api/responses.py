"""Kinds of answers beyond plain JSON."""

from fastapi.responses import JSONResponse


class GeoJsonResponse(JSONResponse):
    """GeoJSON (RFC 7946)."""

    media_type = "application/geo+json"
