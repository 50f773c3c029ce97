"""Kinds of answers beyond plain JSON, and statuses beyond plain success."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from fastapi.responses import HTMLResponse, JSONResponse, Response, StreamingResponse

from api.headers import OF_PAGES

LANGUAGE = "Accept-Language"


class GeoJsonResponse(JSONResponse):
    """GeoJSON (RFC 7946)."""

    media_type = "application/geo+json"


class CalendarResponse(Response):
    """A calendar (RFC 5545)."""

    media_type = "text/calendar"


class LinkedDataResponse(JSONResponse):
    """Linked data (JSON-LD 1.1)."""

    media_type = "application/ld+json"


class SvgResponse(Response):
    """A drawing (SVG 2)."""

    media_type = "image/svg+xml"


class PdfResponse(Response):
    """A document to print (ISO 32000)."""

    media_type = "application/pdf"


class JpegResponse(Response):
    """A photo, which no browser takes for anything else or lets do anything."""

    media_type = "image/jpeg"

    def __init__(self, content: bytes, status_code: int = 200, *, name: str = "photo.jpg") -> None:
        """Send a photo.

        Args:
            content: It.
            status_code: The HTTP status.
            name: What it is called when it is saved, in ASCII without quotes.
        """
        super().__init__(
            content,
            status_code,
            {
                "Content-Disposition": f'inline; filename="{name}"',
                "Content-Security-Policy": "default-src 'none'; sandbox",
            },
        )


class TileResponse(Response):
    """A vector tile (Mapbox Vector Tile 2.1)."""

    media_type = "application/vnd.mapbox-vector-tile"


class ZipResponse(StreamingResponse):
    """A file to keep, sent part by part."""

    media_type = "application/zip"

    def __init__(
        self,
        content: Iterator[bytes],
        status_code: int = 200,
        *,
        name: str = "file.zip",
        size: int | None = None,
    ) -> None:
        """Send a file.

        Args:
            content: Its parts.
            status_code: The HTTP status.
            name: What it is called, in ASCII without quotes.
            size: Its length in bytes.
        """
        super().__init__(
            content,
            status_code,
            {
                "Content-Disposition": f'attachment; filename="{name}"',
                "Cache-Control": "no-store",
                **({} if size is None else {"Content-Length": str(size)}),
            },
        )


class PageResponse(HTMLResponse):
    """A page that loads nothing but this service's own files."""

    def __init__(
        self, content: str, status_code: int = 200, *, language: str | None = None
    ) -> None:
        """Send a page.

        Args:
            content: It.
            status_code: The HTTP status.
            language: The tag of the one that was chosen for the browser, if it had a choice.
        """
        chosen = {} if language is None else {"Content-Language": language, "Vary": LANGUAGE}
        super().__init__(content, status_code, {**OF_PAGES, **chosen})


def repeated(model: object) -> dict[int | str, dict[str, Any]]:
    """Return what a route's `responses` says of a request that was sent before."""
    return {200: {"model": model, "description": "It was there already."}}


def status_of_made(made_at: datetime, *, at: datetime) -> int:
    """Return 201 for what this very request made, and 200 for what was there already."""
    return 201 if made_at == at else 200
