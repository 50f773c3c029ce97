"""A table for trips to work on, and engines of both kinds."""

from typing import Any, NamedTuple
from uuid import UUID, uuid4

from sqlalchemy.orm import Session

from geoservices.arrays import Integers
from geoservices.trips import ask, send, together

MAKE_THINGS = """
    DROP TABLE IF EXISTS things;
    CREATE TABLE things (
        id uuid PRIMARY KEY, name text, size int NOT NULL CHECK (size >= 0), maker text,
        part_of uuid REFERENCES things DEFERRABLE INITIALLY DEFERRED
    )
"""


INSERT = b"INSERT INTO things (id, size) VALUES (gen_random_uuid(), 1)"


class Thing(NamedTuple):
    """A row of the table."""

    id: UUID
    name: str | None
    size: int
    maker: str = "nobody"
    part_of: UUID | None = None


def thing(size: int = 1, **rest: Any) -> Thing:
    """A new thing."""
    return Thing(**{"id": uuid4(), "name": f"of {size}", "size": size, **rest})


def all_things(session: Session) -> list[Thing]:
    """What the session sees, smallest first."""
    return ask(
        session,
        b"SELECT id, name, size, maker, part_of FROM things ORDER BY size",
        make=Thing._make,
    )()


def send_all(session: Session, *statements: bytes, commit: bool = False) -> None:
    """Send statements together."""
    with together(session, commit=commit):
        for statement in statements:
            send(session, statement)


def doubled(session: Session, number: int) -> Any:
    """Ask for twice a number, and return what tells it."""
    asked = Integers.listed([number])
    return ask(session, b"SELECT 2 * ($1)[1]", asked, make=lambda row: row[0])
