"""`python -m tests.local.placeholders FOLDER MODE`: a stack of real servers and small processes.

The tests start, interrupt and kill it from outside, as a person would.
"""

import os
import sys
from pathlib import Path

from local.configuration import Configuration
from local.console import CannotGoOn, say
from local.demo import play
from local.interruption import Interrupted, carry_mark, heed_signals
from local.ownership import holding
from local.processes import STORY, Commands
from local.stack import servers

CHATTER = "import time\nwhile True: print('x' * 200, flush=True); time.sleep(0.01)"
TALE = "import time\nprint('step 1', flush=True); time.sleep(0.2); print('step 2', flush=True)"

MODES = {
    "once": {"api": CHATTER, STORY: TALE},
    "serve": {"api": CHATTER, STORY: TALE},
    "story-fails": {"api": CHATTER, STORY: "print('half'); raise SystemExit('lost the plot')"},
    "api-dies": {"api": "raise SystemExit('no socket')", STORY: "import time; time.sleep(60)"},
}


def main(folder: Path, mode: str) -> int:
    """Run the stack as the demo does."""
    heed_signals()
    os.environ.pop("GEOSERVICES_DATABASE_URL", None)
    configuration = Configuration(data_dir=folder, database_url=None, broker_url=None)
    carry_mark(folder, module="tests.local.placeholders", arguments=sys.argv[1:])
    commands: Commands = {name: (sys.executable, "-c", code) for name, code in MODES[mode].items()}
    try:
        with holding(folder), servers(configuration, throw_away=True) as env:
            return play(
                commands,
                env=env,
                logs=configuration.logs,
                after_story=(lambda: say("serving")) if mode == "serve" else None,
            )
    except CannotGoOn as reason:
        say(str(reason))
        return 1
    except Interrupted as interrupted:
        return 128 + interrupted.signum


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2]))
