"""What people can do about what is held about them: see it, keep a copy, have it erased."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse
from sqlalchemy.orm import Session

from api import cookies
from api.bodies import StrictRoute
from api.dependencies import (
    CallerDep,
    CurrentPerson,
    LimiterDep,
    Now,
    SessionDep,
    SettingsDep,
    WideSession,
)
from api.pagination import Cursor, Limit, aware, decode, next_address, storable
from api.problems import problem_responses
from api.responses import ZipResponse
from api.schemas.me import DataOut, DataPageOut, ErasureOut, ExportOut, HeldOut
from geoservices.access.actors import Actor
from geoservices.accounts.admins import LastAdmin
from geoservices.accounts.models import SignIn
from geoservices.audit import service as audit
from geoservices.erasures import service as erasures
from geoservices.erasures.service import SignInAgain
from geoservices.errors import NotFound
from geoservices.exports import queries as export_queries
from geoservices.exports import service as exports
from geoservices.exports.service import ExportNotReady
from geoservices.holdings import queries, service
from geoservices.holdings.inventory import Holding

router = APIRouter(tags=["me"], route_class=StrictRoute)

Confirmation = Annotated[
    Literal["erase-everything"],
    Query(description="Has to be said, so that it happens to nobody by a slip"),
]
ELSEWHERE = (
    "Logs hold neither positions nor names nor addresses; numbers in them lead nowhere once you "
    "are erased. Backups hold what was there when they were made, until they are deleted in turn; "
    "after a restore, whoever was erased is erased again. What your browser has already shown, and "
    "what a push service or a mail server has already taken, we cannot call back."
)


@router.get("/me/data")
def read_my_data(person: CurrentPerson, session: SessionDep) -> DataOut:
    """See everything that is held about the caller, kind by kind, with the newest of each."""
    return DataOut(
        person_id=person.id,
        kinds=[HeldOut.of_held(held) for held in service.overview(session, person.id)],
        elsewhere=ELSEWHERE,
    )


@router.get("/me/data/{kind}", responses=problem_responses(NotFound))
def list_my_data(
    request: Request,
    kind: str,
    person: CurrentPerson,
    session: SessionDep,
    cursor: Cursor,
    limit: Limit = 50,
) -> DataPageOut:
    """See all rows of one kind that is held about the caller, newest first."""
    holding = service.kind_named(kind)
    rows = queries.page(
        session, holding, person.id, after=_key(holding, kind, cursor), limit=limit + 1
    )
    following = next_address(request, rows, limit, lambda row: (kind, *map(_text, row[1])))
    return DataPageOut.of_page(holding, [told for told, _key in rows[:limit]], following)


@router.post("/me/exports", status_code=202)
def ask_for_export(
    caller: CallerDep,
    person: CurrentPerson,
    session: SessionDep,
    settings: SettingsDep,
    limiter: LimiterDep,
    at: Now,
) -> ExportOut:
    """Have a copy made of everything that is held about the caller: a zip with JSON and CSV.

    While one is being made, asking again gives the same one.
    """
    export = exports.ask_for(session, person.id, rights=settings.rights, limiter=limiter, at=at)
    _note(session, caller.actor, "ask_for_export", "export", export.id)
    return ExportOut.of(export)


@router.get("/me/exports")
def list_exports(person: CurrentPerson, session: SessionDep) -> list[ExportOut]:
    """See the caller's copies, newest first."""
    return [ExportOut.of(export) for export in export_queries.exports_of(session, person.id)]


@router.get("/me/exports/{export_id}", responses=problem_responses(NotFound))
def read_export(export_id: UUID, person: CurrentPerson, session: SessionDep) -> ExportOut:
    """See how far a copy has come."""
    return ExportOut.of(exports.get_export(session, export_id, person_id=person.id))


@router.get(
    "/me/exports/{export_id}/file",
    response_class=ZipResponse,
    responses=problem_responses(ExportNotReady, NotFound),
)
def download_export(
    request: Request,
    export_id: UUID,
    caller: CallerDep,
    person: CurrentPerson,
    session: SessionDep,
) -> StreamingResponse:
    """Download a copy."""
    export = exports.get_ready(session, export_id, person_id=person.id)
    _note(session, caller.actor, "download_export", "export", export.id)
    parts = exports.read_file(request.app.state.sessions, export.id, person_id=person.id)
    return ZipResponse(
        parts, name=f"my-data-{export.created_at:%Y-%m-%d}.zip", size=export.size_bytes
    )


@router.delete("/me", status_code=202, responses=problem_responses(LastAdmin, SignInAgain))
def erase_me(
    confirm: Confirmation,
    caller: CallerDep,
    person: CurrentPerson,
    session: SessionDep,
    settings: SettingsDep,
    response: Response,
    at: Now,
) -> ErasureOut:
    """Have everything about the caller erased, for good.

    From the answer on every token of theirs is refused and nothing is processed. The rows go
    within seconds; `status` says when that is done, to whoever knows the address. A member must
    have signed in within the last ten minutes, and not be the last admin of their organisation.
    """
    sign_in = session.get(SignIn, caller.actor.sign_in_id) if caller.actor.sign_in_id else None
    erasure = erasures.erase_oneself(session, person, sign_in, settings=settings, at=at)
    asked = ErasureOut.of(erasure)
    _note(session, caller.actor, "erase_me", "person", person.id)
    cookies.drop_device(response, settings)
    cookies.drop_member(response, settings)
    return asked


@router.get("/erasures/{erasure_id}", responses=problem_responses(NotFound))
def read_erasure(erasure_id: UUID, session: WideSession) -> ErasureOut:
    """See how far an erasure has come; its address is known to whoever asked for it alone."""
    return ErasureOut.of(erasures.get_erasure(session, erasure_id))


def _note(session: Session, actor: Actor, action: str, subject_kind: str, id_: UUID) -> None:
    """Tell the audit log of what a member does; of citizens it holds nothing."""
    if actor.organisation_id is not None:
        audit.record(session, actor, action, subject_kind, id_)


def _key(holding: Holding, kind: str, cursor: Cursor) -> tuple[Any, ...] | None:
    if cursor is None:
        return None
    columns = [holding.source.c[name].type.python_type for name in holding.order]
    _kind, *key = decode(cursor, _only(kind), *(READ[column] for column in columns))
    return tuple(key)


READ: Mapping[type, Any] = {
    datetime: aware,
    UUID: UUID,
    int: int,
    str: storable,
    bytes: bytes.fromhex,
}
"""How the values of a key are read back from a cursor."""


def _text(value: object) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)


def _only(kind: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text != kind:
            raise ValueError("a cursor of another kind")
        return text

    return read
