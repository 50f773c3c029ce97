"""How our own process is told to stop, and how what it forks is known later."""

import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from local.console import STARTED_BY

STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(BaseException):
    """Somebody wants us to stop: by Ctrl-C, by `kill`, or by closing the terminal."""

    def __init__(self, signum: int) -> None:
        super().__init__(signum)
        self.signum = signum


def heed_signals() -> None:
    """Have the first signal raise `Interrupted`; later ones cannot cut the orderly end short."""

    def interrupt(signum: int, _frame: FrameType | None) -> None:
        for stop in STOPS:
            signal.signal(stop, signal.SIG_IGN)
        raise Interrupted(signum)

    for stop in STOPS:
        signal.signal(stop, interrupt)


def carry_mark(data_dir: Path, *, module: str, arguments: Sequence[str]) -> None:
    """Start this process over with the mark of its stack, which honcho's forks of it then carry.

    Only what stood in the environment when a program began can be read from outside.
    """
    if os.environ.get(STARTED_BY) != str(data_dir):
        os.environ[STARTED_BY] = str(data_dir)
        os.execv(sys.executable, [sys.executable, "-m", module, *arguments])  # noqa: S606
