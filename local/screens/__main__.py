"""The command that takes a picture of every page of the web app.

`python -m local.screens` starts the whole service on servers of its own, takes the pictures, and
stops it again. They lie in `build/screens`, with a sheet to look them through on: `index.html`.
"""

import argparse
import sys
from pathlib import Path

from local import processes, web
from local.configuration import CHECKOUT
from local.console import CannotGoOn, say
from local.demo import play
from local.interruption import Interrupted, heed_signals
from local.processes import STORY
from local.stack import prepare
from local.temporary import temporary_servers

PREFIX = "geoservices-screens-"
FOLDER = CHECKOUT / "build" / "screens"


def main(arguments: list[str]) -> int:
    """Start it, take them, stop it, and return the exit code."""
    heed_signals()
    parser = argparse.ArgumentParser(prog="python -m local.screens", description=__doc__)
    parser.add_argument("--to", type=Path, default=FOLDER, help="where the pictures go")
    parser.add_argument("--only", default="", help="those whose names begin so: place-checked-in")
    parser.add_argument("--readme", action="store_true", help="write those of the README too")
    told = parser.parse_args(arguments)
    try:
        return _take(told.to.resolve(), only=told.only, readme=told.readme)
    except CannotGoOn as reason:
        say(f"\n{reason}")
        return 1
    except Interrupted as interrupted:
        return 128 + interrupted.signum


def _take(folder: Path, *, only: str, readme: bool) -> int:
    web.build()
    with temporary_servers(PREFIX) as (configuration, env):
        prepare(configuration, env)
        taking = (
            *(processes.program("python"), "-m", "local.screens.taking"),
            *("--api", configuration.api_url, "--push", configuration.push_url),
            *("--to", str(folder), "--only", only, *(["--readme"] if readme else [])),
        )
        say(f"Taking pictures into {folder}.")
        return play(
            {**processes.commands(configuration), STORY: taking},
            env=env,
            logs=configuration.logs,
            after_story=None,
        )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
