"""`python3 -m local.bootstrap [--dev]`: everything a fresh machine lacks, before any of ours runs.

It needs the system's Python and nothing else, prints to stderr alone, and takes milliseconds when
there is nothing to do. `make` runs it before every other command.
"""

import sys

# Older Pythons cannot even read the modules below, so they are told here.
if sys.version_info < (3, 11):  # noqa: UP036  # It is the system's Python that reads this.
    sys.exit("geoservices needs Python 3.11 or newer; this is %d.%d." % sys.version_info[:2])  # noqa: UP031

import argparse
import os

from local import apt, environment
from local.console import CannotGoOn, say
from local.distribution import find_postgres, missing_browsers


def set_up(*, dev: bool, embedded: bool) -> None:
    """Install what is missing and make the virtual environment; twice does nothing more.

    Args:
        dev: Also what the checks and tests need.
        embedded: The database is ours to start, so its server has to be on this machine.

    Raises:
        CannotGoOn: Something is missing that cannot be installed from here.
    """
    venv = environment.venv_folder()
    ready = environment.is_ready(venv, dev=dev)
    postgres = embedded and find_postgres() is None
    venv_module = not ready and not environment.can_make_venvs()
    browsers = missing_browsers() if dev else []
    if postgres or venv_module or browsers:
        try:
            apt.install(postgres=postgres, venv=venv_module, browsers=browsers)
        except CannotGoOn as reason:
            if postgres or venv_module:
                raise
            say(f"{reason}\nUntil then the tests that need them are skipped.")
    if not ready:
        environment.make_ready(venv, dev=dev)


def main(arguments: list[str]) -> int:
    """Set up, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python3 -m local.bootstrap", description=__doc__)
    parser.add_argument("--dev", action="store_true", help="also what the checks and tests need")
    options = parser.parse_args(arguments)
    try:
        # The checks always run on a throw-away cluster; the demo may be given a database.
        given = bool(os.environ.get("GEOSERVICES_DATABASE_URL"))
        set_up(dev=options.dev, embedded=options.dev or not given)
    except CannotGoOn as reason:
        say(f"\nSet-up stopped. {reason}")
        return 1
    except KeyboardInterrupt:
        say("\nSet-up was interrupted; the next run takes it up again.")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
