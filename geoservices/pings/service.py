"""Pings recorded: each judged by itself, stored once, and followed in order of time."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from geoservices.errors import GeoservicesError
from geoservices.geometry.position import Position
from geoservices.pings import queries
from geoservices.pings.screening import Doors, PingReport, Verdict, judge


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """One ping and what became of it; `first` if nothing was known of its device before."""

    device_id: UUID
    report: PingReport
    verdict: Verdict
    refusal: GeoservicesError | None = None
    first: bool = False


def record(
    session: Session,
    reports: Sequence[tuple[UUID, PingReport]],
    *,
    doors: Doors,
    looks_swapped: Callable[[Position], bool],
    at: datetime,
) -> list[Recorded]:
    """Store pings of any number of devices, in a handful of statements.

    Args:
        session: Its transaction holds the devices' rows.
        reports: Each ping with the device that sent it.
        doors: How far a clock may be off.
        looks_swapped: Tells of a position whose numbers look exchanged.
        at: When they arrived.

    Returns:
        Each ping in the order given, with its verdict.
    """
    refusals = [
        judge(report, doors=doors, looks_swapped=looks_swapped(report.position), at=at)
        for _device_id, report in reports
    ]
    let_in: dict[queries.Key, tuple[UUID, PingReport]] = {}
    for (device_id, report), refusal in zip(reports, refusals, strict=True):
        if refusal is None:
            let_in.setdefault((device_id, report.recorded_at, report.id), (device_id, report))
    new = queries.insert_new(
        session, [_row(device_id, report, at) for device_id, report in let_in.values()]
    )
    follow = _to_follow(new, queries.last_seen(session, {device_id for device_id, _ in reports}))
    _remember(session, [let_in[key] for key in follow])
    recorded: list[Recorded] = []
    for (device_id, report), refusal in zip(reports, refusals, strict=True):
        key = (device_id, report.recorded_at, report.id)
        recorded.append(
            Recorded(
                device_id=device_id,
                report=report,
                verdict=_verdict(key, refusal, new, follow),
                refusal=refusal,
                first=follow.get(key, False),
            )
        )
        new.discard(key)  # The same ping further on in the batch repeats this one.
    return recorded


def turn_away(
    device_id: UUID,
    reports: Sequence[PingReport],
    *,
    doors: Doors,
    looks_swapped: Callable[[Position], bool],
    at: datetime,
) -> list[Recorded]:
    """Judge the pings of a device that shares places only, and keep none of them.

    Args:
        device_id: Whose they are.
        reports: The pings.
        doors: How far a clock may be off.
        looks_swapped: Tells of a position whose numbers look exchanged.
        at: When they arrived.
    """
    refusals = [
        judge(report, doors=doors, looks_swapped=looks_swapped(report.position), at=at)
        for report in reports
    ]
    return [
        Recorded(
            device_id=device_id,
            report=report,
            verdict=Verdict.REFUSED if refusal else Verdict.NOT_KEPT,
            refusal=refusal,
        )
        for report, refusal in zip(reports, refusals, strict=True)
    ]


def in_order(recorded: Iterable[Recorded]) -> list[Recorded]:
    """Return the accepted pings in order of time, ready to be followed."""
    accepted = [one for one in recorded if one.verdict is Verdict.ACCEPTED]
    return sorted(accepted, key=lambda one: one.report.recorded_at)


def _to_follow(new: set[queries.Key], last_seen: dict[UUID, datetime]) -> dict[queries.Key, bool]:
    """Pick the pings newer than all before, in order of time; True marks a device's very first."""
    up_to = dict(last_seen)
    follow: dict[queries.Key, bool] = {}
    for key in sorted(new, key=lambda key: (key[1], key[2])):
        device_id, recorded_at, _id = key
        newest = up_to.get(device_id)
        if newest is None or recorded_at > newest:
            follow[key] = newest is None
            up_to[device_id] = recorded_at
    return follow


def _verdict(
    key: queries.Key,
    refusal: GeoservicesError | None,
    new: set[queries.Key],
    follow: dict[queries.Key, bool],
) -> Verdict:
    if refusal is not None:
        return Verdict.REFUSED
    if key not in new:
        return Verdict.REPEATED
    return Verdict.ACCEPTED if key in follow else Verdict.LATE


def _row(device_id: UUID, report: PingReport, at: datetime) -> dict[str, object]:
    return {
        "device_id": device_id,
        "recorded_at": report.recorded_at,
        "id": report.id,
        "received_at": at,
        "lon": report.position.lon,
        "lat": report.position.lat,
        "accuracy_m": report.position.accuracy_m,
        "speed_mps": report.speed_mps,
        "heading_deg": report.heading_deg,
    }


def _remember(session: Session, followed: Sequence[tuple[UUID, PingReport]]) -> None:
    newest = {device_id: report.recorded_at for device_id, report in followed}
    queries.save_last_seen(session, newest)
