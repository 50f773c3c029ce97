"""Codes on the wire."""

from datetime import datetime
from typing import Self
from uuid import UUID

from pydantic import Field

from api.qr import Qr
from api.schemas.common import In, Instant, Name, Out
from geoservices.codes import service
from geoservices.codes.links import STEP, CodeKind, start_of
from geoservices.codes.models import Code
from geoservices.codes.service import CodeDraft
from geoservices.settings.service import Settings


class CodeIn(In):
    """What a manager says of a code."""

    id: UUID | None = Field(default=None, description="The client's own, so that a retry is safe")
    kind: CodeKind
    label: Name = Field(description="Where it is, such as front desk")
    valid_from: Instant | None = Field(default=None, description="Leave out to mean now")
    valid_until: Instant | None = Field(
        default=None, description="Leave out to let it count until it is revoked"
    )

    def to_draft(self) -> CodeDraft:
        """Return what the domain takes."""
        return CodeDraft(**self.model_dump(exclude={"id"}))


class CodeOut(Out):
    """A code as its managers see it."""

    id: UUID
    place_id: UUID
    kind: CodeKind
    label: str
    valid_from: datetime
    valid_until: datetime | None
    created_at: datetime
    revoked_at: datetime | None
    link: str | None = Field(
        description="What a static code says: write it to an NFC tag, or print the poster",
    )
    screen: str | None = Field(
        description="Where a screen shows a rotating code. Whoever has it can show the code "
        "anywhere, so give it to the screen alone",
    )

    @classmethod
    def of(cls, code: Code, settings: Settings) -> Self:
        """Show a code, with its address unless it was revoked."""
        rotates = code.kind == CodeKind.ROTATING
        address = None if code.revoked_at else service.address_of(code, settings=settings)
        return cls(
            id=code.id,
            place_id=code.place_id,
            kind=CodeKind(code.kind),
            label=code.label,
            valid_from=code.valid_from,
            valid_until=code.valid_until,
            created_at=code.created_at,
            revoked_at=code.revoked_at,
            link=None if rotates else address,
            screen=address if rotates else None,
        )


class QrOut(Out):
    """A QR code to draw: one black path on white, in a square of `size_modules` units."""

    size_modules: int = Field(description="Width in modules, with the quiet zone")
    path: str = Field(description="The dark modules as an SVG path")

    @classmethod
    def of(cls, qr: Qr) -> Self:
        """Show a QR code."""
        return cls(size_modules=qr.size, path=qr.path)


class ShownCode(Out):
    """A rotating code in one step."""

    shown_from: datetime
    shown_until: datetime
    qr: QrOut

    @classmethod
    def of(cls, step: int, qr: Qr) -> Self:
        """Show the code of a step."""
        begins = start_of(step)
        return cls(shown_from=begins, shown_until=begins + STEP, qr=QrOut.of(qr))


class ScreenOut(Out):
    """What a screen shows now and in the next minutes, should it lose the network."""

    place_name: str
    label: str
    now: datetime = Field(description="The server's time; a screen's own clock may be wrong")
    codes: list[ShownCode]


class PersonalCodeOut(Out):
    """What a person shows to staff to be checked in."""

    code: str
    expires_at: datetime
    qr: QrOut
