"""`make demo` and `make run`: the service's processes on prepared servers."""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from honcho.printer import Printer

from local import processes
from local.configuration import Configuration
from local.console import say, tail
from local.ownership import holding
from local.processes import STORY, Commands
from local.running import Runner, StoryPrinter, add_all
from local.stack import prepare, servers


def demonstrate(configuration: Configuration, *, once: bool, as_json: bool) -> int:
    """Play the story on the running service; then go on serving unless it is played once.

    Returns:
        The exit code: the story's own, or 1 if another process ended before it.
    """
    with holding(configuration.data_dir), servers(configuration) as env:
        prepare(configuration, env)
        say(f"Starting the service; its logs are in {configuration.logs}.")
        story = processes.story(configuration, as_json=as_json)
        return play(
            {**processes.commands(configuration), STORY: story},
            env=env,
            logs=configuration.logs,
            after_story=None if once else lambda: say_where(configuration),
        )


def serve(configuration: Configuration) -> int:
    """Run the service without a story, its processes' lines on stderr, until told to stop."""
    with holding(configuration.data_dir), servers(configuration) as env:
        prepare(configuration, env)
        say_where(configuration)
        runner = Runner(Printer(sys.stderr), after_story=None)
        add_all(runner, processes.commands(configuration), env=env, logs=None)
        runner.loop()
    return 0 if runner.stopped_by else _verdict(runner, configuration.logs)


def play(
    commands: Commands,
    *,
    env: Mapping[str, str],
    logs: Path,
    after_story: Callable[[], None] | None,
) -> int:
    """Run the processes and the story among them; return the exit code."""
    with (logs / "processes.log").open("w", encoding="utf-8") as log:
        runner = Runner(StoryPrinter(log), after_story=after_story)
        add_all(runner, commands, env=env, logs=logs)
        runner.loop()
    if runner.stopped_by:
        return 0 if runner.story_told else 128 + runner.stopped_by
    return _verdict(runner, logs)


def say_where(configuration: Configuration) -> None:
    """Tell the person where the service is."""
    say(f"The service is at {configuration.api_url}/docs. Ctrl-C stops everything.")


def _verdict(runner: Runner, logs: Path) -> int:
    """Name the process whose end stopped the others, and judge it."""
    name, code = runner.ended_first or (STORY, 1)
    if name == STORY and code == 0:
        return 0
    say(f"The process `{name}` ended with exit code {code}. The end of {logs / name}.log:")
    say(tail(logs / f"{name}.log"))
    return code if name == STORY and code > 0 else 1
