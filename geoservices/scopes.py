"""Whose rows a transaction sees and may write: PostgreSQL holds to it, whatever a query forgets.

The policies of row-level security stand in the migrations, and ADR 0035 says why they are so. A
session of `confined_sessions` begins with nothing but what everyone may see; what is said here
holds until its transaction ends. For the sessions of workers and of the operator, which see
everything, nothing of it changes anything.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session, sessionmaker

from geoservices.database import DatabaseRole, SessionFactory

# `true`: until the transaction ends, or the savepoint within it is rolled back.
SET = """
SELECT set_config('role', %s, true), set_config('geoservices.organisation', %s, true),
    set_config('geoservices.person', %s, true)
"""
IS_CONFINED = """
SELECT current_user = %s AND row_security_active('people') AND NOT EXISTS (SELECT FROM people)
"""
SCOPE = "scope"
"""Where a session notes the scope that it is in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Whose rows there are: an organisation's, a person's, or everybody's."""

    organisation_id: UUID | None = None
    person_id: UUID | None = None
    is_everywhere: bool = False


NOTHING = Scope()
"""What everyone may see, and nothing of anyone's."""
EVERYWHERE = Scope(is_everywhere=True)


def confined_sessions(bind: Engine | Connection) -> SessionFactory:
    """Make the factory of sessions that see nothing until they are told for whom they ask.

    Args:
        bind: Connections as `DatabaseRole.CALLER`, or one within whose transaction all of it
            happens and that is put into `NOTHING` by whoever gives it.
    """
    return sessionmaker(
        bind,
        expire_on_commit=False,
        join_transaction_mode="create_savepoint",
        info={SCOPE: NOTHING},
    )


def confine(session: Session, *, organisation_id: UUID | None, person_id: UUID | None) -> None:
    """Let the transaction see the rows of an organisation and of a person from now on, no others.

    Args:
        session: The session.
        organisation_id: Whose caller it is; None for citizens, who belong to nobody.
        person_id: Who asks; None for a machine.
    """
    _enter(session, Scope(organisation_id=organisation_id, person_id=person_id))


def open_wide(session: Session) -> None:
    """Let the transaction see everybody's rows until it is confined.

    For whoever brings no credential but a secret in what they send, by which rows are found.
    """
    _enter(session, EVERYWHERE)


@contextmanager
def everywhere(session: Session) -> Iterator[None]:
    """Let the block see everybody's rows; afterwards it is as it was.

    For the few things that concern rows of others than the one who asks.
    """
    before: Scope | None = session.info.get(SCOPE)
    _enter(session, EVERYWHERE)
    try:
        yield
    except BaseException:
        if before is not None:
            session.info[SCOPE] = before
            # If PostgreSQL takes no more, whoever rolls back undoes the scope too.
            with suppress(SQLAlchemyError):
                set_scope(session.connection(), before)
        raise
    if before is not None:
        _enter(session, before)


def is_confined(session: Session) -> bool:
    """Tell whether PostgreSQL binds a session that has just begun to what it may see.

    It does not if the session asks as a superuser, or as a role for which the policies do not hold.
    """
    asked = session.connection().exec_driver_sql(IS_CONFINED, (DatabaseRole.CALLER,))
    return bool(asked.scalar())


def set_scope(connection: Connection, scope: Scope) -> None:
    """Put a connection into a scope until its transaction ends."""
    role = DatabaseRole.SERVICE if scope.is_everywhere else DatabaseRole.CALLER
    ids = [str(id_ or "") for id_ in (scope.organisation_id, scope.person_id)]
    connection.exec_driver_sql(SET, (role, *ids))


def _enter(session: Session, scope: Scope) -> None:
    if session.info.get(SCOPE) in {None, scope}:
        return
    # What was done before belongs to the scope before.
    session.flush()
    set_scope(session.connection(), scope)
    session.info[SCOPE] = scope
