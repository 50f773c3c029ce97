"""What is held about a person, told to them."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.orm import Session

from geoservices.errors import NotFound
from geoservices.holdings import queries
from geoservices.holdings.inventory import Holding
from geoservices.holdings.kinds import INVENTORY
from geoservices.holdings.queries import Told

NEWEST = 3
"""How many rows of each kind stand for the others at a glance."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """How many rows of a kind there are, and the newest of them."""

    holding: Holding
    count: int
    newest: Sequence[Told]


def overview(session: Session, person_id: UUID) -> list[Held]:
    """Return everything that is held about a person, kind by kind, also where that is nothing."""
    return [
        Held(
            holding=holding,
            count=queries.count(session, holding, person_id),
            newest=[
                told
                for told, _key in queries.page(
                    session, holding, person_id, after=None, limit=NEWEST
                )
            ],
        )
        for holding in INVENTORY
    ]


def count_all(session: Session, person_id: UUID) -> int:
    """Count every row that is a person's."""
    return sum(queries.count(session, holding, person_id) for holding in INVENTORY)


def kind_named(kind: str) -> Holding:
    """Return a kind of what is held.

    Raises:
        NotFound: There is no such kind.
    """
    try:
        return INVENTORY[kind]
    except KeyError as error:
        raise NotFound("kind of data") from error
