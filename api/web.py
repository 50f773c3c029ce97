"""The web app, as `web/` was built: the same page at each of its addresses, and what that loads.

All of it is kept in memory. It is a few megabytes, a phone that comes for the first time asks for a
hundred files of it, and whoever builds it anew takes none from under a page that is open.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from importlib.resources import files
from mimetypes import guess_type
from pathlib import Path
from typing import Final

from fastapi import FastAPI, Request
from fastapi.responses import Response

from api.headers import of_app
from api.problems import NoSuchAddress
from api.responses import PageResponse

FOLDER: Final = Path(str(files("api"))).parent / "web" / "dist"
ASSETS: Final = "/assets/{name}"
WORKER: Final = "service-worker.js"
"""Its address never changes: browsers that know it ask there for the next one."""
FOREVER: Final = "public, max-age=31536000, immutable"
"""Of what has a hash of its content in its name (RFC 8246)."""
ENCODINGS: Final[Mapping[str, str]] = {"br": ".br", "gzip": ".gz"}
"""What a file may lie there compressed by, the smaller first, with the end of its name then."""
SCRIPT: Final = "text/javascript"
REFUSED: Final = re.compile(r"q\s*=\s*0(\.0*)?\s*")
"""The weight of an encoding that is not taken (RFC 9110 section 12.4.2)."""
READING: Final = ["GET", "HEAD"]
NOT_BUILT: Final = """\
<!doctype html>
<html lang="en-GB">
<head><meta charset="utf-8"><title>Not built yet</title></head>
<body><main>
<h1>The web app has not been built yet</h1>
<p>Run <code>python -m local.web build</code> and start the service again.
<code>make demo</code>, <code>make run</code> and <code>make test</code> do that by themselves.</p>
</main></body>
</html>
"""


@dataclass(frozen=True, slots=True)
class WebApp:
    """What a build left."""

    page: str | None
    """None if there was no build."""
    addresses: tuple[str, ...]
    """Where the page is served, as paths with parameters in braces."""
    assets: Mapping[str, bytes]
    """What it loads, by name, and the same compressed."""
    worker: Mapping[str, bytes]
    """The service worker's script and the same compressed; nothing if there was no build."""
    parts: Mapping[str, tuple[str, ...]]
    """What the page loads at an address besides what it loads at all: scripts and styles."""

    def at(self, address: str) -> str:
        """Return the page as it is sent at an address, which names its parts.

        A browser loads them at once then, and not after the script that asks for them.
        """
        links = "".join(map(_link, self.parts.get(address, ())))
        return (self.page or "").replace("</head>", f"{links}</head>")


def read_build(folder: Path) -> WebApp:
    """Return what lies in a folder, which need not be there."""
    index = folder / "index.html"
    if not index.exists():
        return WebApp(page=None, addresses=("/",), assets={}, worker={}, parts={})
    parts = json.loads((folder / "parts.json").read_text("utf-8"))
    return WebApp(
        page=index.read_text("utf-8"),
        addresses=tuple(json.loads((folder / "addresses.json").read_text("utf-8"))),
        assets={file.name: file.read_bytes() for file in (folder / "assets").iterdir()},
        worker={file.name: file.read_bytes() for file in folder.glob(f"{WORKER}*")},
        parts={address: tuple(files) for address, files in parts.items()},
    )


def install(app: FastAPI, folder: Path = FOLDER, *, map_origin: str | None = None) -> None:
    """Serve the app as it is now: one that is built later takes a start of the service.

    Args:
        app: What serves it.
        folder: Where it was built.
        map_origin: Where its base map is loaded from, if it has one.
    """
    web = read_build(folder)
    # A worker keeps to the policy that its own script came with, not to its page's.
    policy = of_app(map_origin)

    def opener(address: str) -> Callable[[], Response]:
        content = web.at(address)

        def open_app() -> Response:
            """Show the app, which finds out by the address what to show."""
            if web.page is None:
                return PageResponse(NOT_BUILT, HTTPStatus.SERVICE_UNAVAILABLE)
            page = PageResponse(content)
            page.headers.update(policy)
            page.headers["Cache-Control"] = "no-cache"
            return page

        return open_app

    async def read_asset(request: Request, name: str) -> Response:
        """Send a file of the app's, compressed if the browser takes that."""
        if name not in web.assets:
            raise NoSuchAddress
        sent = send_asset(web.assets, name, request.headers.get("Accept-Encoding", ""))
        if sent.media_type == SCRIPT:
            sent.headers.update(policy)
        return sent

    async def read_worker(request: Request) -> Response:
        """Send the service worker, which may serve every page, from the root; never a kept one."""
        if WORKER not in web.worker:
            raise NoSuchAddress
        sent = send_asset(web.worker, WORKER, request.headers.get("Accept-Encoding", ""))
        sent.headers.update(policy | {"Cache-Control": "no-cache"})
        return sent

    for address in web.addresses:
        app.add_api_route(address, opener(address), methods=READING, include_in_schema=False)
    app.add_api_route(ASSETS, read_asset, methods=READING, include_in_schema=False)
    app.add_api_route(f"/{WORKER}", read_worker, methods=READING, include_in_schema=False)


def _link(file: str) -> str:
    kind = "stylesheet" if file.endswith(".css") else "modulepreload"
    return f'<link rel="{kind}" crossorigin href="/{file}">'


def send_asset(assets: Mapping[str, bytes], name: str, accepted: str) -> Response:
    """Return the answer with a file.

    Args:
        assets: The files by their names, the compressed ones too.
        name: One of them.
        accepted: The request's `Accept-Encoding` (RFC 9110 section 12.5.3).
    """
    headers = {"Cache-Control": FOREVER, "Vary": "Accept-Encoding"}
    parts = (part.partition(";") for part in accepted.lower().split(","))
    taken = {coding.strip() for coding, _, weight in parts if not REFUSED.fullmatch(weight.strip())}
    for encoding, ending in ENCODINGS.items():
        if encoding in taken and name + ending in assets:
            headers["Content-Encoding"] = encoding
            content = assets[name + ending]
            break
    else:
        content = assets[name]
    # Not every machine's list of media types knows modules by their ending.
    media_type = SCRIPT if name.endswith((".js", ".mjs")) else guess_type(name)[0]
    return Response(content, media_type=media_type, headers=headers)
