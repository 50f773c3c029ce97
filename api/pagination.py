"""Keyset pages: a cursor says where the page before ended, so that nothing is skipped or twice."""

import json
import math
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, Generic, TypeVar
from urllib.parse import urlencode
from uuid import UUID

from fastapi import Depends, Query, Request
from pydantic import BaseModel

from geoservices import base64url
from geoservices.errors import ErrorKind, GeoservicesError

Limit = Annotated[int, Query(ge=1, le=200, description="The most entries on a page.")]
Item = TypeVar("Item")
Row = TypeVar("Row")


class CursorRefused(GeoservicesError):
    """The cursor is not one this route gave out."""

    kind = ErrorKind.INVALID
    code = "cursor-refused"
    title = "The cursor is not valid"

    def __init__(self) -> None:
        super().__init__("Use `next` of the page before as it is.", field="/cursor")


def read_cursor(
    request: Request,
    cursor: Annotated[
        str | None,
        Query(max_length=2000, description="From `next` of the page before; opaque."),
    ] = None,
) -> Sequence[str] | None:
    """Read a cursor back into the values that ended the page before.

    Raises:
        CursorRefused: It is not one this route gave out.
    """
    if cursor is None:
        return None
    try:
        parts = json.loads(base64url.decode(cursor))
    except (ValueError, RecursionError) as error:
        raise CursorRefused from error
    if not isinstance(parts, list) or not all(isinstance(part, str) for part in parts):
        raise CursorRefused
    if parts[:1] != [_route_of(request)]:
        raise CursorRefused
    return parts[1:]


Cursor = Annotated[Sequence[str] | None, Depends(read_cursor)]


class Page(BaseModel, Generic[Item]):
    """One page; `next` is the address of the one after, null on the last."""

    items: list[Item]
    next: str | None


def decode(cursor: Sequence[str], *kinds: Callable[[str], Item]) -> tuple[Item, ...]:
    """Read each value of a cursor as its kind.

    Raises:
        CursorRefused: There are more or fewer, or one is not of its kind.
    """
    try:
        return tuple(kind(part) for kind, part in zip(kinds, cursor, strict=True))
    except ValueError as error:
        raise CursorRefused from error


def instant_and_id(cursor: Sequence[str] | None) -> tuple[datetime, UUID] | None:
    """Read a cursor of an instant and an id.

    Raises:
        CursorRefused: It is not one of ours.
    """
    if cursor is None:
        return None
    at, id_ = decode(cursor, aware, UUID)
    return at, id_  # type: ignore[return-value]  # `decode` keeps the order of its kinds.


def name_and_id(cursor: Sequence[str] | None, make: Callable[[str, UUID], Item]) -> Item | None:
    """Read a cursor of a name and an id, and make of them where the next page begins.

    Raises:
        CursorRefused: It is not one of ours.
    """
    if cursor is None:
        return None
    name, id_ = decode(cursor, storable, UUID)
    return make(str(name), UUID(str(id_)))


def aware(text: str) -> datetime:
    """Read an instant; one without an offset is refused."""
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError("no offset")
    return instant


def next_address(
    request: Request, rows: Sequence[Row], limit: int, key: Callable[[Row], tuple[object, ...]]
) -> str | None:
    """Return the address of the page after these rows, or None if they are the last.

    Args:
        request: The one being answered.
        rows: Up to `limit + 1` rows; the one too many shows that there is more.
        limit: How many of them are on the page.
        key: What a cursor needs of a row.
    """
    if len(rows) <= limit:
        return None
    values = [_route_of(request), *map(str, key(rows[limit - 1]))]
    text = json.dumps(values, ensure_ascii=False, separators=(",", ":"))
    cursor = base64url.encode(text.encode())
    asked = [
        (name, value) for name, value in request.query_params.multi_items() if name != "cursor"
    ]
    return f"{request.scope['path']}?{urlencode([*asked, ('cursor', cursor)])}"


def _route_of(request: Request) -> str:
    # A cursor from elsewhere would be read as an order that it is not of.
    return str(request.scope["route"].name)


def finite(text: str) -> float:
    """Read a finite number."""
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("not finite")
    return number


def numbered(text: str) -> int:
    """Read a row's number."""
    number = int(text)
    if not 0 < number < 2**63:
        raise ValueError("no number of a row")
    return number


def storable(text: str) -> str:
    """Read text that the database can hold."""
    text.encode()
    if "\x00" in text:
        raise ValueError("contains U+0000")
    return text
