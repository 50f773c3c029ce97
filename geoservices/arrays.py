"""Columns as PostgreSQL's binary arrays: numbers packed at once, other values one by one.

What psycopg makes of a list depends on what is in it, so that the same statement is prepared many
times over, and takes far longer. Here a column's type is said and not looked for.

The format is that which `array_recv` reads: the number of dimensions, whether there are NULLs, the
type of the elements, their number and the first one's place, and then each element's length and
value in network order.
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from struct import Struct
from typing import Any, ClassVar
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from geoservices.instants import MICROSECOND, microseconds

SINCE_2000_US = 946_684_800_000_000
"""PostgreSQL counts from 2000, everyone else from 1970."""
NULL = b"\xff\xff\xff\xff"
HEAD, EMPTY = Struct(">iiiii").pack, Struct(">iii").pack
LENGTH, INT, LONG, INTERVAL = (Struct(f">{kind}").pack for kind in ("i", "ii", "iq", "iqii"))


class Packed(bytes):
    """A packed array; each kind knows the types of its elements."""

    element_oid: ClassVar[int]
    array_oid: ClassVar[int]

    @staticmethod
    def write(value: Any) -> bytes:  # noqa: ANN401  # Each kind says of what.
        """Return an element with its length before it."""
        raise NotImplementedError

    @classmethod
    def listed(cls, values: Collection[object]) -> "Packed":
        """Pack values; None is NULL."""
        if not values:
            return cls(EMPTY(0, 0, cls.element_oid))
        write = cls.write
        elements = [NULL if value is None else write(value) for value in values]
        head = HEAD(1, NULL in elements, cls.element_oid, len(elements), 1)
        return cls(head + b"".join(elements))


class Numbers(Packed):
    """Elements of the same width."""

    of: ClassVar[str]
    """The element as NumPy writes it."""

    @classmethod
    def pack(cls, column: NDArray[np.generic]) -> "Packed":
        """Pack a column of shape (n,) without NULLs."""
        if len(column) == 0:
            return cls(EMPTY(0, 0, cls.element_oid))
        element = np.dtype(cls.of)
        elements = np.empty(len(column), dtype=[("length", ">i4"), ("value", element)])
        elements["length"] = element.itemsize
        elements["value"] = column
        return cls(HEAD(1, 0, cls.element_oid, len(column), 1) + elements.tobytes())


class Uuids(Numbers):
    """`uuid[]`."""

    of, element_oid, array_oid = "V16", 2950, 2951

    @staticmethod
    def write(value: UUID) -> bytes:
        """Return one."""
        return b"\0\0\0\x10" + value.bytes

    @classmethod
    def of_bytes(cls, ids: NDArray[np.uint8]) -> "Packed":
        """Pack the bytes of UUIDs, shape (n, 16)."""
        return cls.pack(np.ascontiguousarray(ids).view("V16")[:, 0])


class Instants(Numbers):
    """`timestamptz[]`."""

    of, element_oid, array_oid = ">i8", 1184, 1185

    @staticmethod
    def write(value: datetime) -> bytes:
        """Return one."""
        return LONG(8, microseconds(value) - SINCE_2000_US)

    @classmethod
    def of_microseconds(cls, at_us: NDArray[np.int64]) -> "Packed":
        """Pack microseconds since 1970, shape (n,)."""
        return cls.pack(at_us - SINCE_2000_US)


class Doubles(Numbers):
    """`float8[]`; NaN stays NaN."""

    of, element_oid, array_oid = ">f8", 701, 1022


class Smallints(Numbers):
    """`int2[]`."""

    of, element_oid, array_oid = ">i2", 21, 1005


class Integers(Packed):
    """`int4[]`."""

    element_oid, array_oid = 23, 1007

    @staticmethod
    def write(value: int) -> bytes:
        """Return one."""
        return INT(4, value)


class Booleans(Packed):
    """`bool[]`."""

    element_oid, array_oid = 16, 1000

    @staticmethod
    def write(value: bool) -> bytes:  # noqa: FBT001  # It is a value.
        """Return one."""
        return b"\0\0\0\1\1" if value else b"\0\0\0\1\0"


class Intervals(Packed):
    """`interval[]`, of neither days nor months."""

    element_oid, array_oid = 1186, 1187

    @staticmethod
    def write(value: timedelta) -> bytes:
        """Return one."""
        return INTERVAL(16, value // MICROSECOND, 0, 0)


class Texts(Packed):
    """`text[]`."""

    element_oid, array_oid = 25, 1009

    @staticmethod
    def write(value: str) -> bytes:
        """Return one."""
        encoded = value.encode()
        return LENGTH(len(encoded)) + encoded


class Blobs(Packed):
    """`bytea[]`."""

    element_oid, array_oid = 17, 1001

    @staticmethod
    def write(value: bytes) -> bytes:
        """Return one."""
        return LENGTH(len(value)) + value


OF_TYPE: dict[type, type[Packed]] = {
    UUID: Uuids,
    datetime: Instants,
    timedelta: Intervals,
    str: Texts,
    int: Integers,
    bool: Booleans,
    bytes: Blobs,
}
"""How a column of each type of Python's is packed."""
