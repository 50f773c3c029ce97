"""Pings: the door by which positions come in."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Body
from pydantic import ValidationError

from api.bodies import StrictRoute
from api.dependencies import CurrentDevice, LiveDep, Now, SessionDep, SettingsDep
from api.problems import InvalidRequest, faults_of, problem_responses
from api.schemas.pings import (
    PingBatchIn,
    PingFault,
    PingIn,
    PingOut,
    PingsIn,
    PingsOut,
    TransitionOut,
)
from geoservices import pipeline
from geoservices.accounts.service import ConsentMissing
from geoservices.errors import ErrorKind, GeoservicesError
from geoservices.pings.screening import PingReport, Verdict
from geoservices.pings.service import Recorded
from geoservices.visits.service import Made

router = APIRouter(tags=["pings"], route_class=StrictRoute)


class BatchTooLarge(GeoservicesError):
    """More pings than one request may carry; none was stored."""

    kind = ErrorKind.INVALID
    code = "batch-too-large"
    title = "Too many pings in one request"

    def __init__(self, *, sent: int, limit: int) -> None:
        super().__init__(
            f"{sent} pings were sent, {limit} are taken at once. None was stored; split the batch.",
            field="/pings",
        )


@router.post("/pings", responses=problem_responses(BatchTooLarge, ConsentMissing))
def record_pings(
    body: Annotated[PingsIn, Body()],
    device: CurrentDevice,
    session: SessionDep,
    live: LiveDep,
    settings: SettingsDep,
    at: Now,
) -> PingsOut:
    """Take in one position or a batch, in any order.

    Each ping gets its own verdict, and a bad one harms no other. Sending a ping again with the
    same id and time is safe. The answer goes out when everything is stored.
    """
    if isinstance(body, PingIn):
        return _take_in([body.to_report()], {}, device, session, live, settings, at)
    if len(body.pings) > settings.intake.max_batch:
        raise BatchTooLarge(sent=len(body.pings), limit=settings.intake.max_batch)
    reports, faulty = _read(body)
    return _take_in(reports, faulty, device, session, live, settings, at)


def _take_in(
    reports: list[PingReport],
    faulty: dict[int, PingOut],
    device: CurrentDevice,
    session: SessionDep,
    live: LiveDep,
    settings: SettingsDep,
    at: Now,
) -> PingsOut:
    intake = pipeline.take_in_from(session, device, reports, live=live, settings=settings, at=at)
    readable = iter(intake.pings)
    return PingsOut(
        pings=[
            faulty[index] if index in faulty else _ping(index, next(readable))
            for index in range(len(reports) + len(faulty))
        ],
        transitions=[_transition(made) for made in intake.transitions],
    )


def _read(body: PingBatchIn) -> tuple[list[PingReport], dict[int, PingOut]]:
    reports: list[PingReport] = []
    faulty: dict[int, PingOut] = {}
    for index, raw in enumerate(body.pings):
        try:
            reports.append(PingIn.model_validate(raw).to_report())
        except ValidationError as error:
            faults = faults_of(error.errors(include_input=False, include_url=False))
            faulty[index] = PingOut(
                index=index,
                id=_id_of(raw),
                verdict=Verdict.REFUSED,
                faults=[
                    PingFault(
                        code=InvalidRequest.code,
                        detail=str(fault["detail"]),
                        field=str(fault["field"]),
                    )
                    for fault in faults
                ],
            )
    return reports, faulty


def _id_of(raw: object) -> UUID | None:
    try:
        return UUID(str(raw["id"])) if isinstance(raw, dict) and "id" in raw else None
    except ValueError:
        return None


def _ping(index: int, recorded: Recorded) -> PingOut:
    refusal = recorded.refusal
    return PingOut(
        index=index,
        id=recorded.report.id,
        verdict=recorded.verdict,
        faults=[PingFault(code=refusal.code, detail=str(refusal), field=refusal.field or "")]
        if refusal
        else [],
    )


def _transition(made: Made) -> TransitionOut:
    return TransitionOut(
        id=made.id,
        visit_id=made.visit.id,
        geofence_id=made.visit.geofence_id,
        place_id=made.visit.place_id,
        kind=made.change.kind.value,
        reason=made.change.reason,
        confidence=made.change.confidence,
        initial=made.initial,
        occurred_at=made.change.at,
    )
