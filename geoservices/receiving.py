"""What phones send taken in: positions, and what they tell of places themselves."""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import accumulate, pairwise
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from geoservices import outbox
from geoservices.accounts import queries as accounts
from geoservices.accounts import service as consents
from geoservices.accounts.consents import PASSIVE
from geoservices.accounts.models import Device
from geoservices.accounts.queries import HeldDevice
from geoservices.errors import GeoservicesError, Unauthenticated
from geoservices.geofences import queries as geofences
from geoservices.geofences.index import GeofenceIndex
from geoservices.geofences.live import LiveGeofences
from geoservices.pings import queries as pings
from geoservices.pings import service as ping_service
from geoservices.pings.columns import Indices, Pings, Reported
from geoservices.pings.screening import (
    LOOKS_SWAPPED,
    OFF_DUTY,
    Doors,
    OutsideWorkingHours,
    judge_time,
)
from geoservices.scopes import everywhere
from geoservices.settings.service import Settings
from geoservices.shifts import queries as shifts
from geoservices.shifts.windows import Week, bounds_us, is_within, standing
from geoservices.trips import together
from geoservices.visits import queries as visits
from geoservices.visits import service as visit_service
from geoservices.visits.queries import VisitRow
from geoservices.visits.stays import Made
from geoservices.visits.telling import Telling, follow_told


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """One request with pings, and the hash of the device's token that came with it."""

    token_hash: bytes
    pings: Sequence[Reported]


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """What came of one request: each ping in the order given, and the transitions they caused."""

    at: datetime
    """When it arrived."""
    verdicts: list[int]
    """For each ping its place in `pings.service.VERDICTS`."""
    refusals: list[int]
    """For each ping what `pings.screening.judge` returned."""
    transitions: list[Made] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What came of tellings: the transitions, and why some were turned away."""

    transitions: list[Made]
    refusals: list[GeoservicesError]


def take_in(
    session: Session,
    sent: Sequence[Sent],
    *,
    live: LiveGeofences,
    settings: Settings,
    at: datetime,
    commit: bool = False,
) -> list[Intake | GeoservicesError]:
    """Take in any number of requests at once: screen, store, match, follow, announce.

    A handful of statements, however many requests and pings. Each request is answered by itself:
    one that is refused harms no other. So is each ping: the same one twice is stored and followed
    once; one older than what was followed already is stored and changes nothing.

    Args:
        session: Everything happens in its transaction; the caller commits before it answers.
        sent: The requests, in the order in which they arrived.
        live: The geofences.
        settings: The service's.
        at: When they arrived.
        commit: Whether nothing else belongs to the transaction, so that it is committed at once.

    Returns:
        For each request what came of it, or why nothing of it was stored: `Unauthenticated` or
        `ConsentMissing`.
    """
    devices = accounts.hold_senders(session, {one.token_hash for one in sent})
    place_of = {device.token_hash: at for at, device in enumerate(devices)}
    senders = [place_of.get(one.token_hash) for one in sent]
    parts = [
        (sender, one.pings) for sender, one in zip(senders, sent, strict=True) if sender is not None
    ]
    done = _take_in(session, devices, parts, live=live, settings=settings, at=at, commit=commit)
    taken = iter(done)
    return [Unauthenticated() if sender is None else next(taken) for sender in senders]


def take_in_from(
    session: Session,
    device: Device,
    reports: Sequence[Reported],
    *,
    live: LiveGeofences,
    settings: Settings,
    at: datetime,
) -> Intake:
    """Take in one device's pings, if its person agreed to be located.

    Raises:
        ConsentMissing: They did not; nothing is stored.
    """
    # Whether a place is sensitive is asked with its row held, which its own members alone may do.
    with everywhere(session):
        devices = accounts.hold_devices(session, [device.id])
        parts: Parts = [(0, reports)]
        [taken] = _take_in(session, devices, parts, live=live, settings=settings, at=at)
    if isinstance(taken, GeoservicesError):
        raise taken
    return taken


Parts = Sequence[tuple[int, Sequence[Reported]]]
"""Pings, each part with its device's place among those that are held."""


def _take_in(
    session: Session,
    devices: Sequence[HeldDevice],
    parts: Parts,
    *,
    live: LiveGeofences,
    settings: Settings,
    at: datetime,
    commit: bool = False,
) -> list[Intake | GeoservicesError]:
    """Take in the pings of held devices."""
    if not parts:
        return []
    # Asked with the rows held: a withdrawal either comes later and deletes what is stored here,
    # or came before and is seen.
    with together(session):
        located = shifts.who_is_located(session, {device.person_id for device in devices})
        revision = geofences.ask_revision(session)
        there = visits.open_visits(session, [device.id for device in devices])
    weeks, open_visits = located(), there()
    index = live.current(session, revision())
    welcome = [devices[sender].person_id in weeks for sender, _pings in parts]
    let_in = [part for part, is_welcome in zip(parts, welcome, strict=True) if is_welcome]
    taken: Iterator[Intake] = iter(())
    if let_in:
        with together(session, commit=commit):
            done = _record_and_follow(
                session, devices, let_in, open_visits, index, weeks, settings, at
            )
        taken = iter(done)
    return [
        next(taken) if is_welcome else consents.ConsentMissing(PASSIVE) for is_welcome in welcome
    ]


