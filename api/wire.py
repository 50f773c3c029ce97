"""Pings and their answers as bytes, read and written in one go.

What is read here is exactly what `schemas.pings` takes: anything less ordinary is left to it, and
so is finding words for what is wrong.
"""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, Struct

from api.schemas.common import MAX_ACCURACY_M
from api.schemas.pings import MAX_HEADING_DEG, MAX_SPEED_MPS
from geoservices.instants import microseconds
from geoservices.pings.columns import Reported
from geoservices.pings.screening import Doors, Verdict, refusal_of
from geoservices.pings.service import VERDICTS
from geoservices.receiving import Intake
from geoservices.visits.stays import Made

FINER = re.compile(rb"\.\d{7,}[Zz+-]")
LAST_YEAR = 9999


# What a ping does not say is UNSET as it is read, and None when `read_pings` returns it.
ABSENT: Any = UNSET


class PingStruct(Struct, forbid_unknown_fields=True, gc=False):
    """One ping."""

    id: UUID
    recorded_at: Annotated[datetime, Meta(tz=True)]
    lon: Annotated[float, Meta(ge=-180, le=180)]
    lat: Annotated[float, Meta(ge=-90, le=90)]
    accuracy_m: Annotated[float, Meta(le=MAX_ACCURACY_M)] | None = ABSENT
    speed_mps: Annotated[float, Meta(le=MAX_SPEED_MPS)] | None = ABSENT
    heading_deg: Annotated[float, Meta(le=MAX_HEADING_DEG)] | None = ABSENT


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


def read_pings(body: bytes) -> list[PingStruct] | None:
    """Read an ordinary body with one ping or a batch; None for any that is not."""
    is_batch = b'"pings"' in body
    try:
        pings = read_batch(body).pings if is_batch else [read_one(body)]
    except (msgspec.MsgspecError, ValueError):
        return None
    unsaid = sum(_leave_out_unsaid(ping) for ping in pings)
    members = len(pings) * len(PingStruct.__struct_fields__) - unsaid
    # Each member's name has two quotation marks, and so have two of its values. There are more
    # only where a member occurs twice, which two readers may understand differently.
    if body.count(b'"') != 2 * (members + 2 * len(pings) + is_batch):
        return None
    # What is finer than a microsecond, and the first and the last year, are read differently.
    if FINER.search(body) or not all(1 < ping.recorded_at.year < LAST_YEAR for ping in pings):
        return None
    return pings


def _leave_out_unsaid(ping: PingStruct) -> int:
    """Make None of what a ping does not say; return of how much that is so."""
    unsaid = 0
    if ping.accuracy_m is ABSENT:
        ping.accuracy_m = None
        unsaid = 1
    if ping.speed_mps is ABSENT:
        ping.speed_mps = None
        unsaid += 1
    if ping.heading_deg is ABSENT:
        ping.heading_deg = None
        unsaid += 1
    return unsaid


def answer(pings: Sequence[Reported], intake: Intake, *, doors: Doors) -> PingsAnswer:
    """Return what is answered to pings that could be read."""
    answers = [
        PingAnswer(index, ping.id, VERDICTS[verdict])
        for index, (ping, verdict) in enumerate(zip(pings, intake.verdicts, strict=True))
    ]
    if any(intake.refusals):
        for ping, told, number in zip(pings, answers, intake.refusals, strict=True):
            if number:
                told.faults = [_fault(number, ping, intake, doors)]
    return PingsAnswer(answers, [_transition(made) for made in intake.transitions])


def _fault(number: int, ping: Reported, intake: Intake, doors: Doors) -> FaultStruct:
    refusal = refusal_of(
        number, microseconds(ping.recorded_at), doors=doors, at_us=microseconds(intake.at)
    )
    return FaultStruct(refusal.code, str(refusal), refusal.field or "")


def _transition(made: Made) -> TransitionAnswer:
    return TransitionAnswer(
        id=made.id,
        visit_id=made.visit_id,
        geofence_id=made.geofence_id,
        place_id=made.place_id,
        kind=made.change.kind,
        reason=made.change.reason,
        confidence=made.change.confidence,
        initial=made.initial,
        occurred_at=made.change.at,
    )
