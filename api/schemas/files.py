"""Photos of tasks on the wire."""

from datetime import datetime
from typing import Self
from uuid import UUID

from pydantic import Field

from api.schemas.common import Out
from geoservices.files.models import File


class FileOut(Out):
    """A photo of a task; where it can be had is `address`."""

    id: UUID
    task_id: UUID
    media_type: str
    size_bytes: int = Field(description="How many bytes it has")
    width_px: int = Field(description="How many pixels wide it is")
    height_px: int = Field(description="How many pixels high it is")
    sha256: str = Field(description="Of the photo as it is kept, in hexadecimal")
    added_by: UUID | None = Field(description="Who sent it; null of a machine, or who was erased")
    added_at: datetime
    address: str

    @classmethod
    def of(cls, file: File) -> Self:
        """Show a photo."""
        return cls(
            id=file.id,
            task_id=file.task_id,
            media_type=file.media_type,
            size_bytes=file.size_bytes,
            width_px=file.width_px,
            height_px=file.height_px,
            sha256=file.sha256.hex(),
            added_by=file.added_by,
            added_at=file.added_at,
            address=f"/v1/files/{file.id}",
        )
