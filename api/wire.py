"""Pings and their answers as bytes, read and written in one go.

What is read here is exactly what `schemas.pings` takes: anything less ordinary is left to it, and
so is finding words for what is wrong.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
import numpy as np
from msgspec import UNSET, Meta, Struct, UnsetType

from api.schemas.common import MAX_ACCURACY_M
from geoservices.clock import microseconds
from geoservices.pings.columns import Numbers, Pings, id_column
from geoservices.pings.screening import Doors, Verdict, refusal_of
from geoservices.pings.service import VERDICTS
from geoservices.pipeline import Intake
from geoservices.visits.service import Made

HEADING_LIMIT_DEG = 360


class PingStruct(Struct, forbid_unknown_fields=True, gc=False):
    """One ping."""

    id: UUID
    recorded_at: Annotated[datetime, Meta(tz=True)]
    lon: Annotated[float, Meta(ge=-180, le=180)]
    lat: Annotated[float, Meta(ge=-90, le=90)]
    accuracy_m: Annotated[float, Meta(le=MAX_ACCURACY_M)] | UnsetType | None = UNSET
    speed_mps: float | UnsetType | None = UNSET
    heading_deg: Annotated[float, Meta(le=HEADING_LIMIT_DEG)] | UnsetType | None = UNSET


class BatchStruct(Struct, forbid_unknown_fields=True, gc=False):
    """A batch of them."""

    pings: Annotated[list[PingStruct], Meta(min_length=1)]


class FaultStruct(Struct):
    """Why a ping was not stored."""

    code: str
    detail: str
    field: str


class PingAnswer(Struct):
    """What became of one ping."""

    index: int
    id: UUID | None
    verdict: Verdict
    faults: Sequence[FaultStruct] = ()


class TransitionAnswer(Struct):
    """A transition."""

    id: UUID
    visit_id: UUID | None
    geofence_id: UUID
    place_id: UUID
    kind: str
    reason: str
    confidence: int
    initial: bool
    occurred_at: datetime


class PingsAnswer(Struct):
    """What became of a request with pings."""

    pings: list[PingAnswer]
    transitions: list[TransitionAnswer]


read_one = msgspec.json.Decoder(PingStruct).decode
read_batch = msgspec.json.Decoder(BatchStruct).decode
write = msgspec.json.Encoder().encode


def read_pings(body: bytes) -> tuple[list[UUID], Pings] | None:
    """Read an ordinary body with one ping or a batch; None for any that is not.

    Returns:
        The ids, and the pings as columns.
    """
    try:
        is_batch = b'"pings"' in body
        pings = read_batch(body).pings if is_batch else [read_one(body)]
    except (msgspec.MsgspecError, ValueError):
        return None
    accuracy_m = [ping.accuracy_m for ping in pings]
    speed_mps = [ping.speed_mps for ping in pings]
    heading_deg = [ping.heading_deg for ping in pings]
    unset = sum(column.count(UNSET) for column in (accuracy_m, speed_mps, heading_deg))
    # Each member's name takes two quotation marks, and so do the values of two of them. There are
    # more of them only where a member occurs twice, which two readers may understand differently.
    names = len(PingStruct.__struct_fields__) + 2
    if body.count(b'"') != 2 * (names * len(pings) - unset + is_batch):
        return None
    ids = [ping.id for ping in pings]
    return ids, Pings(
        ids=id_column(ids),
        recorded_at=np.rint(
            np.array([ping.recorded_at.timestamp() for ping in pings]) * 1e6
        ).astype(np.int64),
        lon=np.array([ping.lon for ping in pings], dtype=float),
        lat=np.array([ping.lat for ping in pings], dtype=float),
        accuracy_m=_known(accuracy_m, above=0.0),
        speed_mps=_known(speed_mps),
        heading_deg=_known(heading_deg),
    )


def answer(ids: Sequence[UUID], pings: Pings, intake: Intake, *, doors: Doors) -> PingsAnswer:
    """Return what is answered to pings that could be read."""
    verdicts = intake.verdicts.tolist()
    answers = [
        PingAnswer(index, id_, VERDICTS[verdict])
        for index, (id_, verdict) in enumerate(zip(ids, verdicts, strict=True))
    ]
    for index in np.flatnonzero(intake.refusals).tolist():
        refusal = refusal_of(
            int(intake.refusals[index]),
            int(pings.recorded_at[index]),
            doors=doors,
            at_us=microseconds(intake.at),
        )
        answers[index].faults = [FaultStruct(refusal.code, str(refusal), refusal.field or "")]
    return PingsAnswer(answers, [_transition(made) for made in intake.transitions])


def _transition(made: Made) -> TransitionAnswer:
    return TransitionAnswer(
        id=made.id,
        visit_id=made.visit.id,
        geofence_id=made.visit.geofence_id,
        place_id=made.visit.place_id,
        kind=made.change.kind,
        reason=made.change.reason,
        confidence=made.change.confidence,
        initial=made.initial,
        occurred_at=made.change.at,
    )


def _known(column: Sequence[float | UnsetType | None], *, above: float | None = None) -> Numbers:
    """Return a column with NaN for what the phone did not say, or said to mean unknown."""
    numbers = np.array([None if value is UNSET else value for value in column], dtype=float)
    unknown = numbers < 0.0 if above is None else numbers <= above
    numbers[unknown] = np.nan
    return numbers
