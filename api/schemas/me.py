"""What is held about a person, exports and erasures on the wire."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, Self
from uuid import UUID

from pydantic import Field
from pydantic_core import to_jsonable_python

from api.schemas.common import Out
from geoservices.erasures.models import Erasure
from geoservices.exports.models import Export, ExportState
from geoservices.holdings.inventory import Holding
from geoservices.holdings.service import Held
from geoservices.leasing.models import Reason

Row = dict[str, Any]


class KindOut(Out):
    """A kind of what is held, in plain words."""

    kind: str
    title: str
    why: str = Field(description="What it is for, and how long it is kept")
    correction: str = Field(description="How it is put right, or why it cannot be")
    columns: dict[str, str] = Field(description="What each member of a row means")
    not_told: dict[str, str] = Field(description="What is kept beside them, and why it is not told")

    @classmethod
    def of(cls, holding: Holding) -> Self:
        """Show a kind."""
        return cls(**_of_kind(holding))


class HeldOut(KindOut):
    """A kind of what is held, with how many rows there are and the newest of them."""

    count: int = Field(description="How many rows there are")
    newest: list[Row]
    all: str = Field(description="Where all of them are")

    @classmethod
    def of_held(cls, held: Held) -> Self:
        """Show how much of a kind there is."""
        return cls(
            **_of_kind(held.holding),
            count=held.count,
            newest=rows(held.newest),
            all=f"/v1/me/data/{held.holding.kind}",
        )


class DataOut(Out):
    """Everything that is held about a person."""

    person_id: UUID
    kinds: list[HeldOut]
    elsewhere: str = Field(description="What is outside the database")


class DataPageOut(KindOut):
    """Rows of one kind; `next` is the address of the page after, null on the last."""

    items: list[Row]
    next: str | None

    @classmethod
    def of_page(
        cls, holding: Holding, told: Sequence[Mapping[str, Any]], following: str | None
    ) -> Self:
        """Show a page."""
        return cls(**_of_kind(holding), items=rows(told), next=following)


class ExportOut(Out):
    """A copy of everything that is held about a person."""

    id: UUID
    state: ExportState
    reason: Reason | None = Field(description="Why it has failed; ask for another")
    rows_written: int = Field(
        description="How many rows were written; each is written twice, as JSON and as CSV"
    )
    rows_to_write: int | None = Field(
        description="How many there are to write; null until they were counted"
    )
    size_bytes: int | None = Field(
        description="How many bytes the file has; null until it is ready"
    )
    created_at: datetime
    ready_at: datetime | None
    expires_at: datetime = Field(description="When it is deleted")
    file: str | None = Field(description="Where it can be downloaded; null until it is ready")

    @classmethod
    def of(cls, export: Export) -> Self:
        """Show an export."""
        ready = export.state == ExportState.READY
        return cls(
            id=export.id,
            state=ExportState(export.state),
            reason=export.reason and Reason(export.reason),
            rows_written=export.rows_written,
            rows_to_write=export.rows_to_write,
            size_bytes=export.size_bytes,
            created_at=export.created_at,
            ready_at=export.ready_at,
            expires_at=export.expires_at,
            file=f"/v1/me/exports/{export.id}/file" if ready else None,
        )


class ErasureOut(Out):
    """How far an erasure has come; it does not say whose it is."""

    id: UUID
    state: Literal["under-way", "done"]
    asked_at: datetime
    done_at: datetime | None
    status: str = Field(description="Where this can be seen, without a token")

    @classmethod
    def of(cls, erasure: Erasure) -> Self:
        """Show an erasure."""
        return cls(
            id=erasure.id,
            state="under-way" if erasure.done_at is None else "done",
            asked_at=erasure.asked_at,
            done_at=erasure.done_at,
            status=f"/v1/erasures/{erasure.id}",
        )


def rows(told: Sequence[Mapping[str, Any]]) -> list[Row]:
    """Return rows as JSON has them."""
    return [to_jsonable_python(dict(row)) for row in told]


def _of_kind(holding: Holding) -> dict[str, Any]:
    return {
        "kind": holding.kind,
        "title": holding.title,
        "why": holding.why,
        "correction": holding.correction,
        "columns": holding.explained,
        "not_told": dict(holding.withheld),
    }
