"""Bodies read strictly, before anything is made of them."""

import json
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute

from api.problems import UnreadableBody

MAX_DEPTH = 100
"""Objects and arrays within one another; a geofence, the deepest body there is, has 6."""

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class StrictRequest(Request):
    """A request whose JSON has one meaning only."""

    async def json(self) -> Any:  # noqa: ANN401  # Whatever JSON there is.
        """Decode the body.

        Raises:
            UnreadableBody: It is not JSON.
        """
        return read_json(await self.body())


class StrictRoute(APIRoute):
    """A route that reads its body strictly."""

    def get_route_handler(self) -> Handler:
        """Return the handler, given a request that reads strictly."""
        handle = super().get_route_handler()

        async def handle_strictly(request: Request) -> Response:
            return await handle(StrictRequest(request.scope, request.receive))

        return handle_strictly


async def read_bytes(request: Request) -> bytes:
    """Return the body as it was sent, where a route takes something else than JSON."""
    return await request.body()


def media_type_of(request: Request) -> str:
    """Return what the body was said to be, without parameters; the door has let it in."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def read_json(body: bytes) -> Any:  # noqa: ANN401  # Whatever JSON there is.
    """Decode JSON, refusing what two readers might understand differently.

    A member that occurs twice is such a thing (RFC 7493 section 2.3): some readers keep the
    first value, some the last. NaN and Infinity, which JSON does not have but some writers make,
    are left to the schemas, which refuse them by the member's name.

    Raises:
        UnreadableBody: It is not JSON in UTF-8, or nested too deeply, or a member occurs twice.
    """
    try:
        value = json.loads(body.decode(), object_pairs_hook=_unique)
    except UnicodeDecodeError as error:
        raise UnreadableBody(f"Byte {error.start} is not UTF-8.") from error
    except json.JSONDecodeError as error:
        raise UnreadableBody(f"{error.msg} (character {error.pos}).") from error
    except RecursionError as error:
        raise UnreadableBody("It is nested too deeply.") from error
    except ValueError as error:  # Python reads no integer of more than 4,300 digits.
        raise UnreadableBody("A number has too many digits.") from error
    # How deep Python itself reads depends on its version.
    if _is_deeper(value, MAX_DEPTH):
        raise UnreadableBody("It is nested too deeply.")
    return value


def _is_deeper(value: object, levels: int) -> bool:
    """Tell whether there are more objects and arrays within one another than so many."""
    within = [value] if isinstance(value, dict | list) else []
    for _level in range(levels):
        within = [
            inner
            for outer in within
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, dict | list)
        ]
    return bool(within)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        names = [name for name, _value in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise UnreadableBody(f"The member {ascii(twice)[:60]} occurs twice in one object.")
    return members
