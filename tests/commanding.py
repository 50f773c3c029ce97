"""The operator's commands, run in the test's own process.

A process for each would load the whole service first, in seconds. What only a process can show is
tested in tests/geoservices/test_main.py.
"""

from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from geoservices import __main__ as commands
from geoservices.database import make_engine


@dataclass(frozen=True, slots=True)
class Done:
    """What became of a command."""

    returncode: int
    stdout: str
    stderr: str


def run(*arguments: str | Path, given: str = "", env: Mapping[str, str] | None = None) -> Done:
    """Run `geoservices` with these arguments.

    Args:
        arguments: They.
        given: What is on its standard input.
        env: Variables of its environment that the test's own lacks.
    """
    engines: list[Engine] = []

    def noted(*given: Any, **options: Any) -> Engine:
        engines.append(make_engine(*given, **options))
        return engines[-1]

    out, err = StringIO(), StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.setattr("sys.stdin", StringIO(given))
        patch.setattr(commands, "make_engine", noted)
        for name, value in (env or {}).items():
            patch.setenv(name, value)
        code = commands.main([str(argument) for argument in arguments])
    # A process would have closed its connections by ending.
    for engine in engines:
        engine.dispose()
    return Done(code, out.getvalue(), err.getvalue())
