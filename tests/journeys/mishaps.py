"""What goes wrong, at random: processes die, servers forget, push services misbehave."""

import random
import time
from collections import Counter
from typing import Any

from tests.journeys.system import System

FAULTS: dict[str, tuple[float, dict[str, Any]]] = {
    "201, then hung up": (4, {"store": True, "drop_connection": True}),
    "hung up": (3, {"drop_connection": True}),
    "half an answer": (3, {"store": True, "status": 201, "drop_connection": True}),
    "late": (3, {"store": True, "delay_s": 0.7}),
    "too late": (1, {"store": True, "delay_s": 3.5}),
    "500": (2, {"status": 500}),
    "503": (2, {"status": 503, "headers": {"Retry-After": "1"}}),
    "503 though it was taken": (2, {"status": 503, "store": True}),
    "429": (1, {"status": 429, "headers": {"Retry-After": "1"}}),
}
"""How a push service misbehaves towards one push, and how often beside the others."""

MISHAPS = {
    "pool child killed": 6,
    "worker killed": 3,
    "worker's head killed": 2,
    "relay killed": 3,
    "api killed": 2,
    "beat killed": 1,
    "broker flushed": 4,
    "broker stopped": 1,
    "database crashed": 1.5,
}
DOWN_FOR_S = (0.0, 2.5)
PAUSE_S = (0.4, 3.0)


class Mishaps:
    """A schedule drawn from a seed; `done` counts what came of it."""

    def __init__(self, system: System, *, seed: int) -> None:
        self.done: Counter[str] = Counter()
        self.planned: Counter[str] = Counter()
        self._system = system
        self._rng = random.Random(f"mishaps {seed}")  # noqa: S311
        self._rng_of_pushes = random.Random(f"pushes {seed}")  # noqa: S311
        self._down: list[tuple[float, str]] = []

    def run(self, *, until: float) -> None:
        """Let one thing after the other happen, up to an instant of the monotonic clock."""
        kinds, weights = list(MISHAPS), list(MISHAPS.values())
        while time.monotonic() < until:
            [kind] = self._rng.choices(kinds, weights)
            if self._happens(kind):
                self.done[kind] += 1
            time.sleep(self._rng.uniform(*PAUSE_S))
            self._start_those_due(time.monotonic())

    def mend(self) -> None:
        """Start again whatever is down."""
        self._start_those_due(float("inf"))

    def spoil_pushes(self, *, until: float) -> None:
        """Have the push service misbehave towards a few pushes each second."""
        rng = self._rng_of_pushes
        kinds, weights = list(FAULTS), [weight for weight, _fault in FAULTS.values()]
        while time.monotonic() < until:
            chosen = rng.choices(kinds, weights, k=rng.randrange(1, 6))
            self.planned.update(chosen)
            self._system.misbehave_anew(*(FAULTS[kind][1] for kind in chosen))
            time.sleep(0.5)
        self._system.misbehave_anew()

    def _happens(self, kind: str) -> bool:
        match kind.split():
            case ["pool", "child", _]:
                worker = self._one_of("worker")
                return worker is not None and self._system.kill_child(
                    worker, choose=self._rng.choice
                )
            case ["broker", "flushed"]:
                self._system.flush_broker()
            case ["broker", _]:
                self._system.stop_server("broker")
                time.sleep(self._rng.uniform(*DOWN_FOR_S))
                self._system.start_broker()
            case ["database", _]:
                self._system.crash_database()
                time.sleep(self._rng.uniform(*DOWN_FOR_S))
                self._system.start_database()
            case ["worker's", *_]:
                return self._kill("worker", alone=True)
            case [name, _]:
                return self._kill(name)
        return True

    def _kill(self, name: str, *, alone: bool = False) -> bool:
        running = self._one_of(name)
        if running is None:
            return False
        self._system.kill(running, alone=alone)
        self._down.append((time.monotonic() + self._rng.uniform(*DOWN_FOR_S), running))
        return True

    def _one_of(self, name: str) -> str | None:
        running = [one for one in self._system.running if one in {name, f"{name}-2"}]
        return self._rng.choice(running) if running else None

    def _start_those_due(self, now: float) -> None:
        for due, name in list(self._down):
            if due <= now:
                self._down.remove((due, name))
                self._system.start(name)
