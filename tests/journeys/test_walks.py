"""The commands of the pages in docs/, run as they are written, in a shell, on the whole system.

Of what is written only two things are put in place: the ports, and the answer of each `curl`, whose
status is written down beside it.
"""

import os
import re
import shutil
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from local.configuration import CHECKOUT, free_port
from tests.journeys.system import System
from tests.local.conftest import open_folder

DOCS = CHECKOUT / "docs"
WITHIN_S = 300
LAST_LINES, LINE_WIDTH = 12, 300
"""What is shown of a walk that failed."""

BLOCK = re.compile(r"^```bash\n(.*?)^```$", re.DOTALL | re.MULTILINE)
NAMES = re.compile(r"^#+ (.+)$|\*\*(.+?)\*\*", re.MULTILINE)
ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

CURL = """#!/bin/bash
format=
for ((i = 1; i < $#; i++)); do
  next=$((i + 1))
  [[ ${!i} == -w || ${!i} == --write-out ]] && format=${!next}
done
exec CURL "$@" --write-out "$format%{stderr}%{http_code} %{method} %{url}\\n" 2>>"$ANSWERS"
"""
"""Does what curl does, and writes down what came back; curl heeds the last --write-out alone."""

HELPERS = ("The HTTP API",)
MANAGER = (*HELPERS, "Make a device.", "Consent.", "See what is nearby.", "Get a token")
ADMIN = (*MANAGER, "rules of presence of its own")


@dataclass(frozen=True, slots=True)
class Walk:
    """A page of docs/ with commands.

    Attributes:
        page: Its name.
        after: Which commands of http-api.md it goes on from: the first after these words in bold.
        refused: Which answers are refusals, as the page says that they are.
        told: What the answers have in them.
    """

    page: str
    after: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    told: tuple[str, ...] = ()


WALKS = (
    Walk("http-api", refused=("409 PUT /v1/email", "403 PATCH /v1/devices/me")),
    Walk("your-data", refused=("401 GET /v1/me/data",), told=('"state":"done"',)),
    Walk("events", told=('"state":"waiting","position":1', "The roof leaks.")),
    Walk(
        "offers",
        after=ADMIN,
        refused=("409 POST /v1/redemptions",),
        told=("/problems/redemption-code-used", '{"redeemed":1,"waiting":0,"left":99}'),
    ),
    Walk(
        "tasks",
        after=MANAGER,
        refused=("409 POST /v1/tasks/…/claim", "409 POST /v1/tasks/…/claim"),
        told=(
            *("/problems/task-step-refused", '"state":"cancelled"', "/problems/task-blocked"),
            '"rule":"FREQ=WEEKLY;UNTIL=20301231;BYDAY=FR"',
        ),
    ),
    Walk("task-intake", after=HELPERS, told=('"outcome":"made"', '"refused":1')),
    Walk(
        "feeds",
        after=MANAGER,
        refused=("304 GET /v1/places/…/events.ics",),
        told=('"added":2', '"changed":1', "DTSTART cannot be read"),
    ),
    Walk(
        "campaigns",
        refused=("422 PUT /v1/campaigns/…/publication",),
        told=(
            *("/problems/tells-too-often", "Story time heddiw"),
            *('"trigger":"now"', '"state":"stopped"'),
        ),
    ),
    Walk("check-ins", after=MANAGER),
    Walk("organisations", after=ADMIN),
)


@pytest.fixture(scope="module")
def system() -> Iterator[System]:
    """The whole system, which may fetch feeds from this machine."""
    with open_folder() as folder:
        system = System(folder, GEOSERVICES_FEEDS__ALLOW_LOOPBACK="true")
        try:
            system.start_all()
            yield system
        finally:
            system.stop_all()


@pytest.mark.stack
@pytest.mark.parametrize("walk", WALKS, ids=lambda walk: walk.page)
def test_the_commands_do_what_the_page_says(walk: Walk, system: System, tmp_path: Path) -> None:
    """Every command ends well, and every answer is a good one unless the page says otherwise."""
    before = blocks(DOCS / "http-api.md")
    own = blocks(DOCS / f"{walk.page}.md")
    script = "".join(before[name][0] for name in walk.after)
    script += "".join(block for found in own.values() for block in found)

    outcome, printed, answers = run(script, system, tmp_path)

    end = "\n".join(line[:LINE_WIDTH] for line in printed.splitlines()[-LAST_LINES:])
    assert outcome == 0, f"{end}\n{answers[-LAST_LINES:]}"
    assert tuple(one for one in answers if not one.startswith("2")) == walk.refused, end
    assert [told for told in walk.told if told not in printed] == []


def blocks(page: Path) -> Mapping[str, list[str]]:
    """Return a page's commands by the heading or the words in bold that stand last before them."""
    text, found = page.read_text("utf-8"), defaultdict[str, list[str]](list)
    for block in BLOCK.finditer(text):
        *_, name = NAMES.finditer(re.sub(BLOCK, "", text[: block.start()]))
        found[name[1] or name[2]].append(block[1])
    return found


def run(script: str, system: System, folder: Path) -> tuple[int, str, list[str]]:
    """Run commands in a folder; return the exit code, what was printed, and what was answered."""
    programs, answers, printed = folder / "bin", folder / "answers", folder / "printed"
    programs.mkdir()
    (programs / "curl").write_text(CURL.replace("CURL", shutil.which("curl") or "curl"), "ascii")
    (programs / "curl").chmod(0o755)
    # What comes first on the PATH may be a wrapper that takes longer than the command.
    (programs / "python3").symlink_to(Path(sys.base_prefix, "bin", "python3"))
    (folder / ".venv").symlink_to(sys.prefix)
    settings = system.configuration
    ports = {8080: settings.api_port, 8090: settings.push_port, 8099: free_port()}
    for written, port in ports.items():
        script = script.replace(f"127.0.0.1:{written}", f"127.0.0.1:{port}")
        script = script.replace(f"127.0.0.1 {written}", f"127.0.0.1 {port}")
    env = dict(system.env) | {
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(CHECKOUT),
        "ANSWERS": str(answers),
    }
    with printed.open("wb") as out:
        shell = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env=env,
            timeout=WITHIN_S,
            check=False,
        )
    told = [ID.sub("…", line.partition("?")[0]) for line in answers.read_text("utf-8").splitlines()]
    own = [line.replace(settings.api_url, "") for line in told]
    return shell.returncode, printed.read_text("utf-8"), own
