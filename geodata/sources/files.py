"""Files as text: plain or gzip, from a path or from standard input."""

import codecs
import gzip
import shutil
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import IO

GZIP_MAGIC = b"\x1f\x8b"
CHUNK_BYTES = 1 << 18
SPOOL_BYTES = 1 << 24
"""Standard input is kept in memory up to this size, then in a temporary file."""


class FileBroken(ValueError):
    """The bytes cannot be turned into text any further."""


@contextmanager
def opened(path: Path) -> Iterator[IO[bytes]]:
    """Open a file so that it can be read more than once; `-` is standard input."""
    if str(path) == "-":
        with SpooledTemporaryFile(max_size=SPOOL_BYTES) as kept:
            shutil.copyfileobj(sys.stdin.buffer, kept)
            yield kept
    else:
        with path.open("rb") as file:
            yield file


def texts(file: IO[bytes]) -> Iterator[str]:
    """Yield the text from the beginning, piece by piece; a byte order mark is left out.

    Gzip is known by its first two bytes, whatever the name.

    Raises:
        FileBroken: The gzip stream is damaged or ends early, or the text is not UTF-8.
    """
    decoder = codecs.getincrementaldecoder("utf-8-sig")()
    try:
        for chunk in _chunks(file):
            yield decoder.decode(chunk)
        yield decoder.decode(b"", final=True)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise FileBroken(f"the compressed file is damaged or ends early ({error})") from error
    except UnicodeDecodeError as error:
        raise FileBroken(f"the text is not UTF-8 ({error.reason})") from error


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    file.seek(0)
    zipped = file.read(len(GZIP_MAGIC)) == GZIP_MAGIC
    file.seek(0)
    if not zipped:
        yield from iter(lambda: file.read(CHUNK_BYTES), b"")
        return
    with gzip.GzipFile(fileobj=file, mode="rb") as plain:
        yield from iter(lambda: plain.read(CHUNK_BYTES), b"")
