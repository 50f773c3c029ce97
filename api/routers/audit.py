"""Who read or changed what in the organisation, for its auditors and whoever asks them."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import StreamingResponse

from api.bodies import StrictRoute
from api.dependencies import Needs, Now, SessionDep
from api.pagination import Cursor, Limit, Page, decode, next_address, numbered
from api.schemas.audit import AuditEntryOut, RedactedEntryOut, read_period, read_wanted
from geoservices.access.actors import Grant
from geoservices.access.rights import Right
from geoservices.audit import service
from geoservices.audit.exporting import ExportFormat
from geoservices.audit.queries import Wanted

router = APIRouter(tags=["audit"], route_class=StrictRoute)

Reading = Annotated[Grant, Depends(Needs(Right.AUDIT_READ))]
MEDIA_TYPES = {ExportFormat.CSV: "text/csv; charset=utf-8", ExportFormat.JSON: "application/json"}


@router.get("/audit")
def list_audit_entries(
    request: Request,
    grant: Reading,
    session: SessionDep,
    wanted: Annotated[Wanted, Depends(read_wanted)],
    cursor: Cursor,
    limit: Limit = 50,
) -> Page[AuditEntryOut]:
    """See who read or changed what, newest first; that you do so is written down as well."""
    before = None if cursor is None else decode(cursor, numbered)[0]
    entries = service.page(
        session, grant.organisation_id, before=before, limit=limit + 1, wanted=wanted
    )
    return Page(
        items=[AuditEntryOut.of(entry) for entry in entries[:limit]],
        next=next_address(request, entries, limit, lambda entry: (entry.number,)),
    )


@router.get(
    "/audit/export",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "The file, oldest entries first.",
            "content": {"text/csv": {}, "application/json": {}},
            "headers": {
                "Content-Disposition": {
                    "description": "The name to save it under, with the day on which it was made.",
                    "schema": {"type": "string"},
                }
            },
            "model": list[RedactedEntryOut],
        }
    },
)
def export_audit(
    request: Request,
    grant: Reading,
    wanted: Annotated[Wanted, Depends(read_period)],
    at: Now,
    as_: Annotated[ExportFormat, Query(alias="format")] = ExportFormat.CSV,
) -> StreamingResponse:
    """Get the log to answer a request for information with: what was done, without by whom.

    People are numbered anew in each file, and instants are told to the minute.
    """
    text = service.export(request.app.state.sessions, grant.organisation_id, wanted, as_)
    name = f"audit-{at:%Y-%m-%d}.{as_}"
    return StreamingResponse(
        text,
        media_type=MEDIA_TYPES[as_],
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
