"""Rates: so many within so long, all at once or one by one.

The generic cell rate algorithm (ITU-T I.371, annex A, as a virtual scheduling algorithm) keeps one
instant for whoever is counted: when all that they have spent is theirs again. It has no window
that begins anew, so nobody gets twice as much by waiting for its edge.
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import TypeAdapter

FORM = re.compile(r"([1-9]\d{0,8})/(P\S+)")
SPAN = TypeAdapter(timedelta)


@dataclass(frozen=True, slots=True)
class Rate:
    """At most `count` at once, of which one is given back every `within / count`."""

    count: int
    within: timedelta

    @property
    def step(self) -> timedelta:
        """How long it takes until one is given back."""
        return self.within / self.count

    def wait(self, free_at: datetime, *, at: datetime) -> timedelta:
        """Return how long whoever has spent too much must wait for the next one.

        Args:
            free_at: When all that they have spent is theirs again.
            at: Now.
        """
        return free_at + self.step - self.within - at


def read_rate(text: str) -> Rate:
    """Read a rate: a number, a slash and an ISO 8601 duration, such as `10/PT15M`.

    Raises:
        ValueError: It is none.
    """
    found = FORM.fullmatch(text)
    within = SPAN.validate_python(found[2]) if found else timedelta(0)
    if found is None or within <= timedelta(0):
        raise ValueError("must be a number, a slash and an ISO 8601 duration, such as 10/PT15M")
    return Rate(int(found[1]), within)
