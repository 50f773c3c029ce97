"""Who of many cannot be decided on: found by deciding on ever fewer of them together."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

import psycopg
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from geoservices.campaigns.deciding import Decided
from geoservices.campaigns.occasions import Occasion

A_FEW: Final = 10
"""So many of whom none could be decided on are not to blame for it themselves."""
MOST_TRIES: Final = 100
"""After so many tries the rest is left for another transaction: people are held by this one."""
OF_THE_DATABASE: Final = (OperationalError, psycopg.OperationalError)
"""It is away, or makes us wait for too long: nobody's fault of those who are decided about."""


@dataclass(frozen=True, slots=True)
class Failure:
    """That somebody cannot be decided on, and why."""

    person_id: UUID
    error: Exception


@dataclass(slots=True)
class SingledOut:
    """What was decided about those who can be decided on, and who cannot; `left` who comes next."""

    decided: list[Decided] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    left: UUID | None = None


def single_out(
    session: Session, occasions: Sequence[Occasion], decide: Callable[[Sequence[Occasion]], Decided]
) -> SingledOut:
    """Decide on all who can be decided on, in order; what fails changes nothing.

    Where it would take too many tries it ends before somebody: they and those after them are left.

    Args:
        session: The transaction; each try is within a savepoint of its own.
        occasions: One for each person.
        decide: Decides, and stores what comes of it.

    Raises:
        Exception: What deciding raises, if it is the database's fault, or the tenth time while it
            has succeeded for nobody.
    """
    found = SingledOut()
    waiting = [occasions] if occasions else []
    tries = 0
    while waiting:
        some = waiting.pop()
        tries += 1
        if tries > MOST_TRIES:
            found.left = some[0].person.id
            break
        try:
            with session.begin_nested():
                decided = decide(some)
        except OF_THE_DATABASE:
            raise
        except Exception as error:
            if len(some) > 1:
                half = len(some) // 2
                waiting += [some[half:], some[:half]]
                continue
            found.failures.append(Failure(some[0].person.id, error))
            if not found.decided and len(found.failures) == A_FEW:
                raise
        else:
            found.decided.append(decided)
    return found
