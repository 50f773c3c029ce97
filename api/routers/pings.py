"""Pings: the door by which positions come in."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Body, Response
from pydantic import ValidationError

from api.bodies import StrictRoute
from api.dependencies import CommitterDep, SendingDevice, SettingsDep
from api.problems import InvalidRequest, faults_of, problem_responses
from api.schemas.pings import PingBatchIn, PingIn, PingsIn, PingsOut
from api.wire import FaultStruct, PingAnswer, answer, write
from geoservices import receiving
from geoservices.accounts.service import ConsentMissing
from geoservices.errors import ErrorKind, GeoservicesError
from geoservices.pings.screening import PingReport, Verdict
from geoservices.receiving import Sent

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


@router.post(
    "/pings",
    response_model=PingsOut,
    responses=problem_responses(BatchTooLarge, ConsentMissing),
)
async def record_pings(
    body: Annotated[PingsIn, Body()],
    device: SendingDevice,
    committer: CommitterDep,
    settings: SettingsDep,
) -> Response:
    """Take in one position or a batch, in any order.

    Each ping gets its own verdict, and a bad one harms no other. Sending a ping again with the
    same id and time is safe. The answer goes out when everything is stored.
    """
    reports, faulty = _read(body, limit=settings.intake.max_batch)
    intake = await committer.take_in(Sent(token_hash=device.token_hash, pings=reports))
    told = answer(reports, intake, doors=receiving.doors(settings))
    for index, unread in sorted(faulty.items()):
        told.pings.insert(index, unread)
    for index, one in enumerate(told.pings):
        one.index = index
    return Response(write(told), media_type="application/json")


def _read(
    body: PingIn | PingBatchIn, *, limit: int
) -> tuple[list[PingReport], dict[int, PingAnswer]]:
    """Read each ping of a batch by itself; those that cannot be read are answered."""
    if isinstance(body, PingIn):
        return [body.to_report()], {}
    if len(body.pings) > limit:
        raise BatchTooLarge(sent=len(body.pings), limit=limit)
    reports: list[PingReport] = []
    faulty: dict[int, PingAnswer] = {}
    for index, raw in enumerate(body.pings):
        try:
            reports.append(PingIn.model_validate(raw).to_report())
        except ValidationError as error:
            faults = faults_of(error.errors(include_input=False, include_url=False))
            faulty[index] = PingAnswer(
                index=index,
                id=_id_of(raw),
                verdict=Verdict.REFUSED,
                faults=[
                    FaultStruct(
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
