"""The whole OpenAPI document against the real application: right requests and wrong ones.

Schemathesis makes them from the document, the same on every run. Whatever is sent, whoever sends
it, no answer is a 500, each is as the document promises, and nobody reads what another
organisation has for itself.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle, islice
from typing import Any

import pytest
import schemathesis
from fastapi import FastAPI
from httpx2 import Client, Response
from hypothesis import HealthCheck, given, settings
from requests import Request
from schemathesis import Case, GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from schemathesis.specs.openapi.schemas import OpenApiSchema

from geoservices.database import SessionFactory
from tests.api.callers import NOBODY, OUTSIDERS
from tests.api.conftest import Standing, undoing, with_token
from tests.api.test_access import PAGES, TABLE
from tests.api.world import MARK, World
from tests.conftest import THOROUGH

EXAMPLES, AT_ONCE = (5, 3) if THOROUGH else (2, 2)
"""For each operation and mode, and by how many callers each of them is sent."""
TURNS = EXAMPLES * AT_ONCE
TAKES_ANYTHING = {
    "live",
    "ready",
    "explain_problem",
    "open_unsubscribe",
    "read_receipt_keys",
    "read_tile_json",
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
    "key": "owls",
}


AnyCase = Case[Any]


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, and whether they are of another organisation than the one with the world."""

    client: Client
    outside: bool


@pytest.fixture
def sessions(standing: Standing) -> Iterator[SessionFactory]:
    """Sessions in the world that stands, undone after each test."""
    with undoing(standing) as sessions:
        yield sessions


@pytest.fixture
def world(standing: Standing) -> World:
    """Everything that ids may name."""
    return standing.world


@pytest.fixture(scope="module")
def schema(application: FastAPI) -> OpenApiSchema:
    """What requests are made from."""
    return schemathesis.openapi.from_dict(application.openapi())


@pytest.fixture
def callers(anyone: Client, standing: Standing) -> list[Caller]:
    """Everybody who has a valid token, by whether they are outside the organisation; and nobody."""
    return [
        Caller(
            client=with_token(anyone, token) if token else anyone,
            outside=caller in OUTSIDERS or caller == NOBODY,
        )
        for caller, token in standing.valid.items()
    ]


@pytest.mark.parametrize(("operation", "mode"), ROWS)
def test_whatever_is_sent_the_answer_is_promised(
    schema: OpenApiSchema,
    callers: list[Caller],
    world: World,
    operation: str,
    mode: GenerationMode,
) -> None:
    """By people of every role, machines and nobody, first about anything, then what exists."""
    found = schema.find_operation_by_id(operation)
    # Each test begins with another caller, so that over all of them each asks as often.
    turns = islice(cycle(callers), ROWS.index((operation, mode)) * TURNS % len(callers), None)

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=found.as_strategy(generation_mode=mode))
    def send(case: AnyCase) -> None:
        for number, caller in enumerate(islice(turns, AT_ONCE)):
            if number == 1:
                name_what_exists(case, KNOWN_BY_OTHER_NAMES | ids_of(world))
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
    return client.request(
        str(made.method), str(made.url), headers=headers, content=body, follow_redirects=False
    )


def as_bytes(text: str | bytes) -> bytes:
    """A header's name or value as HTTP has it."""
    return text if isinstance(text, bytes) else text.encode("latin-1")
