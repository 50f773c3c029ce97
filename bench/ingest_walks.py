"""Walks as the bytes of requests, laid out before the clock starts.

Every ping is a record of the same width: where it was and how accurately never changes. When a
request is made, only the times and the ids are stamped into a copy of its records. At its end a
walk goes back the way it came, so that it never ends and never jumps.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Self

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]

PERIOD_S = 10
"""Phones report this often."""
TAIL = "-0000-4000-8000-000000000000"
RECORD = (
    '{"id":"00000000' + TAIL + '","recorded_at":"0000-00-00T00:00:00Z",'
    '"lon":          ,"lat":          ,"accuracy_m":  },'
)
"""One ping; JSON allows blanks before a number, so that every record is as long as the others."""
ID_AT = RECORD.index("00000000")
TAIL_AT = ID_AT + len("00000000-0000-4000-8000-")
TIME_AT = RECORD.index("0000-00-00T")
LON_AT = RECORD.index('"lon":') + 6
LAT_AT = RECORD.index('"lat":') + 6
ACCURACY_AT = RECORD.index('"accuracy_m":') + 13
DEGREES_WIDTH, TIME_WIDTH, TAIL_WIDTH = 10, 20, 12
KNUTH = 2_654_435_761
"""Odd, so that multiplying by it scatters numbers below 2^32 and leaves them different."""


@dataclass(slots=True, kw_only=True)
class Walks:
    """The walks of all devices, and how far each device has got."""

    heads: list[bytes]
    """What stands between a request's path and the number of its Content-Length, by device."""
    records: Bytes
    """Shape (devices, steps, width of a record)."""
    clock: Bytes
    """The times of a device's pings, written, shape (pings, 20)."""
    sent: NDArray[np.int64] = field(init=False)
    """How many pings of each device have been sent."""

    def __post_init__(self) -> None:
        self.sent = np.zeros(len(self.heads), dtype=np.int64)

    @classmethod
    def lay_out(
        cls,
        paths: NDArray[np.float64],
        tokens: list[str],
        *,
        pings: int,
        since: datetime,
        rng: np.random.Generator,
    ) -> Self:
        """Write walks down.

        Args:
            paths: Degrees within 100 of zero, shape (devices, steps, 2); after the last step they
                turn back, and the number of steps is a multiple of every size of a batch.
            tokens: Each device's.
            pings: The most that a device will send.
            since: The time of every device's first ping.
            rng: What accuracies and ids are made of.
        """
        shape = paths.shape[:2]
        records = np.empty((*shape, len(RECORD)), dtype=np.uint8)
        records[:] = np.frombuffer(RECORD.encode(), dtype=np.uint8)
        records[:, :, LON_AT : LON_AT + DEGREES_WIDTH] = _written(paths[:, :, 0])
        records[:, :, LAT_AT : LAT_AT + DEGREES_WIDTH] = _written(paths[:, :, 1])
        accuracy_m = rng.integers(5, 16, shape)
        records[:, :, ACCURACY_AT] = np.where(accuracy_m < 10, ord(" "), ord("1"))
        records[:, :, ACCURACY_AT + 1] = ord("0") + accuracy_m % 10
        tail = rng.integers(0, 16, (*shape, TAIL_WIDTH), dtype=np.uint8)
        records[:, :, TAIL_AT : TAIL_AT + TAIL_WIDTH] = _hexadecimal(tail)
        heads = [
            b"HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer %b\r\n"
            b"Content-Type: application/json\r\nContent-Length: " % token.encode()
            for token in tokens
        ]
        return cls(heads=heads, records=records, clock=_clock(since, pings))

    def align(self, size: int) -> None:
        """Go on with batches of another size."""
        self.sent = -(-self.sent // size) * size

    def advance(self, device: int, size: int) -> None:
        """Note that so many more of a device's pings were sent."""
        self.sent[device] += size

    def request(self, device: int, begin: int, size: int, path: str) -> bytes:
        """Return a device's pings from the given one on as a request; one goes without a list."""
        records = self._stretch(device, begin, size).copy()
        records[:, TIME_AT : TIME_AT + TIME_WIDTH] = self.clock[begin : begin + size]
        serial = f"{begin * KNUTH % 2**32:08x}".encode()
        records[:, ID_AT : ID_AT + len(serial)] = np.frombuffer(serial, dtype=np.uint8)
        pings = records.tobytes()[:-1]
        body = pings if size == 1 else b'{"pings":[' + pings + b"]}"
        head = self.heads[device]
        return b"POST %b %b%d\r\n\r\n%b" % (path.encode(), head, len(body), body)

    def _stretch(self, device: int, begin: int, size: int) -> Bytes:
        steps = self.records.shape[1]
        at = begin % (2 * steps)
        if at < steps:
            return self.records[device, at : at + size]
        behind = 2 * steps - at
        return self.records[device, behind - size : behind][::-1]


def _written(degrees: NDArray[np.float64]) -> Bytes:
    """Write numbers with six decimals, 10 characters wide; they lie between -100 and 100."""
    millionths = np.rint(np.abs(degrees) * 1e6).astype(np.int64)
    is_negative = degrees < 0
    text = np.full((*degrees.shape, DEGREES_WIDTH), ord(" "), dtype=np.uint8)
    for place in range(6):
        text[..., -1 - place] = ord("0") + millionths // 10**place % 10
    text[..., -7] = ord(".")
    text[..., -8] = ord("0") + millionths // 10**6 % 10
    tens = millionths // 10**7
    text[..., -9] = np.where(tens > 0, ord("0") + tens, np.where(is_negative, ord("-"), ord(" ")))
    text[..., -10] = np.where((tens > 0) & is_negative, ord("-"), ord(" "))
    return text


def _hexadecimal(digits: Bytes) -> Bytes:
    return np.frombuffer(b"0123456789abcdef", dtype=np.uint8)[digits]


def _clock(since: datetime, pings: int) -> Bytes:
    first = np.datetime64(since.replace(tzinfo=None), "s")
    times = np.datetime_as_string(first + np.arange(pings) * np.timedelta64(PERIOD_S, "s"))
    zulu = np.char.add(times.astype("S19"), b"Z")
    return zulu.view(np.uint8).reshape(pings, TIME_WIDTH)
