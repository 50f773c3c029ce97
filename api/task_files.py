"""Files of tasks read, of whichever kind they are."""

from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError

from api.bodies import read_json
from api.problems import faults_of
from api.schemas.imports import TaskLineIn
from geoservices.imports.lines import LONGEST, Fault, check_line
from geoservices.imports.reading import ImportRefused, Read, read_csv, without_twins

CSV = "text/csv"
JSON = "application/json"
MEDIA_TYPES = (CSV, JSON)
A_FILE: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            CSV: {
                "schema": {"type": "string", "description": "docs/task-intake.md has the columns"}
            },
            JSON: {
                "schema": {
                    "type": "object",
                    "required": ["tasks"],
                    "additionalProperties": False,
                    "properties": {
                        "tasks": {
                            "type": "array",
                            "items": {
                                "type": "object",
                                "required": ["external_id"],
                                "properties": {"external_id": {"type": "string"}},
                                "description": "Further members as in the body of "
                                "PUT /v1/tasks/by-external-id/{external_id}",
                            },
                        }
                    },
                }
            },
        },
    }
}
"""What the OpenAPI document says of the body."""


def read_file(data: bytes, media_type: str, *, time_zone: str, most: int) -> list[Read]:
    """Read a file of tasks.

    Args:
        data: It.
        media_type: One of `MEDIA_TYPES`.
        time_zone: Whose clocks times without an offset are by; JSON has none such.
        most: How many tasks it may have.

    Raises:
        ImportRefused: As a whole it is not what it should be.
        UnreadableBody: It is no JSON.
    """
    if media_type == CSV:
        return read_csv(data, time_zone=time_zone, most=most)
    body = read_json(data)
    tasks = body.get("tasks") if isinstance(body, dict) and set(body) == {"tasks"} else None
    if not isinstance(tasks, list):
        raise ImportRefused('Send an object with nothing but "tasks", a list of objects.')
    if len(tasks) > most:
        raise ImportRefused(f"It has more than {most} tasks. Split it.")
    return without_twins(_read(number, task) for number, task in enumerate(tasks, start=1))


def _read(number: int, task: object) -> Read:
    faults: Sequence[Fault]
    try:
        said = TaskLineIn.model_validate(task)
    except ValidationError as error:
        told = faults_of(error.errors(include_input=False, include_url=False))
        faults = [Fault(str(one["field"]).strip("/"), str(one["detail"])) for one in told]
        return Read(number=number, external_id=_external_id(task), faults=tuple(faults))
    line = said.to_line(said.external_id)
    faults = check_line(line)
    if faults:
        return Read(number=number, external_id=line.external_id, faults=tuple(faults))
    return Read(number=number, external_id=line.external_id, said=line)


def _external_id(task: object) -> str:
    """Return the reference of a task with faults, as far as it can be told again."""
    told = task.get("external_id") if isinstance(task, dict) else None
    text = told if isinstance(told, str) else ""
    return text.encode(errors="replace").decode().replace("\x00", "")[: LONGEST["external_id"]]
