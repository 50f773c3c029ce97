"""Keyset pages: a cursor says where the page before ended, so that nothing is skipped or twice."""

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, Generic, TypeVar
from uuid import UUID

from fastapi import Query, Request
from pydantic import BaseModel

from geoservices.errors import ErrorKind, GeoservicesError

Limit = Annotated[int, Query(ge=1, le=200, description="The most entries on a page.")]
Cursor = Annotated[
    str | None,
    Query(max_length=400, description="From `next` of the page before; opaque."),
]
Item = TypeVar("Item")
Row = TypeVar("Row")


class CursorRefused(GeoservicesError):
    """The cursor is not one this route gave out."""

    kind = ErrorKind.INVALID
    code = "cursor-refused"
    title = "The cursor is not valid"

    def __init__(self) -> None:
        super().__init__("Use `next` of the page before as it is.", field="/cursor")


class Page(BaseModel, Generic[Item]):
    """One page; `next` is the address of the one after, null on the last."""

    items: list[Item]
    next: str | None


def encode(*parts: object) -> str:
    """Make an opaque cursor of the values that end a page."""
    text = json.dumps([str(part) for part in parts])
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode(cursor: str, *kinds: Callable[[str], Item]) -> tuple[Item, ...]:
    """Read a cursor back.

    Raises:
        CursorRefused: It is not one of ours.
    """
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        parts = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        return tuple(kind(part) for kind, part in zip(kinds, parts, strict=True))
    except (ValueError, TypeError, binascii.Error, RecursionError) as error:
        raise CursorRefused from error


def instant_and_id(cursor: str | None) -> tuple[datetime, UUID] | None:
    """Read a cursor of an instant and an id.

    Raises:
        CursorRefused: It is not one of ours.
    """
    if cursor is None:
        return None
    at, id_ = decode(cursor, aware, UUID)
    return at, id_  # type: ignore[return-value]  # `decode` keeps the order of its kinds.


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
    cursor = encode(*key(rows[limit - 1]))
    url = request.url.include_query_params(cursor=cursor)
    return f"{url.path}?{url.query}"
