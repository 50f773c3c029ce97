"""What tests of how PostgreSQL reads a table must do to it first, which only its owner may."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, text


@contextmanager
def as_owner(connection: Connection) -> Iterator[None]:
    """Be who made the tables for the block; `ANALYZE` of anybody else's is passed over."""
    before = connection.scalar(text("SELECT current_user"))
    connection.execute(text("SET LOCAL ROLE none"))
    yield
    connection.execute(text(f"SET LOCAL ROLE {before}"))


def analyze(connection: Connection, table: str) -> None:
    """Have PostgreSQL know how many rows there are, and of what kind."""
    with as_owner(connection):
        connection.execute(text(f"ANALYZE {table}"))
