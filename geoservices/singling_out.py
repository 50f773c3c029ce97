"""What of many cannot be done: found by doing ever fewer of them together."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

import psycopg
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

Item = TypeVar("Item")
Done = TypeVar("Done")

A_FEW: Final = 10
"""So many of which none could be done are not to blame for it themselves."""
MOST_TRIES: Final = 100
"""After so many tries the rest is left for another transaction: rows are held by this one."""
OF_THE_DATABASE: Final = (OperationalError, psycopg.OperationalError)
"""It is away, or makes us wait for too long: nobody's fault of those whom it is about."""


@dataclass(frozen=True, slots=True)
class Failure(Generic[Item]):
    """That something cannot be done with an item, and why."""

    item: Item
    error: Exception


@dataclass(slots=True)
class SingledOut(Generic[Item, Done]):
    """What was done with those with which it can be, and which fail; `left` is what comes next."""

    done: list[Done] = field(default_factory=list)
    failures: list[Failure[Item]] = field(default_factory=list)
    left: Item | None = None


def single_out(
    session: Session,
    items: Sequence[Item],
    do: Callable[[Sequence[Item]], Done],
    *,
    blameless: int | None = None,
) -> SingledOut[Item, Done]:
    """Do something with all with which it can be done, in order; what fails changes nothing.

    Where it would take too many tries it ends before an item: that and those after it are left.

    Args:
        session: The transaction; each try is within a savepoint of its own.
        items: With what.
        do: Does it with some, and stores what comes of it.
        blameless: So many that fail, while nothing has succeeded, are not to blame for it
            themselves; None if they always are.

    Raises:
        Exception: What doing it raises, if it is the database's fault, or nobody's.
    """
    found: SingledOut[Item, Done] = SingledOut()
    waiting = [items] if items else []
    tries = 0
    while waiting:
        some = waiting.pop()
        tries += 1
        if tries > MOST_TRIES:
            found.left = some[0]
            break
        try:
            with session.begin_nested():
                done = do(some)
        except OF_THE_DATABASE:
            raise
        except Exception as error:
            if len(some) > 1:
                half = len(some) // 2
                waiting += [some[half:], some[:half]]
                continue
            found.failures.append(Failure(some[0], error))
            if not found.done and len(found.failures) == blameless:
                raise
        else:
            found.done.append(done)
    return found
