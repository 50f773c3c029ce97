"""How every bench prints: the machine first, then one line a case."""

import argparse
import json
import os
import platform
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import version


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One measured case; `ratio` is ours to the peer's, measured in the same run."""

    case: str
    value: float
    unit: str
    peer: str | None = None
    peer_value: float | None = None
    ratio: float | None = None
    params: Mapping[str, object] = field(default_factory=dict)

    def as_json(self) -> str:
        """Return the figure as one line of JSON."""
        return json.dumps(
            {
                "case": self.case,
                "value": self.value,
                "unit": self.unit,
                "peer": self.peer,
                "peer_value": self.peer_value,
                "ratio": self.ratio,
                "params": dict(self.params),
            }
        )


def options(description: str | None) -> argparse.ArgumentParser:
    """Return the parser of what every bench takes."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.add_argument("--quick", action="store_true", help="finish within a minute")
    parser.add_argument("--case", help="only this case, or those whose names start with this")
    parser.add_argument("--seed", type=int, default=1, help="the same seed, the same input")
    return parser


def pick(names: Iterable[str], wanted: str | None) -> list[str]:
    """Return the case that was asked for, or all whose names start so; all of them for None.

    Raises:
        SystemExit: There is none.
    """
    there = list(names)
    if wanted in there:
        return [wanted]
    found = [name for name in there if name.startswith(wanted or "")]
    if not found:
        sys.exit(f"No case is named {wanted}; there are {', '.join(there)}.")
    return found


def introduce(seed: int, *packages: str) -> None:
    """Say on stderr what is measured on: machine, versions and seed."""
    versions = ", ".join(f"{package} {version(package)}" for package in packages)
    print(
        f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, "
        f"{versions}; seed {seed}",
        file=sys.stderr,
    )


def tell(figures: Iterable[Figure], *, as_json: bool) -> None:
    """Print figures as they come."""
    for figure in figures:
        print(figure.as_json() if as_json else _row(figure), flush=True)


def _row(figure: Figure) -> str:
    against = ""
    if figure.peer is not None:
        against = f"  {figure.peer} {figure.peer_value:g}  ratio {figure.ratio:.2f}"
    told = "  ".join(f"{name} {value}" for name, value in figure.params.items())
    return f"{figure.case:<42} {figure.value:>12.6g} {figure.unit:<12}{against}  {told}"