def _record_and_follow(
    session: Session,
    devices: Sequence[HeldDevice],
    parts: Parts,
    open_visits: Sequence[VisitRow],
    index: GeofenceIndex,
    weeks: Mapping[UUID, Week | None],
    settings: Settings,
    at: datetime,
) -> list[Intake]:
    pings = Pings.of([report for _sender, part in parts for report in part])
    sizes = [len(part) for _sender, part in parts]
    senders = np.repeat(np.array([sender for sender, _part in parts], dtype=np.intp), sizes)
    recorded = ping_service.record(
        session,
        pings,
        senders,
        devices,
        doors=doors(settings),
        presence=settings.presence,
        beforehand=_beforehand(
            pings, senders, index, [weeks.get(one.person_id) for one in devices], at
        ),
        at=at,
    )
    made = visit_service.follow(
        session,
        devices,
        recorded.sightings,
        open_visits,
        index=index,
        presence=settings.presence,
        at=at,
    )
    announce(session, made)
    begins = list(accumulate(sizes, initial=0))
    by_part: list[list[Made]] = [[] for _ in parts]
    for one in made:
        if one.ping is not None:
            by_part[bisect_right(begins, one.ping) - 1].append(one)
    verdicts, refusals = recorded.verdicts.tolist(), recorded.refusals.tolist()
    return [
        Intake(
            at=at,
            verdicts=verdicts[begin:end],
            refusals=refusals[begin:end],
            transitions=transitions,
        )
        for (begin, end), transitions in zip(pairwise(begins), by_part, strict=True)
    ]


def _beforehand(
    pings: Pings,
    senders: Indices,
    index: GeofenceIndex,
    weeks: Sequence[Week | None],
    at: datetime,
) -> NDArray[np.uint8]:
    """Say what speaks against pings: where they are, or that they are from outside working hours.

    Args:
        pings: Shape (n,).
        senders: Each ping's device by its number, shape (n,).
        index: The geofences.
        weeks: Each device's working hours; None where it is located whenever it sends.
        at: When they arrived.

    Returns:
        As `screening.judge` takes it, shape (n,).
    """
    swapped = index.looks_swapped(pings.lon, pings.lat)
    found = np.where(swapped, LOOKS_SWAPPED, 0).astype(np.uint8)
    for sender, week in enumerate(weeks):
        if week is not None:
            theirs = np.flatnonzero(senders == sender)
            at_work = is_within(bounds_us(week, at), pings.recorded_at[theirs])
            found[theirs[~at_work]] = OFF_DUTY
    return found


def hear(
    session: Session,
    device: Device,
    tellings: Sequence[Telling],
    *,
    live: LiveGeofences,
    settings: Settings,
    at: datetime,
) -> Heard:
    """Take in what a phone itself tells of its comings and goings, if its person agreed.

    Told in any order and any number of times, each changes something at most once.

    Raises:
        ConsentMissing: They did not agree to be located; nothing is stored.
    """
    [held] = accounts.hold_devices(session, [device.id])
    weeks = shifts.who_is_located(session, [device.person_id])()
    if device.person_id not in weeks:
        raise consents.ConsentMissing(PASSIVE)
    week = weeks[device.person_id]
    judged = [(one, _judge_telling(one, week, settings, at)) for one in tellings]
    let_in = [one for one, refusal in judged if refusal is None]
    # As in `take_in_from`.
    with everywhere(session):
        made = follow_told(
            session,
            held,
            let_in,
            index=live.current(session),
            presence=settings.presence,
            at=at,
        )
    newest = max((one.at for one in let_in), default=None)
    if newest is not None and (held.followed_until is None or newest > held.followed_until):
        if held.followed_until is not None:
            visits.settle_seen(session, device.id, followed_until=held.followed_until)
        # A position from before it is late from now on, and cannot contradict it.
        pings.follow_until(session, device.id, until=newest)
    announce(session, made)
    refusals = [refusal for _one, refusal in judged if refusal is not None]
    return Heard(transitions=made, refusals=refusals)


def _judge_telling(
    told: Telling, week: Week | None, settings: Settings, at: datetime
) -> GeoservicesError | None:
    if week is not None and not standing(week, told.at).now:
        return OutsideWorkingHours()
    return judge_time(told.at, doors=doors(settings), at=at)


def announce(session: Session, made: Sequence[Made]) -> None:
    """Put transitions in the outbox; crossings are of no interest to campaigns."""
    told = [one.id for one in made if one.visit_id is not None]
    outbox.publish(session, outbox.Topic.TRANSITION_MADE, told)


def doors(settings: Settings) -> Doors:
    """Return how far a device's clock may be off, from the settings."""
    intake = settings.intake
    return Doors(future_tolerance=intake.future_tolerance, oldest=intake.oldest)
