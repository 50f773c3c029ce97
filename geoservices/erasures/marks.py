"""Marks of people who were erased: they tell the same person again, and nobody who it is."""

import hashlib
import hmac
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from geoservices.keyring import derive

FORMAT = "geoservices-erasures"
VERSION = 1
PURPOSE = b"geoservices erasure list 1"


@dataclass(frozen=True, slots=True)
class Mark:
    """One entry of the list: whom it marks, with which key, and when they asked."""

    mark: bytes
    key_mark: bytes
    asked_at: datetime


@dataclass(frozen=True, slots=True)
class MarkingKey:
    """What marks are made with."""

    secret: bytes

    @classmethod
    def derived_from(cls, secret: bytes) -> "MarkingKey":
        """Return the key for this purpose that follows from a secret of the service's."""
        return cls(derive(secret, PURPOSE))

    @property
    def mark(self) -> bytes:
        """What tells this key from others, 8 bytes, without telling the key."""
        return hashlib.sha256(b"which key: " + self.secret).digest()[:8]

    def of(self, person_id: UUID) -> bytes:
        """Return a person's mark, 32 bytes (HMAC-SHA-256, RFC 2104)."""
        return hmac.digest(self.secret, person_id.bytes, "sha256")


def write_list(marks: Iterable[Mark]) -> Iterator[str]:
    """Yield the lines of a list: JSON, what it is in the first."""
    yield json.dumps({"format": FORMAT, "version": VERSION})
    for one in marks:
        yield json.dumps(
            {
                "mark": one.mark.hex(),
                "key": one.key_mark.hex(),
                "asked_at": one.asked_at.isoformat(),
            }
        )


def read_list(lines: Sequence[str]) -> list[Mark]:
    """Read a list back.

    Raises:
        ValueError: It is none, or not whole; the message says where.
    """
    try:
        head = json.loads(lines[0])
        if (head["format"], head["version"]) != (FORMAT, VERSION):
            raise ValueError("another format")  # noqa: TRY301  # Told like all else that is wrong.
        return [_read(line) for line in lines[1:]]
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise ValueError(
            "This is no list as `geoservices erasures export` writes it. Nothing was erased."
        ) from error


def _read(line: str) -> Mark:
    told = json.loads(line)
    asked_at = datetime.fromisoformat(told["asked_at"])
    mark, key_mark = bytes.fromhex(told["mark"]), bytes.fromhex(told["key"])
    if asked_at.tzinfo is None or (len(mark), len(key_mark)) != (32, 8):
        raise ValueError("not a mark")
    return Mark(mark, key_mark, asked_at)
