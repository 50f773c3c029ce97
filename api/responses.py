"""Kinds of answers beyond plain JSON, and statuses beyond plain success."""

from datetime import datetime
from typing import Any

from fastapi.responses import JSONResponse
from pydantic import BaseModel


class GeoJsonResponse(JSONResponse):
    """GeoJSON (RFC 7946)."""

    media_type = "application/geo+json"


def repeated(model: type[BaseModel]) -> dict[int | str, dict[str, Any]]:
    """Return what a route's `responses` says of a request that was sent before."""
    return {200: {"model": model, "description": "It was there already."}}


def status_of_made(made_at: datetime, *, at: datetime) -> int:
    """Return 201 for what this very request made, and 200 for what was there already."""
    return 201 if made_at == at else 200
