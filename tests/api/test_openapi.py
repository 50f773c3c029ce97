"""The OpenAPI document: whole, and true to how the service names things."""

import re
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any

import pytest
from fastapi import FastAPI
from httpx2 import Client
from jsonschema import Draft202012Validator

from api.document import document as printed
from api.openapi import operations
from api.problems import catalogue, status_of
from tests.api.test_access import PAGES

UNIT_SUFFIXES = ("_m", "_mps", "_deg", "_s", "_ms", "_modules")
UNIT_WORDS = re.compile(
    r"\b(metres|degrees|milliseconds|seconds|HTTP status|revision|from 0|from 1|1 to 3"
    r"|entries|how (many|often)|grows)\b",
    re.IGNORECASE,
)

NOT_PROBLEMS = {("ready", "503"), ("open_link", "404"), ("open_link", "410")}
"""Refusals by operation and status that are no problem documents; two are pages for people."""


@pytest.fixture
def document(application: FastAPI) -> dict[str, Any]:
    """The document as it is served."""
    return application.openapi()


def schemas_in(document: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Each member of each schema, and each parameter, with its name."""
    for name, schema in document["components"]["schemas"].items():
        for member, told in schema.get("properties", {}).items():
            yield f"{name}.{member}", told
    for operation in operations(document):
        for parameter in operation.get("parameters", ()):
            yield f"{operation['operationId']}.{parameter['name']}", parameter["schema"]


def parts_of(schema: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """A schema and those inside it, but not those it refers to."""
    yield schema
    inner = schema.get("items"), schema.get("additionalProperties")
    for part in chain(
        schema.get("anyOf", ()),
        schema.get("prefixItems", ()),
        (one for one in inner if isinstance(one, dict)),
    ):
        yield from parts_of(part)


def referred_to(schema: object) -> Iterator[str]:
    """The names of the schemas that a piece of the document refers to."""
    if isinstance(schema, dict):
        if "$ref" in schema:
            yield schema["$ref"].rsplit("/", 1)[1]
        for inner in schema.values():
            yield from referred_to(inner)
    elif isinstance(schema, list):
        for inner in schema:
            yield from referred_to(inner)


def reachable(document: Mapping[str, Any], roots: Iterator[str]) -> set[str]:
    """The schemas that these ones lead to."""
    found: set[str] = set()
    waiting = list(roots)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += referred_to(document["components"]["schemas"][name])
    return found


def test_the_document_is_openapi_3_1_and_served(anyone: Client, document: dict[str, Any]) -> None:
    """Anyone may read it, without a token."""
    answer = anyone.get("/openapi.json")

    assert answer.status_code == 200
    assert answer.json()["openapi"].startswith("3.1.")
    assert answer.json() == document


def test_every_schema_is_json_schema(document: dict[str, Any]) -> None:
    """OpenAPI 3.1 takes JSON Schema 2020-12 as it is."""
    for schema in document["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


def test_every_operation_says_what_it_does(document: dict[str, Any]) -> None:
    """Each has a summary, a description in sentences and an id of its own."""
    ids = [operation["operationId"] for operation in operations(document)]

    for operation in operations(document):
        assert operation["summary"]
        assert operation["description"].rstrip().endswith(".")
        assert operation["tags"]
    assert len(set(ids)) == len(ids)


def test_every_number_names_its_unit(document: dict[str, Any]) -> None:
    """In the suffix of its name, or in words in its description."""
    unnamed = [
        name
        for name, schema in schemas_in(document)
        if any(part.get("type") in {"number", "integer"} for part in parts_of(schema))
        and not name.endswith(UNIT_SUFFIXES)
        and not UNIT_WORDS.search(schema.get("description", ""))
    ]

    assert unnamed == []


def test_answers_have_no_defaults(document: dict[str, Any]) -> None:
    """Every member of an answer is always there; null says that there is nothing."""
    answers = (
        name for operation in operations(document) for name in referred_to(operation["responses"])
    )
    answering = reachable(document, answers) - {"Problem"}

    for name in answering:
        schema = document["components"]["schemas"][name]
        members = schema.get("properties", {})
        assert sorted(schema.get("required", [])) == sorted(members), name
        assert not any("default" in member for member in members.values()), name


def test_bodies_take_no_unknown_members(document: dict[str, Any]) -> None:
    """A slip in a name must not pass for leaving the member out."""
    bodies = (
        name
        for operation in operations(document)
        for name in referred_to(operation.get("requestBody", {}))
    )

    for name in reachable(document, bodies):
        schema = document["components"]["schemas"][name]
        if schema.get("type") == "object":
            assert schema["additionalProperties"] is False, name


def test_every_refusal_is_a_documented_problem(document: dict[str, Any]) -> None:
    """Each lists its codes, all of the status they stand under, as problem documents."""
    codes = catalogue()

    for operation in operations(document):
        for status, response in operation["responses"].items():
            if int(status) < 400 or (operation["operationId"], status) in NOT_PROBLEMS:
                continue
            [(media_type, content)] = response["content"].items()
            assert media_type == "application/problem+json"
            assert content["schema"] == {"$ref": "#/components/schemas/Problem"}
            assert response["x-problem-codes"]
            for code in response["x-problem-codes"]:
                assert status_of(codes[code]) == int(status)
                assert f"`{code}`" in response["description"]


def test_every_refusal_is_promised_somewhere(document: dict[str, Any]) -> None:
    """No error class is left over that no route can answer with, but for those of no route."""
    promised = {
        code
        for operation in operations(document)
        for response in operation["responses"].values()
        for code in response.get("x-problem-codes", ())
    }
    of_a_ping = document["components"]["schemas"]["PingFault"]["properties"]["code"]
    promised |= set(of_a_ping["x-problem-codes"])

    assert set(catalogue()) - promised == {"no-such-address", "method-not-allowed"}


def test_the_frameworks_own_errors_are_not_in_the_document(document: dict[str, Any]) -> None:
    """FastAPI's shape of a validation error is not what this service answers."""
    assert "ValidationError" not in str(document)
    assert all(
        "422" not in op["responses"] or "x-problem-codes" in op["responses"]["422"]
        for op in operations(document)
    )


def test_whatever_needs_a_token_says_so(document: dict[str, Any]) -> None:
    """Only these operations answer without one."""
    free = {op["operationId"] for op in operations(document) if "security" not in op}

    assert free == {
        "live",
        "ready",
        "explain_problem",
        *PAGES,
        "read_session",
        "take_receipts",
        "read_erasure",
        "confirm_email",
        "sign_in",
        "set_password",
        "ask_for_reset",
        "open_unsubscribe",
        "unsubscribe_from_email",
        "read_consent_text",
        "read_receipt_keys",
        "read_watching",
        "read_tile_json",
        "read_tile",
        "read_agenda_of_place",
        "read_linked_data_of_place",
        "read_agenda_of_event",
        "read_my_agenda",
        "list_providers",
        "list_topics",
        "start_sign_in",
        "finish_sign_in",
        "end_provider_session",
        "log_out_by_provider",
    }


def test_whatever_takes_a_token_says_which_cookies_it_takes(document: dict[str, Any]) -> None:
    """And that a request with one, if it changes something, must show where it comes from."""
    told = {op["operationId"]: op for op in operations(document)}
    any_cookie: list[dict[str, Any]] = [{"DeviceCookie": []}, {"MemberCookie": []}]

    assert told["list_notifications"]["security"] == [{"HTTPBearer": []}, *any_cookie]
    assert told["set_preferences"]["security"][1:] == [
        {**cookie, "CsrfToken": []} for cookie in any_cookie
    ]
    assert told["record_pings"]["security"][1:] == [{"DeviceCookie": [], "CsrfToken": []}]
    assert told["receive_overland"]["security"] == [{"HTTPBearer": []}]
    for operation in told.values():
        needs_csrf = any("CsrfToken" in one for one in operation.get("security", ()))
        codes = operation["responses"].get("403", {}).get("x-problem-codes", ())
        is_for_our_pages = operation["operationId"] in {"sign_in", "set_password"}
        assert (needs_csrf or is_for_our_pages) == ("csrf" in codes), operation["operationId"]


def test_it_is_printed_alike_on_every_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a service is told there; the names of cookies depend on how it is reached."""
    before = printed()
    monkeypatch.setenv("GEOSERVICES_PUBLIC_URL", "https://visits.devon.example")

    assert printed() == before
