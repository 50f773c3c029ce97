"""As much of Protocol Buffers as a push service for Chromium needs."""

from collections.abc import Iterator

Value = int | bytes
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
SIZES = {FIXED64: 8, FIXED32: 4}


def write_varint(number: int) -> bytes:
    """Write a number in groups of seven bits, the lowest first."""
    written = bytearray()
    while number > 0x7F:
        written.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*written, number])


def write(*fields: tuple[int, Value | str]) -> bytes:
    """Write a message from field numbers with their values; numbers go as varints."""
    return b"".join(_write_field(number, value) for number, value in fields)


def write_fixed64(number: int, value: int) -> bytes:
    """Write one field of eight bytes."""
    return write_varint(number << 3 | FIXED64) + value.to_bytes(8, "little")


def read(message: bytes) -> dict[int, list[Value]]:
    """Read a message's fields by their numbers, each with its values in order."""
    fields: dict[int, list[Value]] = {}
    for number, value in _read_fields(message):
        fields.setdefault(number, []).append(value)
    return fields


def read_varint(data: bytes, at: int) -> tuple[int, int]:
    """Read a number; return it, and where what follows it begins."""
    number = shift = 0
    while True:
        group = data[at]
        number |= (group & 0x7F) << shift
        shift, at = shift + 7, at + 1
        if group < 0x80:
            return number, at


def _write_field(number: int, value: Value | str) -> bytes:
    if isinstance(value, int):
        return write_varint(number << 3 | VARINT) + write_varint(int(value))
    data = value.encode() if isinstance(value, str) else value
    return write_varint(number << 3 | BYTES) + write_varint(len(data)) + data


def _read_fields(message: bytes) -> Iterator[tuple[int, Value]]:
    at = 0
    while at < len(message):
        key, at = read_varint(message, at)
        number, kind = key >> 3, key & 7
        if kind == VARINT:
            value, at = read_varint(message, at)
            yield number, value
            continue
        size = SIZES.get(kind, 0)
        if kind == BYTES:
            size, at = read_varint(message, at)
        yield number, message[at : at + size]
        at += size
