"""Pings as PostgreSQL reads them from a binary COPY: rows packed by columns, not one by one."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from geoservices.pings.columns import Microseconds, Pings

HEADER = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
TRAILER = b"\xff\xff"
SINCE_2000_US = 946_684_800_000_000
"""PostgreSQL counts from 2000, everyone else from 1970."""
COLUMNS = (
    ("device_id", "V16", 16),
    ("recorded_at", ">i8", 8),
    ("id", "V16", 16),
    ("received_at", ">i8", 8),
    ("lon", ">f8", 8),
    ("lat", ">f8", 8),
    ("accuracy_m", ">f4", 4),
    ("speed_mps", ">f4", 4),
    ("heading_deg", ">f4", 4),
    ("signs", ">i2", 2),
)
"""Name, type and size of each column, in the order in which `binary_rows` writes them."""
OPTIONAL = ("accuracy_m", "speed_mps", "heading_deg")
"""Columns that may hold NULL, which a row writes as a length of -1 and no value."""


def binary_rows(
    pings: Pings, *, devices: NDArray[np.uint8], signs: NDArray[np.uint8], at_us: int
) -> bytes:
    """Return pings as the body of `COPY pings (…) FROM STDIN (FORMAT BINARY)`.

    The format is that of the PostgreSQL manual's page on COPY: each row a count of columns, each
    column its length and its value in network order.

    Args:
        pings: Shape (n,).
        devices: The bytes of each ping's device's id, shape (n, 16).
        signs: What speaks against each, shape (n,).
        at_us: When they arrived, in microseconds since 1970.
    """
    missing = np.stack([np.isnan(getattr(pings, name)) for name in OPTIONAL], axis=1)
    # Rows that lack the same columns have the same length, and are written together.
    kinds = missing @ np.array([1, 2, 4])
    parts = [HEADER]
    for kind in np.unique(kinds).tolist():
        these = kinds == kind
        parts.append(_packed(pings.picked(these), devices[these], signs[these], at_us, kind))
    return b"".join([*parts, TRAILER])


def _packed(
    pings: Pings, devices: NDArray[np.uint8], signs: NDArray[np.uint8], at_us: int, kind: int
) -> bytes:
    layout, empty_row = _layout(kind)
    rows = np.full(len(pings), empty_row, dtype=layout)
    rows["device_id"] = np.ascontiguousarray(devices).view("V16")[:, 0]
    rows["recorded_at"] = _since_2000(pings.recorded_at)
    rows["id"] = np.ascontiguousarray(pings.ids).view("V16")[:, 0]
    rows["received_at"] = at_us - SINCE_2000_US
    rows["lon"] = pings.lon
    rows["lat"] = pings.lat
    for number, name in enumerate(OPTIONAL):
        if not kind >> number & 1:
            rows[name] = getattr(pings, name)
    rows["signs"] = signs
    return rows.tobytes()


@lru_cache
def _layout(kind: int) -> tuple[np.dtype[np.void], NDArray[np.void]]:
    """Return the type of a row that lacks these optional columns, and one with lengths only."""
    parts: list[tuple[str, str]] = [("columns", ">i2")]
    lengths: dict[str, int] = {"columns": len(COLUMNS)}
    for name, type_, size in COLUMNS:
        lacks = name in OPTIONAL and kind >> OPTIONAL.index(name) & 1
        parts.append((f"{name} length", ">i4"))
        lengths[f"{name} length"] = -1 if lacks else size
        if not lacks:
            parts.append((name, type_))
    layout = np.dtype(parts)
    row = np.zeros((), dtype=layout)
    for name, length in lengths.items():
        row[name] = length
    return layout, row


def _since_2000(at_us: Microseconds) -> Microseconds:
    return at_us - SINCE_2000_US
