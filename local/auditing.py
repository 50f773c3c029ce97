"""`python -m local.auditing`: whether a vulnerability is known of anything we depend on.

pip-audit asks the OSV database about each locked package. Where that cannot be reached nothing is
known, which is said and fails nothing, unless it is required: a machine without the internet must
still be able to run the checks.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from geoservices import clock
from local.configuration import CHECKOUT
from local.processes import program

LOCKED = (CHECKOUT / "requirements.txt", CHECKOUT / "requirements-dev.txt")
ACCEPTED: Mapping[str, tuple[date, str]] = {}
"""Vulnerabilities that do not touch us, by their id: until when we believe so, and why."""
UNREACHABLE = ("ConnectionError", "ConnectTimeout", "ReadTimeout", "NameResolutionError")
TIMEOUT_S = "10"


def main(arguments: Sequence[str] | None = None) -> int:
    """Audit each file of locked requirements; return 1 if anything must be done."""
    parser = argparse.ArgumentParser(prog="python -m local.auditing", description=__doc__)
    parser.add_argument("--osv-url", help="ask another database of the same kind")
    parser.add_argument(
        "--required", action="store_true", help="fail where the database cannot be reached"
    )
    parser.add_argument("files", nargs="*", type=Path, help="files of locked requirements")
    options = parser.parse_args(arguments)
    audited: dict[str, list[Any]] = {}
    for file in options.files or LOCKED:
        done = _run(file, options.osv_url)
        if not done.stdout.strip():
            away = any(word in done.stderr for word in UNREACHABLE)
            print(
                "The database of vulnerabilities cannot be reached: nothing was audited."
                if away
                else done.stderr
            )
            return 1 if options.required or not away else 0
        for one in json.loads(done.stdout)["dependencies"]:
            audited[f"{one['name']} {one.get('version', '')}"] = one.get("vulns", [])
    open_ = sorted(
        f"{package}: {vulnerability['id']}, mended in "
        f"{', '.join(vulnerability['fix_versions']) or 'no version yet'}"
        for package, found in audited.items()
        for vulnerability in found
        if not _accepted([vulnerability["id"], *vulnerability.get("aliases", [])])
    )
    print("\n".join(open_) or f"No vulnerability is known of {len(audited)} packages.")
    return 1 if open_ else 0


def _run(file: Path, osv_url: str | None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            program("pip-audit"),
            *("--requirement", file, "--require-hashes", "--disable-pip"),
            *("--vulnerability-service", "osv", "--format", "json", "--aliases", "on"),
            *("--progress-spinner", "off", "--timeout", TIMEOUT_S),
            *(("--osv-url", osv_url) if osv_url else ()),
        ],
        capture_output=True,
        text=True,
        check=False,
    )


def _accepted(names: Sequence[str]) -> bool:
    today = clock.now().date()
    return any(name in ACCEPTED and today <= ACCEPTED[name][0] for name in names)


if __name__ == "__main__":
    sys.exit(main())
