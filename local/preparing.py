"""`python -m local.preparing`: today's schema and the story's data, by the commands anyone types.

One process runs them all, because importing what each needs takes longer than what each does.
"""

import shlex
import sys
from collections.abc import Callable
from importlib.metadata import entry_points

from local.processes import PREPARATION


def main() -> None:
    """Run the commands in order, as their console scripts would; the first failure ends it."""
    scripts = entry_points(group="console_scripts")
    for name, *arguments in PREPARATION:
        print("$", shlex.join([name, *arguments]), flush=True)
        sys.argv = [name, *arguments]
        code = _run(scripts[name].load())
        if code:
            sys.exit(code)


def _run(script: Callable[[], int | None]) -> int | str | None:
    try:
        return script()
    except SystemExit as ended:
        return ended.code


if __name__ == "__main__":
    main()
