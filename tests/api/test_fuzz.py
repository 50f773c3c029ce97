"""The whole OpenAPI document against the real application: right requests and wrong ones.

Schemathesis makes them from the document, the same on every run. Whatever is sent, whoever sends
it, no answer is a 500, each is as the document promises, and nobody reads what another
organisation has for itself.
"""

from dataclasses import dataclass
from itertools import cycle, islice
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

from tests.api.callers import NOBODY, OUTSIDERS, tokens_of
from tests.api.conftest import with_token
from tests.api.test_access import PAGES, TABLE
from tests.api.world import MARK, World, make_world

EXAMPLES = 5
"""For each operation and mode, each sent by three callers; every caller has some of them."""
TAKES_ANYTHING = {
    "live",
    "ready",
    "explain_problem",
    "open_unsubscribe",
    "read_receipt_keys",
    "read_session",
    "list_providers",
    "end_provider_session",
    *PAGES,
}
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
KNOWN_BY_OTHER_NAMES = {
    "code": "not-found",
    "purpose": "nearby",
    "kind": "positions",
    "organisation_slug": "exeter",
    "provider": "devon",
}


AnyCase = Case[Any]


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, and whether they are of another organisation than the one with the world."""

    client: Client
    outside: bool


@pytest.fixture
def world(session: Session) -> World:
    """Everything that ids may name."""
    return make_world(session)


@pytest.fixture
def callers(anyone: Client, session: Session, world: World) -> list[Caller]:
    """Everybody who has a valid token, by whether they are outside the organisation; and nobody."""
    tokens = tokens_of(session, world, None)
    session.commit()
    return [
        Caller(
            client=with_token(anyone, token) if token else anyone,
            outside=caller in OUTSIDERS or caller == NOBODY,
        )
        for caller, token in tokens.items()
    ]


@pytest.mark.parametrize(("operation", "mode"), ROWS)
def test_whatever_is_sent_the_answer_is_promised(
    application: FastAPI,
    callers: list[Caller],
    world: World,
    operation: str,
    mode: GenerationMode,
) -> None:
    """By people of every role, machines and nobody, about things that exist or do not."""
    schema = schemathesis.openapi.from_dict(application.openapi())
    found = schema.find_operation_by_id(operation)
    turns = cycle(callers)

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
        for caller in islice(turns, 3):
            answer = sent(caller.client, case)
            assert answer.status_code != 500
            case.validate_response(answer, checks=CHECKS)
            assert not (caller.outside and MARK in answer.text)

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
