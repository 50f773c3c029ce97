"""The whole flow on one screen: what comes in, what is decided, who is told."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import accumulate, pairwise
from uuid import UUID

import numpy as np
from sqlalchemy.orm import Session

from geoservices import outbox
from geoservices.accounts import queries as accounts
from geoservices.accounts import service as consents
from geoservices.accounts.consents import ON_CHECK_IN, PASSIVE
from geoservices.accounts.models import Device, Person, Purpose
from geoservices.accounts.queries import HeldDevice
from geoservices.campaigns import queries as campaign_queries
from geoservices.campaigns import service as campaigns
from geoservices.campaigns.rules import Limits, Trigger
from geoservices.checkins import queries as checkins
from geoservices.checkins import service as checkin_service
from geoservices.checkins.models import CheckIn
from geoservices.checkins.service import (
    CheckInReport,
    CheckInRules,
    Circumstances,
    PersonalCodeRefused,
    PlaceNotNamed,
    StaffScan,
)
from geoservices.checkins.verification import Evidence
from geoservices.codes import service as codes
from geoservices.database import driver
from geoservices.errors import GeoservicesError, Unauthenticated
from geoservices.geofences import queries as geofences
from geoservices.geofences.index import GeofenceIndex
from geoservices.geofences.live import LiveGeofences
from geoservices.geometry.position import Position
from geoservices.notifications import service as notifications
from geoservices.notifications.models import Notification
from geoservices.pings import queries as pings
from geoservices.pings import service as ping_service
from geoservices.pings.columns import Pings, Reported
from geoservices.pings.plausibility import suspect
from geoservices.pings.screening import Doors, judge_time
from geoservices.pings.service import Recorded
from geoservices.pings.trail import has_leapt
from geoservices.places import queries as places
from geoservices.places import service as place_service
from geoservices.settings import Settings
from geoservices.visits import queries as visits
from geoservices.visits import service as visit_service
from geoservices.visits.following import Made, Sightings
from geoservices.visits.models import Transition
from geoservices.visits.queries import OpenVisit
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

    Returns:
        For each request what came of it, or why nothing of it was stored: `Unauthenticated` or
        `ConsentMissing`.
    """
    with driver(session).pipeline():
        devices = accounts.hold_senders(session, {one.token_hash for one in sent})
    place_of = {device.token_hash: at for at, device in enumerate(devices)}
    senders = [place_of.get(one.token_hash) for one in sent]
    parts = [
        (sender, one.pings) for sender, one in zip(senders, sent, strict=True) if sender is not None
    ]
    taken = iter(_take_in(session, devices, parts, live=live, settings=settings, at=at))
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
) -> list[Intake | GeoservicesError]:
    """Take in the pings of held devices."""
    if not parts:
        return []
    # Asked with the rows held: a withdrawal either comes later and deletes what is stored here,
    # or came before and is seen.
    with driver(session).pipeline():
        agree = accounts.who_agrees(session, {device.person_id for device in devices}, PASSIVE)
        revision = geofences.ask_revision(session)
        there = visits.open_visits(session, [device.id for device in devices])
        agreeing, known, open_visits = agree(), revision(), there()
    index = live.current(session, known)
    welcome = [devices[sender].person_id in agreeing for sender, _pings in parts]
    let_in = [part for part, is_welcome in zip(parts, welcome, strict=True) if is_welcome]
    if not let_in:
        return [consents.ConsentMissing(PASSIVE) for _ in parts]
    with driver(session).pipeline():
        done = _record_and_follow(session, devices, let_in, open_visits, index, settings, at)
    taken = iter(done)
    return [
        next(taken) if is_welcome else consents.ConsentMissing(PASSIVE) for is_welcome in welcome
    ]


