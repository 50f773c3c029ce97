"""What people are asked, word for word."""

from collections.abc import Mapping
from dataclasses import dataclass

from geoservices.access.rights import WORKERS, Role
from geoservices.accounts.models import Purpose


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentText:
    """The question put to a person; its version changes whenever its meaning does."""

    version: str
    text: str
    roles: frozenset[Role]


EVERYONE = frozenset(Role)
TEXTS: Mapping[Purpose, ConsentText] = {
    Purpose.CHECK_IN_CONTENT: ConsentText(
        version="2026-11",
        text="When I check in somewhere, show me what is on there, and tell me about it.",
        roles=EVERYONE,
    ),
    Purpose.NEARBY: ConsentText(
        version="2026-11",
        text="While I let my phone share where I am, tell me about things to do at public "
        "places I come to. My positions are deleted after a day.",
        roles=EVERYONE,
    ),
    Purpose.STAFF_TASKS: ConsentText(
        version="2026-11",
        text="While I am at work and share where I am, send me the tasks that wait where I am. "
        "My positions are deleted after a day.",
        roles=WORKERS,
    ),
}

PASSIVE = frozenset({Purpose.NEARBY, Purpose.STAFF_TASKS})
"""Agreeing to any of these lets a device send pings."""
ON_CHECK_IN = frozenset({Purpose.CHECK_IN_CONTENT, Purpose.STAFF_TASKS})
"""Agreeing to any of these lets a device check in."""
