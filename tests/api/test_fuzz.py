"""The whole OpenAPI document against the real application: right requests and wrong ones.

Schemathesis makes them from the document, the same on every run. Whatever is sent, whoever sends
it, no answer is a 500 and each is as the document promises.
"""

from typing import Any

import pytest
import schemathesis
from fastapi import FastAPI
from httpx2 import Client, Response
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from requests import Request
from schemathesis import Case, GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from sqlalchemy.orm import Session

from tests.api.conftest import with_token
from tests.api.test_access import PAGES, TABLE
from tests.api.world import World, make_world
from tests.factories import make_access_token

EXAMPLES = 8
"""For each operation, each sent by everyone."""
TAKES_ANYTHING = {"live", "ready", "explain_problem", "open_unsubscribe", *PAGES}
"""There is no wrong request to them."""
ROWS = [
    (operation, mode)
    for operation in TABLE
    for mode in GenerationMode
    if mode is GenerationMode.POSITIVE or operation not in TAKES_ANYTHING
]
CHECKS = [
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
KNOWN_BY_OTHER_NAMES = {"code": "not-found", "purpose": "nearby", "kind": "positions"}


AnyCase = Case[Any]


@pytest.fixture
def world(session: Session) -> World:
    """Everything that ids may name."""
    return make_world(session)


@pytest.fixture
def everyone(anyone: Client, session: Session, world: World) -> dict[str, Client]:
    """A device, a manager and somebody without a token."""
    manager = make_access_token(session, world.organisation)
    session.commit()
    return {
        "device": with_token(anyone, world.token),
        "manager": with_token(anyone, manager),
        "anonymous": anyone,
    }


@pytest.mark.parametrize(("operation", "mode"), ROWS)
def test_whatever_is_sent_the_answer_is_promised(
    application: FastAPI,
    everyone: dict[str, Client],
    world: World,
    operation: str,
    mode: GenerationMode,
) -> None:
    """By a device, a manager and nobody, about things that exist and things that do not."""
    schema = schemathesis.openapi.from_dict(application.openapi())
    found = schema.find_operation_by_id(operation)

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(
        case=found.as_strategy(generation_mode=mode),
        known=st.sampled_from([{}, KNOWN_BY_OTHER_NAMES | ids_of(world)]),
    )
    def send(case: AnyCase, known: dict[str, str]) -> None:
        name_what_exists(case, known)
        for client in everyone.values():
            answer = sent(client, case)
            assert answer.status_code != 500
            case.validate_response(answer, checks=CHECKS)

    send()


def ids_of(world: World) -> dict[str, str]:
    """The world's ids by the names that paths and bodies give them."""
    return {name: str(id_) for name, id_ in world.ids.items()}


def name_what_exists(case: AnyCase, known: dict[str, str]) -> None:
    """Let ids in the path and in the body be those of things that exist."""
    for container in (case.path_parameters, case.body):
        if isinstance(container, dict):
            container.update({name: known[name] for name in container.keys() & known.keys()})


def sent(client: Client, case: AnyCase) -> Response:
    """Send a case as it would go over the wire."""
    made = Request(**case.as_transport_kwargs(base_url="http://testserver")).prepare()
    headers = [(as_bytes(name), as_bytes(value)) for name, value in made.headers.items()]
    body = made.body if isinstance(made.body, str | bytes) else None
    return client.request(str(made.method), str(made.url), headers=headers, content=body)


def as_bytes(text: str | bytes) -> bytes:
    """A header's name or value as HTTP has it."""
    return text if isinstance(text, bytes) else text.encode("latin-1")
