"""The command that plays the story.

`python -m local.story --api URL --push URL [--json]`. Exits with 0 only if every act happened.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable

from local.story import checking_in, opening, passing, replaying, tasks
from local.story.stage import Stage, Teller, set_stage

Later = Callable[[], None]
ACTS: tuple[Callable[[Stage], Later | None], ...] = (
    passing.field_worker,
    checking_in.citizen,
    passing.without_consent,
    passing.closed_library,
    opening.early_bird,
    checking_in.two_tills,
    tasks.caretaker,
    replaying.what_if,
)
"""In the order in which they begin; what an act returns is how it ends, once all have begun."""


def main(arguments: list[str]) -> int:
    """Play the story."""
    parser = argparse.ArgumentParser(prog="python -m local.story", description=__doc__)
    parser.add_argument("--api", required=True)
    parser.add_argument("--push", required=True)
    parser.add_argument("--json", action="store_true", help="print one JSON object at the end")
    options = parser.parse_args(arguments)
    teller = Teller(aloud=not options.json)
    began = time.monotonic()
    fault = _play(options.api, options.push, teller)
    happened = fault is None and all(act["happened"] for act in teller.acts)
    if options.json:
        record = {
            "happened": happened,
            "fault": fault,
            "seconds": round(time.monotonic() - began, 2),
            "acts": teller.acts,
        }
        print(json.dumps(record, indent=2))
    elif fault:
        print(f"\nThe story broke off: {fault}", file=sys.stderr)
    else:
        teller.say("\nAll of it happened, on the real parts.")
    return 0 if happened else 1


def _play(api: str, push: str, teller: Teller) -> str | None:
    """Play every act, and return what went wrong, if anything did."""
    try:
        stage = set_stage(api, push, teller)
        with stage.manager:
            endings = [act(stage) for act in ACTS]
            for ending in filter(None, endings):
                ending()
    except Exception as error:  # noqa: BLE001  # Whatever it is, the record is still told.
        return f"{type(error).__name__}: {error}"
    return None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
