"""Each request that takes a right is in the audit log, and nothing else is."""

import pytest
from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from httpx2 import Client
from sqlalchemy.orm import Session

from api.app import NOUNS
from api.dependencies import Needs
from geoservices.access.rights import Role
from tests.api.auditing import written
from tests.api.conftest import with_token
from tests.api.test_access import TABLE, call, sessions, world
from tests.api.world import World
from tests.factories import make_access_token

__all__ = ["sessions", "world"]  # Fixtures of the neighbouring tests.


def needed(dependant: Dependant) -> list[str]:
    """The rights that a route asks for."""
    own = [str(dependant.call.right)] if isinstance(dependant.call, Needs) else []
    return [*own, *(right for inner in dependant.dependencies for right in needed(inner))]


RIGHTS = {
    route.name: needed(route.dependant)
    for noun in NOUNS
    for route in noun.router.routes
    if isinstance(route, APIRoute) and needed(route.dependant)
}
"""Which rights each operation takes that takes any."""


@pytest.mark.parametrize("operation", RIGHTS)
def test_each_request_that_takes_a_right_is_written_down_once(
    anyone: Client, application: FastAPI, session: Session, world: World, operation: str
) -> None:
    """Whoever may do it and whoever may not: one entry with who, what, to what and the status."""
    for role in (Role.ADMIN, Role.STAFF):
        token = make_access_token(session, world.organisation, role)
        session.commit()
        before = len(written(session))

        answer = call(with_token(anyone, token), application, operation, world.ids)

        [entry] = written(session)[before:]
        assert entry.action == operation
        assert entry.status == answer.status_code
        assert (entry.actor_kind, entry.role) == ("sign-in", role)
        assert entry.organisation_id == world.organisation.id
        assert entry.request_id == answer.headers["x-request-id"]
        assert set(entry.rights) <= set(RIGHTS[operation])
        assert entry.rights
        of_the_path = {str(id_) for id_ in world.ids.values() if str(id_) in str(answer.url)}
        assert of_the_path <= {subject.partition(":")[2] for subject in entry.subjects}


@pytest.mark.parametrize("operation", sorted(TABLE.keys() - RIGHTS.keys() - {"sign_in"}))
def test_what_takes_no_right_is_not_written_down(
    anyone: Client, application: FastAPI, session: Session, world: World, operation: str
) -> None:
    """What citizens do with what is theirs is in no log; who tries to sign in is no citizen."""
    call(with_token(anyone, world.token), application, operation, world.ids)

    assert written(session) == []


def test_citizens_cannot_fill_the_log(
    anyone: Client, application: FastAPI, session: Session, world: World
) -> None:
    """What they are refused leaves nothing."""
    for operation in RIGHTS:
        call(with_token(anyone, world.token), application, operation, world.ids)

    assert written(session) == []
