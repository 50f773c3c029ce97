"""Columns of numbers as PostgreSQL's arrays, packed at once and not value by value.

The format is that which `array_recv` reads: the number of dimensions, whether there are NULLs, the
type of the elements, their number and the first one's place, and then each element's length and
value in network order.
"""

from typing import ClassVar

import numpy as np
import psycopg
from numpy.typing import NDArray
from psycopg.adapt import Dumper
from psycopg.pq import Format

SINCE_2000_US = 946_684_800_000_000
"""PostgreSQL counts from 2000, everyone else from 1970."""


class Packed(bytes):
    """A packed array; each kind knows the types of its elements."""

    of: ClassVar[str]
    """The element as NumPy writes it."""
    element_oid: ClassVar[int]
    array_oid: ClassVar[int]

    @classmethod
    def pack(cls, column: NDArray[np.generic]) -> "Packed":
        """Pack a column of shape (n,) without NULLs."""
        element = np.dtype(cls.of)
        head = np.array([1, 0, cls.element_oid, len(column), 1], dtype=">i4").tobytes()
        if len(column) == 0:
            return cls(np.array([0, 0, cls.element_oid], dtype=">i4").tobytes())
        elements = np.empty(len(column), dtype=[("length", ">i4"), ("value", element)])
        elements["length"] = element.itemsize
        elements["value"] = column
        return cls(head + elements.tobytes())


class Uuids(Packed):
    """`uuid[]`."""

    of, element_oid, array_oid = "V16", 2950, 2951

    @classmethod
    def of_bytes(cls, ids: NDArray[np.uint8]) -> "Packed":
        """Pack the bytes of UUIDs, shape (n, 16)."""
        return cls.pack(np.ascontiguousarray(ids).view("V16")[:, 0])


class Instants(Packed):
    """`timestamptz[]`."""

    of, element_oid, array_oid = ">i8", 1184, 1185

    @classmethod
    def of_microseconds(cls, at_us: NDArray[np.int64]) -> "Packed":
        """Pack microseconds since 1970, shape (n,)."""
        return cls.pack(at_us - SINCE_2000_US)


class Doubles(Packed):
    """`float8[]`; NaN stays NaN."""

    of, element_oid, array_oid = ">f8", 701, 1022


class Smallints(Packed):
    """`int2[]`."""

    of, element_oid, array_oid = ">i2", 21, 1005


def _dumper(kind: type[Packed]) -> type[Dumper]:
    class PackedDumper(Dumper):
        format = Format.BINARY
        oid = kind.array_oid

        def dump(self, obj: bytes) -> bytes:
            return bytes(obj)

    return PackedDumper


for _kind in (Uuids, Instants, Doubles, Smallints):
    psycopg.adapters.register_dumper(_kind, _dumper(_kind))
