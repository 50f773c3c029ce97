"""Each list of a page is read from an index in its order, however many rows there are."""

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from httpx2 import Client
from sqlalchemy import Connection, Engine, event, text
from sqlalchemy.orm import Session

BOUNDED = {
    "/v1/topics": "an organisation offers a hundred at most",
    "/v1/feeds": "an organisation has one for each calendar that it reads",
    "/v1/members": "an organisation has no more than people who work for it",
    "/v1/teams": "read by name already, which none of an organisation's shares",
}
"""Lists that are sorted, with what keeps them short."""
UNLESS_NEEDED = ("enable_sort", "enable_seqscan", "enable_bitmapscan", "enable_hashjoin")
"""What PostgreSQL then does only where no index has the order."""


@pytest.fixture
def asked() -> Iterator[list[tuple[str, Any]]]:
    """Every statement that asks for a page, with its parameters."""
    seen: list[tuple[str, Any]] = []

    def note(
        _connection: object, _cursor: object, statement: str, parameters: object, *_: object
    ) -> None:
        if "ORDER BY" in statement and "LIMIT" in statement:
            seen.append((statement, parameters))

    event.listen(Engine, "before_cursor_execute", note)
    yield seen
    event.remove(Engine, "before_cursor_execute", note)


def plan(connection: Connection, statement: str, parameters: Any) -> str:
    """How PostgreSQL would read a page if sorting cost very much."""
    for setting in UNLESS_NEEDED:
        connection.execute(text(f"SET LOCAL {setting} = off"))
    rows = connection.exec_driver_sql(f"EXPLAIN (COSTS OFF) {statement}", parameters)
    return "\n".join(row[0] for row in rows)


def test_a_page_is_read_in_its_order(
    application: FastAPI,
    manager: Client,
    citizen: Client,
    session: Session,
    asked: list[tuple[str, Any]],
) -> None:
    """For whoever may list it."""
    paths = [
        path
        for path, methods in application.openapi()["paths"].items()
        if "{" not in path
        and any(one["name"] == "limit" for one in methods.get("get", {}).get("parameters", ()))
    ]
    sorted_: dict[str, str] = {}
    for path in [*paths, "/v1/tasks?state=open", "/v1/tasks?state=done"]:
        asked.clear()
        for client in (manager, citizen):
            client.get(path)
        for statement, parameters in list(asked):
            found = plan(session.connection(), statement, parameters)
            if "Sort" in found:
                sorted_[path] = f"{statement}\n{found}"

    assert len(paths) > 15
    assert set(sorted_) == set(BOUNDED), "\n\n".join(sorted_.values())
