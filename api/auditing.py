"""What the audit log is told of requests that need a right: what was done, and what was refused."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from fastapi import Request, Response
from fastapi.routing import APIRoute
from sqlalchemy.orm import Session

from geoservices.access.actors import Actor
from geoservices.access.rights import Right
from geoservices.audit import service as audit
from geoservices.database import at_the_end, transaction


@dataclass(frozen=True, slots=True)
class Asked:
    """That a request needs rights, and who makes it."""

    actor: Actor
    rights: list[Right]
    at: datetime


def note_at_the_end(
    session: Session,
    request: Request,
    response: Response,
    *,
    actor: Actor,
    right: Right,
    at: datetime,
) -> None:
    """Have the log told of a request: in its own transaction if it succeeds, and else as refused.

    Both are told when the answer is known, and before it is sent.
    """
    known: Asked | None = getattr(request.state, "asked", None)
    if known is not None:
        # A route that needs several rights is told of once.
        known.rights.append(right)
        return
    asked = request.state.asked = Asked(actor, [right], at)

    def note_what_was_done(session: Session) -> None:
        _note(session, request, asked, _status_of(request, response), _subjects(request, response))

    at_the_end(session, note_what_was_done)


def note_refusal(request: Request, status: int) -> None:
    """Tell the log that a member or a machine was refused, whose own transaction was taken back.

    Of citizens' devices it is not told: else anybody could fill the log with refused requests.
    """
    asked: Asked | None = getattr(request.state, "asked", None)
    if asked is not None and asked.actor.organisation_id is not None:
        with transaction(request.app.state.sessions) as session:
            _note(session, request, asked, status, _subjects(request, None))


def _note(
    session: Session, request: Request, asked: Asked, status: int, subjects: Iterator[str]
) -> None:
    audit.note(
        session,
        audit.act_of(
            asked.actor,
            _route_of(request).name,
            at=asked.at,
            rights=asked.rights,
            subjects=list(dict.fromkeys(subjects)),
            status=status,
        ),
    )


def _status_of(request: Request, response: Response) -> int:
    # Of a parameter the framework shows what was set on it, and None before that.
    told: int | None = response.status_code
    return told or _route_of(request).status_code or 200


def _subjects(request: Request, response: Response | None) -> Iterator[str]:
    """Yield what the request is about: what path and query name, and what it has made."""
    yield from _named(request.path_params)
    yield from _named(request.query_params)
    if response is not None:
        yield from _named(_made_at(response.headers.get("Location", "")))


def _named(parameters: Mapping[str, object]) -> Iterator[str]:
    for name, value in parameters.items():
        kind, _, rest = name.rpartition("_id")
        if kind and not rest:
            try:
                yield f"{kind.replace('_', '-')}:{UUID(str(value))}"
            except ValueError:
                continue


def _made_at(location: str) -> Mapping[str, object]:
    """Return what stands at an address of ours: `/v1/listings/1f…` is a listing's."""
    collection, _, id_ = location.rpartition("/")
    return {f"{collection.rpartition('/')[2].removesuffix('s')}_id": id_}


def _route_of(request: Request) -> APIRoute:
    route: APIRoute = request.scope["route"]
    return route
