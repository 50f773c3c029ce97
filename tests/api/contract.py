"""What the OpenAPI document promises, held against every answer the tests get."""

import re
from collections.abc import Mapping
from typing import Any

from httpx2 import Response
from jsonschema import Draft202012Validator

MEDIA_TYPE = "application/problem+json"
NOWHERE = {"no-such-address", "method-not-allowed"}
PROBLEM = {"$ref": "#/components/schemas/Problem"}
AT_THE_DOOR = {"body-too-large", "unsupported-media-type"}


class Contract:
    """Checks that an answer's status, type, body and problem code are documented."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.document = document
        self.validators: dict[int, Draft202012Validator] = {}
        self.paths = {
            re.compile(re.sub(r"\{\w+\}", "[^/]+", path)): operations
            for path, operations in document["paths"].items()
        }

    def check(self, answer: Response) -> None:
        """Fail if the document does not promise this answer."""
        answer.read()
        request = answer.request
        if not str(request.url.path).startswith(("/v1", "/health", "/problems", "/C/", "/screen")):
            return
        if request.method == "HEAD" and not answer.content:
            return  # It is what GET promises, without content.
        responses = self._responses(request.method, request.url.path)
        if answer.status_code >= 400 and answer.headers["content-type"] == MEDIA_TYPE:
            self._check_problem(answer, responses)
            return
        promised = responses[str(answer.status_code)]
        if "content" not in promised:
            assert not answer.content
            return
        media_type = answer.headers["content-type"].partition(";")[0]
        if not media_type.endswith("json"):
            assert media_type in promised["content"]
            return
        self._check_body(promised["content"][media_type]["schema"], answer.json())

    def _check_problem(self, answer: Response, responses: Mapping[str, Any]) -> None:
        problem = answer.json()
        self._check_body(PROBLEM, problem)
        code = problem["type"].removeprefix("/problems/")
        promised = responses.get(str(answer.status_code), {}).get("x-problem-codes", ())
        assert problem["status"] == answer.status_code
        assert problem["request_id"] == answer.headers["x-request-id"]
        assert code in {*promised, *AT_THE_DOOR} or (not responses and code in NOWHERE), code

    def _check_body(self, schema: Mapping[str, Any], body: object) -> None:
        # Schemas are parts of the document, so each stays where it is.
        validator = self.validators.get(id(schema))
        if validator is None:
            whole = {**schema, "components": self.document["components"]}
            validator = self.validators[id(schema)] = Draft202012Validator(whole)
        validator.validate(body)

    def _responses(self, method: str, path: str) -> Mapping[str, Any]:
        for pattern, operations in self.paths.items():
            if pattern.fullmatch(path) and method.lower() in operations:
                responses: Mapping[str, Any] = operations[method.lower()]["responses"]
                return responses
        return {}