def _record_and_follow(
    session: Session,
    devices: Sequence[HeldDevice],
    parts: Parts,
    open_visits: Sequence[OpenVisit],
    index: GeofenceIndex,
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
        looks_swapped=index.looks_swapped(pings.lon, pings.lat),
        at=at,
    )
    made = visit_service.follow(
        session,
        devices,
        _sightings(pings, recorded),
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


def _sightings(pings: Pings, recorded: Recorded) -> Sightings:
    walked = recorded.trail
    return Sightings(
        pings=walked.numbers,
        devices=walked.senders,
        at_us=pings.recorded_at[walked.numbers],
        before=walked.before,
        fixes=walked.after,
        tested=walked.tested,
        suspect=suspect(recorded.signs),
    )


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
    consents.require_consent(session, device.person_id, PASSIVE)
    judged = [(one, judge_time(one.at, doors=doors(settings), at=at)) for one in tellings]
    let_in = [one for one, refusal in judged if refusal is None]
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


def share_places_only(session: Session, device: Device, *, on: bool, at: datetime) -> None:
    """Keep a device's positions from now on or not; those there are go when it is switched on."""
    [held] = accounts.hold_devices(session, [device.id])
    session.refresh(device)
    device.places_only = on
    if on and held.followed_until is not None:
        visits.settle_seen(session, device.id, followed_until=held.followed_until)
    if on:
        pings.forget(session, [device.id], at=at)


def check_in(
    session: Session,
    device: Device,
    report: CheckInReport,
    *,
    live: LiveGeofences,
    settings: Settings,
    at: datetime,
) -> CheckIn:
    """Take in a check-in: grade it by its code and position, store it and announce it.

    Raises:
        ConsentMissing: The person did not agree to checking in; nothing is stored.
        PlaceNotNamed: Neither the report nor its code names a place.
        NotFound: There is no such place.
        CheckInInTheFuture: The device's clock is ahead by more than is tolerated.
        CheckInTooLongAgo: It was made longer ago than anything can come of.
        IdTaken: The id belongs to another check-in.
    """
    [held] = accounts.hold_devices(session, [device.id])
    consents.require_consent(session, device.person_id, ON_CHECK_IN)
    scanned = codes.look_up(session, report.code, settings=settings, at=at) if report.code else None
    place_id = report.place_id or (scanned.code.place_id if scanned and scanned.code else None)
    if place_id is None:
        raise PlaceNotNamed
    place = place_service.get_place(session, place_id)
    distance_m = _distance_to_place_m(live.current(session), place_id, report.position)
    return checkin_service.record(
        session,
        report,
        Circumstances(
            place=place,
            distance_m=distance_m,
            scanned=scanned,
            suspect=report.position is not None
            and has_leapt(
                held, report.position, report.claimed_at or at, presence=settings.presence
            ),
        ),
        device_id=device.id,
        rules=checkin_rules(settings),
        at=at,
    )


def check_in_by_staff(
    session: Session,
    staff: Person,
    scan: StaffScan,
    *,
    settings: Settings,
    at: datetime,
) -> CheckIn:
    """Take in a check-in of whoever showed their own code to a member of staff.

    Raises:
        NotFound: The place is not one of the member's organisation.
        PersonalCodeRefused: The code is nobody's, too old, or the member's own.
        ConsentMissing: The person did not agree to checking in; nothing is stored.
        IdTaken: The id belongs to another check-in.
    """
    place = place_service.get_place_of(session, scan.place_id, staff.organisation_id)
    shown = codes.read_personal_code(scan.code, settings=settings)
    device = accounts.living_device(session, shown.device_id) if shown else None
    if shown is None or device is None:
        raise PersonalCodeRefused("It is nobody's own code.")
    if device.person_id == staff.id:
        raise PersonalCodeRefused("Nobody can scan themselves in.")
    accounts.lock_devices(session, [device.id])
    consents.require_consent(session, device.person_id, ON_CHECK_IN)
    if at > shown.expires_at and not checkins.by_id(session, [scan.id]):
        raise PersonalCodeRefused("It is too old. Ask the person to show it again.")
    return checkin_service.record(
        session,
        CheckInReport(id=scan.id, place_id=place.id),
        Circumstances(place=place, scanned_by=staff.id),
        device_id=device.id,
        rules=checkin_rules(settings),
        at=at,
    )


def withdraw_consent(session: Session, person: Person, purpose: Purpose, *, at: datetime) -> bool:
    """End a consent, call back what was to be sent for it, delete what no other one covers.

    Returns:
        Whether there was one to end.
    """
    campaign_queries.lock_people(session, [person.id])
    ended = accounts.withdraw_consent(session, person.id, purpose, at=at)
    remaining = accounts.purposes_of(session, [person.id]).get(person.id, frozenset())
    if ended:
        notifications.call_back(session, person.id, purpose)
    if ended and not remaining & PASSIVE:
        device_ids = accounts.device_ids_of(session, person.id)
        accounts.lock_devices(session, device_ids)
        pings.forget(session, device_ids, at=at)
        visits.abandon_open(session, device_ids)
    return ended


def let_time_pass(session: Session, *, settings: Settings, at: datetime, limit: int) -> int:
    """Follow the visits whose timers ran out, announce what happened, count the timers."""
    made, count = visit_service.follow_time(session, presence=settings.presence, at=at, limit=limit)
    announce(session, made)
    return count


def decide(
    session: Session, message_ids: Sequence[int], *, settings: Settings, at: datetime
) -> list[Notification]:
    """Let the campaigns decide on what the messages tell of, and make the notifications.

    Decisions, notifications, deliveries and the end of the messages are one transaction, so that
    running twice does nothing twice.
    """
    messages = outbox.take(session, message_ids)
    occasions = _occasions(session, messages)
    limits = Limits(
        max_age=settings.campaigns.max_age,
        person_cap=settings.campaigns.person_cap,
        person_cap_window=settings.campaigns.person_cap_window,
    )
    sent = campaigns.triggered_by(session, occasions, limits=limits, at=at)
    made = notifications.notify(session, sent, at=at)
    outbox.settle(session, messages)
    return made


def announce(session: Session, made: Sequence[Made]) -> None:
    """Put transitions in the outbox; crossings are of no interest to campaigns."""
    told = [one.id for one in made if one.visit_id is not None]
    outbox.publish(session, outbox.Topic.TRANSITION_MADE, told)


def doors(settings: Settings) -> Doors:
    """Return how far a device's clock may be off, from the settings."""
    intake = settings.intake
    return Doors(future_tolerance=intake.future_tolerance, oldest=intake.oldest)


def checkin_rules(settings: Settings) -> CheckInRules:
    """Return how check-ins are graded, from the settings."""
    return CheckInRules(
        doors=doors(settings),
        assumed_accuracy_m=settings.presence.assumed_accuracy_m,
        credible_accuracy_m=settings.presence.credible_accuracy_m,
    )


def _distance_to_place_m(
    index: GeofenceIndex, place_id: UUID, position: Position | None
) -> float | None:
    numbers = index.of_place(place_id)
    if position is None or len(numbers) == 0:
        return None
    distances = index.distances_m(
        np.array([position.lon]),
        np.array([position.lat]),
        np.zeros(len(numbers), dtype=np.intp),
        numbers,
    )
    return float(distances.min())


CONFIDENCE = {
    Evidence.OFFLINE_CLAIM: 1,
    Evidence.SELF_DECLARED: 1,
    Evidence.CODE: 2,
    Evidence.NEAR: 2,
    Evidence.INSIDE: 3,
    Evidence.CODE_INSIDE: 3,
    Evidence.ROTATING_CODE: 3,
    Evidence.STAFF_SCAN: 3,
}
"""A check-in's evidence on the scale of a transition's confidence."""


def _occasions(
    session: Session, messages: Sequence[outbox.OutboxMessage]
) -> list[campaigns.Occasion]:
    subjects = [message.subject_id for message in messages]
    transitions = visits.transitions_by_id(session, subjects)
    check_ins = checkins.by_id(session, subjects)
    rows: list[Transition | CheckIn] = [*transitions.values(), *check_ins.values()]
    people = accounts.people_of_devices(session, [row.device_id for row in rows])
    there = places.by_id(session, [row.place_id for row in rows])
    occasions: list[campaigns.Occasion] = []
    for subject in subjects:
        if transition := transitions.get(subject):
            occasions.append(
                campaigns.Occasion(
                    trigger=Trigger(transition.kind),
                    occurred_at=transition.occurred_at,
                    confidence=transition.confidence,
                    person=people[transition.device_id],
                    place=there[transition.place_id],
                    transition_id=transition.id,
                )
            )
        elif made := check_ins.get(subject):
            occasions.append(
                campaigns.Occasion(
                    trigger=Trigger.CHECKED_IN,
                    occurred_at=made.claimed_at,
                    confidence=CONFIDENCE[Evidence(made.evidence)],
                    person=people[made.device_id],
                    place=there[made.place_id],
                    check_in_id=made.id,
                )
            )
    return occasions
