"""Where files are kept, what is taken in as one, and how much is brought at once."""

from typing import Annotated

from pydantic import BaseModel, Field, SecretStr


class FileSettings(BaseModel, frozen=True, extra="forbid"):
    """Photos: where they are kept, and what may be one."""

    url: Annotated[str, Field(pattern=r"^(file:|s3://).", max_length=500)] = "file:.data/files"
    """A folder that every process reaches (`file:/srv/files`), or a bucket (`s3://bucket/files`).

    A bucket takes the extra `s3` (s3fs).
    """
    bucket_endpoint: Annotated[str, Field(pattern=r"^https?://\S+$", max_length=300)] | None = None
    """Of a store that speaks S3 and is not Amazon's."""
    bucket_region: Annotated[str, Field(max_length=60)] | None = None
    bucket_key: SecretStr | None = None
    """Without it s3fs looks where Amazon's own tools do."""
    bucket_secret: SecretStr | None = None
    max_bytes: Annotated[int, Field(ge=10_000, le=100 * 1024 * 1024)] = 10 * 1024 * 1024
    """The longest photo taken."""
    max_pixels: Annotated[int, Field(ge=10_000, le=200_000_000)] = 50_000_000
    """The most pixels a photo taken may have: to decode one takes up to 4 bytes for each."""
    side_px: Annotated[int, Field(ge=320, le=10_000)] = 2560
    """A photo is kept no longer than this on its longer side."""
    max_photos: Annotated[int, Field(ge=1, le=1000)] = 20
    """The most photos of one task."""


class ImportSettings(BaseModel, frozen=True, extra="forbid"):
    """How much another system may bring at once."""

    max_bytes: Annotated[int, Field(ge=1024, le=100 * 1024 * 1024)] = 10 * 1024 * 1024
    """The longest file of tasks taken."""
    max_lines: Annotated[int, Field(ge=1, le=100_000)] = 10_000
    """The most tasks in one."""
