"""A bucket as the store of files: what s3fs is asked for, played by a store in memory."""

from hashlib import sha256
from typing import Any

import pytest
from fsspec import register_implementation
from fsspec.implementations.memory import MemoryFileSystem
from pydantic import SecretStr
from typing_extensions import override

from geoservices.files.store import LONGEST_WAIT_S, FileStore
from geoservices.settings.storing import FileSettings

PHOTO = b"a photo"
DIGEST = sha256(PHOTO).digest()


class Bucket(MemoryFileSystem):  # type: ignore[misc]  # fsspec has no types.
    """Keeps things as s3fs does, and what it was made with."""

    protocol = "s3"
    cachable = False
    made_with: dict[str, Any]

    def __init__(self, **options: object) -> None:
        super().__init__()
        Bucket.made_with = options

    @classmethod
    @override
    def _strip_protocol(cls, path: str) -> str:
        return "/" + path.removeprefix("s3:").strip("/")


@pytest.fixture(autouse=True)
def in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks for a bucket gets this one, which is empty."""
    monkeypatch.setattr(Bucket, "store", {})
    monkeypatch.setattr(Bucket, "pseudo_dirs", [""])
    register_implementation("s3", Bucket, clobber=True)


def test_a_bucket_keeps_files_as_a_folder_does() -> None:
    """Each under its digest, below the folder that is said."""
    store = FileStore(FileSettings(url="s3://council/photos"))

    store.put(DIGEST, PHOTO)
    store.put(DIGEST, PHOTO)

    name = DIGEST.hex()
    assert list(Bucket.store) == [f"/council/photos/{name[:2]}/{name}"]
    assert (store.read(DIGEST), list(store.digests())) == (PHOTO, [DIGEST])
    store.remove(DIGEST)
    store.remove(DIGEST)
    assert (Bucket.store, list(store.digests())) == ({}, [])


def test_a_bucket_of_anybodys_is_asked_with_patience_and_no_memory() -> None:
    """Where it is and who asks stands in the settings; what is not said is s3fs's own affair."""
    FileStore(
        FileSettings(
            url="s3://council/photos",
            bucket_endpoint="https://store.example",
            bucket_region="eu-west-2",
            bucket_key=SecretStr("key"),
            bucket_secret=SecretStr("secret"),
        )
    )
    told = Bucket.made_with
    FileStore(FileSettings(url="s3://council/photos"))

    always = {
        "config_kwargs": {
            "connect_timeout": LONGEST_WAIT_S,
            "read_timeout": LONGEST_WAIT_S,
            "retries": {"max_attempts": 1},
        },
        "use_listings_cache": False,
    }
    assert told == {
        **always,
        "endpoint_url": "https://store.example",
        "key": "key",
        "secret": "secret",
        "client_kwargs": {"region_name": "eu-west-2"},
    }
    assert Bucket.made_with == {**always, "client_kwargs": {}}
