"""Bodies made up from the OpenAPI document and spoilt at random: none may cause a failure."""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from uuid import UUID

import pytest
from fastapi import FastAPI
from httpx2 import Client
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from geoservices.database import SessionFactory
from tests.api.conftest import Standing, undoing, with_token
from tests.api.test_access import NAMES, TABLE
from tests.api.world import World
from tests.conftest import THOROUGH

Made = st.SearchStrategy[Any]

WILD: Made = st.sampled_from(
    [
        None,
        True,
        0,
        -1,
        -0.0,
        1e308,
        10**400,
        float("nan"),
        float("inf"),
        "",
        " ",
        "\x00",
        "\ud800",
        "\u202e",
        "2026-02-30T00:00:00Z",
        "0001-01-01T00:00:00+23:59",
        "9999-12-31T23:59:59.999999-23:59",
        "P1Y",
        "PT1E9S",
        "../../etc/passwd",
        "x" * 10_000,
        "00000000-0000-0000-0000-000000000000",
        [],
        {},
        [[]],
        {"type": "Polygon", "coordinates": [[[]]]},
        {"type": "Polygon", "coordinates": [[[0, 0], [0, 0], [0, 0], [0, 0]]]},
        {"type": "MultiPolygon", "coordinates": []},
        {"type": "GeometryCollection", "geometries": []},
        {"type": {}, "coordinates": {}},
        [1] * 300,
    ]
)
FORMATS: Mapping[str, Made] = {
    "uuid": st.uuids().map(str),
    "date-time": st.datetimes(timezones=st.timezones()).map(lambda at: at.isoformat()),
    "time": st.times().map(lambda time: time.isoformat()),
    "duration": st.timedeltas().map(lambda span: f"P{span.days}D"),
}


def values_of(schema: Mapping[str, Any], document: Mapping[str, Any]) -> Made:
    """Values that a schema takes, more or less."""
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[1]
        return values_of(document["components"]["schemas"][name], document)
    for choice in ("anyOf", "oneOf"):
        if choice in schema:
            return st.one_of([values_of(one, document) for one in schema[choice]])
    if "enum" in schema or "const" in schema:
        return st.sampled_from(schema.get("enum") or [schema["const"]])
    simple: Mapping[str, Callable[[], Made]] = {
        "object": lambda: object_of(schema, document),
        "array": lambda: st.lists(values_of(schema.get("items", {}), document), max_size=3),
        "string": lambda: FORMATS.get(schema.get("format", ""), st.text(max_size=20)),
        "integer": lambda: st.integers(schema.get("minimum"), schema.get("maximum")),
        "number": lambda: st.floats(schema.get("minimum"), schema.get("maximum")),
        "boolean": st.booleans,
        "null": st.none,
    }
    return simple.get(schema.get("type", ""), lambda: WILD)()


def object_of(schema: Mapping[str, Any], document: Mapping[str, Any]) -> Made:
    """An object with what is required and some of what is not."""
    members = {
        name: values_of(told, document) for name, told in schema.get("properties", {}).items()
    }
    required = {name: members.pop(name) for name in schema.get("required", ()) if name in members}
    return st.fixed_dictionaries(required, optional=members)


@st.composite
def spoilt(draw: st.DrawFn, right: Made) -> Any:
    """A value with up to two of the things in it replaced, removed or added."""
    body = draw(right)
    for _ in range(draw(st.integers(0, 2))):
        body = draw(spoilt_once(body))
    return body


@st.composite
def spoilt_once(draw: st.DrawFn, value: Any) -> Any:
    """A value with one thing in it replaced, removed or added, at any depth."""
    if not isinstance(value, dict | list) or not value or draw(st.integers(0, 4)) == 0:
        return draw(WILD)
    inside: Any = dict(value) if isinstance(value, dict) else list(value)
    key = draw(st.sampled_from(list(value) if isinstance(value, dict) else range(len(value))))
    action = draw(st.sampled_from(["change", "change", "remove", "add"]))
    if action == "remove":
        del inside[key]
    elif action == "add" and isinstance(inside, dict):
        inside[draw(st.sampled_from(["x", "", "\x00", "\ud800", "id", "type"]))] = draw(WILD)
    else:
        inside[key] = draw(spoilt_once(value[key]))
    return inside


@pytest.fixture
def sessions(standing: Standing) -> Iterator[SessionFactory]:
    """Sessions in the world that stands, undone after each test."""
    with undoing(standing) as sessions:
        yield sessions


@pytest.fixture
def world(standing: Standing) -> World:
    """Everything there is to be changed."""
    return standing.world


@pytest.fixture
def client_for(anyone: Client, standing: Standing) -> Callable[[str], Client]:
    """A client who may do an operation: the citizen's device, or an admin."""

    def choose(operation: str) -> Client:
        by_admin = TABLE[operation].answers.get("admin", 403) != 403
        token = standing.valid["admin" if by_admin else "owner"]
        assert token
        return with_token(anyone, token)

    return choose


def with_bodies(document: Mapping[str, Any]) -> list[tuple[str, str, str, Mapping[str, Any]]]:
    """Each operation that takes JSON: method, path, id and the body's schema."""
    return [
        (
            method.upper(),
            path,
            told["operationId"],
            told["requestBody"]["content"]["application/json"]["schema"],
        )
        for path, methods in document["paths"].items()
        for method, told in methods.items()
        if "application/json" in told.get("requestBody", {}).get("content", {})
    ]


def known_ids(body: Any, ids: Mapping[str, UUID]) -> Any:
    """The body with ids of things that exist where it names such things, so that it gets far."""
    if isinstance(body, dict):
        return {
            name: str(ids[name])
            if name in ids and isinstance(value, str)
            else known_ids(value, ids)
            for name, value in body.items()
        }
    return body


@pytest.mark.parametrize("operation", sorted(name for name in TABLE if TABLE[name].body))
def test_no_body_makes_an_operation_fail(
    application: FastAPI,
    world: World,
    client_for: Callable[[str], Client],
    operation: str,
) -> None:
    """Whatever is sent, the answer is a success or a documented problem (`contract.py`).

    What is spoilt is now a body made up from the schema, now one that is right.
    """
    document = application.openapi()
    [(method, path, schema)] = [
        (method, path, schema)
        for method, path, id_, schema in with_bodies(document)
        if id_ == operation
    ]
    address = path.format(**NAMES, **world.ids)
    client = client_for(operation)
    make_right = TABLE[operation].body
    assert make_right is not None
    right = make_right(world.ids)

    @seed(20260304)
    @settings(
        max_examples=25 if THOROUGH else 10,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(body=spoilt(st.one_of(st.just(right), values_of(schema, document))))
    def send(body: Any) -> None:
        content = json.dumps(known_ids(body, world.ids)).encode()
        answer = client.request(
            method, address, content=content, headers={"Content-Type": "application/json"}
        )
        assert answer.status_code < 500, content

    send()


def test_every_body_is_tried(application: FastAPI) -> None:
    """No operation that takes a body is left out."""
    documented = {operation for _, _, operation, _ in with_bodies(application.openapi())}

    assert documented == {name for name in TABLE if TABLE[name].body}
