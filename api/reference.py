"""The API's reference page, served whole by this process: it also works with no internet."""

from importlib.resources import files
from pathlib import Path

from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles

from api.headers import OF_PAGES
from api.responses import PageResponse

ASSETS = "/docs/assets"
PAGE = (Path(str(files("api"))) / "pages" / "reference.html").read_text("utf-8")
DRAWN = {
    "Content-Security-Policy": OF_PAGES["Content-Security-Policy"].replace(
        "img-src 'self'", "img-src 'self' data:"
    )
}
"""The reference's own style sheet has its icons within it."""


def install(app: FastAPI) -> None:
    """Serve the page at /docs."""
    folder = str(files("fastapi_offline") / "static")
    app.mount(ASSETS, StaticFiles(directory=folder), name="docs-assets")

    @app.get("/docs", include_in_schema=False)
    def read_reference() -> PageResponse:
        """Show what the API takes and answers, from its OpenAPI document."""
        page = PageResponse(PAGE)
        page.headers.update(DRAWN)
        return page
