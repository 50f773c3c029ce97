"""Running the processes side by side with honcho, until one ends or we are told to stop."""

import shlex
import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import FrameType
from typing import TextIO

from honcho.manager import Manager
from honcho.printer import Message, Printer

from local.configuration import CHECKOUT
from local.interruption import STOPS
from local.processes import STORY, Commands


class Runner(Manager):  # type: ignore[misc]  # honcho has no types.
    """Honcho's manager, to which a story that ended well may be no reason to stop.

    Args:
        printer: Where lines go.
        after_story: Called once when the story has ended with 0 and the others go on; `None`
            if its end is everybody's.
    """

    def __init__(self, printer: Printer, *, after_story: Callable[[], None] | None) -> None:
        super().__init__(printer)
        self._after_story = after_story
        self.story_told = False
        self.stopped_by: signal.Signals | None = None
        self.ended_first: tuple[str, int] | None = None
        """The process whose end stopped the others, and its exit code."""

    def loop(self) -> None:
        """Run until all have ended; none outlives an error of ours."""
        try:
            super().loop()
        except BaseException:
            for process in self._processes.values():
                if "pid" in process and "returncode" not in process:
                    self._procmgr.kill(process["pid"])
            raise

    def _start(self) -> None:
        # Honcho's own handlers print and kill from inside a signal: into the middle of another
        # print, or before the processes have numbers. These leave word for the loop.
        for signum in STOPS:
            signal.signal(signum, self._leave_word)
        super()._start()

    def _leave_word(self, signum: int, _frame: FrameType | None) -> None:
        self.stopped_by = self.stopped_by or signal.Signals(signum)

    def _any_stopped(self) -> bool:
        for name, process in self._processes.items():
            if process.get("returncode") is not None and self._is_the_end(name, process):
                self.ended_first = self.ended_first or (name, process["returncode"])
        return self.stopped_by is not None or self.ended_first is not None

    def _is_the_end(self, name: str, process: Mapping[str, int]) -> bool:
        if name != STORY or process["returncode"] != 0 or self._after_story is None:
            return True
        if not self.story_told:
            self.story_told = True
            self._after_story()
        return False


class StoryPrinter(Printer):  # type: ignore[misc]  # honcho has no types.
    """Shows the story's own lines; what honcho says of the processes goes to a log."""

    def __init__(self, log: TextIO) -> None:
        super().__init__(log)

    def write(self, message: Message) -> None:
        """Take one line or notice."""
        if message.name == STORY:
            sys.stdout.write(message.data.decode("utf-8", "replace"))
            sys.stdout.flush()
        else:
            super().write(message)


def add_all(
    runner: Runner, commands: Commands, *, env: Mapping[str, str], logs: Path | None
) -> None:
    """Give the runner the commands.

    Args:
        runner: What will run them.
        commands: Their names and command lines.
        env: The environment each gets.
        logs: The folder of a log for each, which the processes write themselves, so that it is
            whole even if we are killed; the story's holds its stderr alone. `None` has their
            lines go to the runner's printer.
    """
    for name, command in commands.items():
        line = f"exec {shlex.join(command)}"
        if logs is not None:
            log = shlex.quote(str(logs / f"{name}.log"))
            line += f" 2>{log}" if name == STORY else f" >{log} 2>&1"
        runner.add_process(name, line, env=dict(env), cwd=str(CHECKOUT))
