"""The store of files: a local folder or a bucket, in which each lies under its own SHA-256.

What a file is called follows from what is in it, so that the same photo is kept once, and one that
was changed behind our back is noticed. Who may see it stands in the database alone.
"""

from collections.abc import Callable, Iterator
from hashlib import sha256
from typing import Any, TypeVar

import structlog
from fsspec.core import url_to_fs

from geoservices.errors import ErrorKind, GeoservicesError
from geoservices.settings.storing import FileSettings

log = structlog.get_logger()

Done = TypeVar("Done")

LONGEST_WAIT_S = 10
"""How long a bucket is waited for, to connect and to answer."""


class StoreUnavailable(GeoservicesError):
    """The store of files does not answer, or has not what it should; nothing was changed."""

    kind = ErrorKind.UNAVAILABLE
    code = "files-unavailable"
    title = "Files cannot be reached at the moment"

    def __init__(self) -> None:
        super().__init__("Send the same request again in a while; nothing is stored twice.")


class FileStore:
    """Files by their digests."""

    def __init__(self, settings: FileSettings) -> None:
        """Reach for the store; whether it is there shows when it is first used.

        Raises:
            ImportError: It is a bucket, and the extra `s3` is not installed.
        """
        self._files, self._root = url_to_fs(settings.url, **_options(settings))

    def put(self, digest: bytes, data: bytes) -> None:
        """Keep a file, if it is not there already.

        Whoever does so holds the digest (`queries.hold_digest`), so that nobody removes it.

        Raises:
            StoreUnavailable: The store failed; what is left of it there is no whole file.
        """
        path = self._path(digest)

        def keep() -> None:
            if not self._files.exists(path) or self._files.size(path) != len(data):
                self._files.pipe_file(path, data)

        _try(keep)

    def read(self, digest: bytes) -> bytes:
        """Return a file.

        Raises:
            StoreUnavailable: The store failed, or has it no more, or something else in its place.
        """
        data: bytes = _try(lambda: self._files.cat_file(self._path(digest)))
        if sha256(data).digest() != digest:
            log.error("file_spoilt", digest=digest.hex())
            raise StoreUnavailable
        return data

    def remove(self, digest: bytes) -> None:
        """Remove a file; one that is not there is as good.

        Raises:
            StoreUnavailable: The store failed.
        """
        path = self._path(digest)

        def remove() -> None:
            if self._files.exists(path):
                self._files.rm_file(path)

        _try(remove)

    def digests(self) -> Iterator[bytes]:
        """Yield the digest of every file there is.

        Raises:
            StoreUnavailable: The store failed.
        """
        if not _try(lambda: self._files.exists(self._root)):
            return
        for path in _try(lambda: self._files.find(self._root)):
            name = path.rpartition("/")[2]
            if len(name) == DIGITS and set(name) <= set("0123456789abcdef"):
                yield bytes.fromhex(name)

    def _path(self, digest: bytes) -> str:
        # A folder of a local disk with hundreds of thousands of files in it is slow to list.
        name = digest.hex()
        return f"{self._root}/{name[:2]}/{name}"


DIGITS = 64
"""Of a SHA-256, in hexadecimal."""


def _options(settings: FileSettings) -> dict[str, Any]:
    if settings.url.startswith("file:"):
        return {"auto_mkdir": True}
    told = {
        "endpoint_url": settings.bucket_endpoint,
        "key": settings.bucket_key and settings.bucket_key.get_secret_value(),
        "secret": settings.bucket_secret and settings.bucket_secret.get_secret_value(),
    }
    waits = {"connect_timeout": LONGEST_WAIT_S, "read_timeout": LONGEST_WAIT_S}
    return {
        **{name: value for name, value in told.items() if value},
        "client_kwargs": {"region_name": settings.bucket_region} if settings.bucket_region else {},
        "config_kwargs": {**waits, "retries": {"max_attempts": 1}},
        # Others store and remove too, so that a list of before tells nothing.
        "use_listings_cache": False,
    }


def _try(work: Callable[[], Done]) -> Done:
    try:
        return work()
    except Exception as error:  # Each kind of store raises errors of its own.
        log.warning("file_store_failed", error=type(error).__name__)
        raise StoreUnavailable from error
