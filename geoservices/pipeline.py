"""The whole flow on one screen: what comes in, what is decided, who is told."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import numpy as np
from sqlalchemy.orm import Session

from geoservices import outbox
from geoservices.accounts import queries as accounts
from geoservices.accounts import service as consents
from geoservices.accounts.consents import ON_CHECK_IN, PASSIVE
from geoservices.accounts.models import Device, Person, Purpose
from geoservices.campaigns import queries as campaign_queries
from geoservices.campaigns import service as campaigns
from geoservices.campaigns.rules import Limits, Trigger
from geoservices.checkins import queries as checkins
from geoservices.checkins import service as checkin_service
from geoservices.checkins.models import CheckIn
from geoservices.checkins.service import CheckInReport
from geoservices.checkins.verification import Evidence
from geoservices.errors import GeoservicesError
from geoservices.geofences.index import GeofenceIndex
from geoservices.geofences.live import LiveGeofences
from geoservices.geometry.position import Position
from geoservices.notifications import service as notifications
from geoservices.notifications.models import Notification
from geoservices.pings import queries as pings
from geoservices.pings import service as ping_service
from geoservices.pings.screening import Doors, PingReport, judge_time
from geoservices.pings.service import Recorded
from geoservices.places import queries as places
from geoservices.places import service as place_service
from geoservices.settings import Settings
from geoservices.visits import queries as visits
from geoservices.visits import service as visit_service
from geoservices.visits.models import Transition
from geoservices.visits.rules import rules_with
from geoservices.visits.service import Made, Sighting
from geoservices.visits.telling import Telling, follow_told


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """What came of a batch: each ping in the order given, and the transitions it caused."""

    pings: list[Recorded]
    transitions: list[Made] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What came of tellings: the transitions, and why some were turned away."""

    transitions: list[Made]
    refusals: list[GeoservicesError]


def take_in(
    session: Session,
    reports: Sequence[tuple[UUID, PingReport]],
    *,
    live: LiveGeofences,
    settings: Settings,
    at: datetime,
) -> Intake:
    """Take in pings of any number of devices: screen, store, match, follow, announce.

    A handful of statements, however many pings. Each is judged by itself: what is wrong with one
    harms no other. The same ping twice is stored and followed once; one older than what was
    followed already is stored and changes nothing.

    Args:
        session: Everything happens in its transaction; the caller commits before it answers.
        reports: Each ping with the device that sent it.
        live: The geofences.
        settings: The service's.
        at: When they arrived.
    """
    device_ids = {device_id for device_id, _report in reports}
    accounts.lock_devices(session, device_ids)
    index = live.current(session)
    recorded = ping_service.record(
        session,
        reports,
        doors=doors(settings),
        looks_swapped=lambda position: index.looks_swapped(position.lon, position.lat),
        at=at,
    )
    made = visit_service.follow(
        session,
        [
            Sighting(
                device_id=one.device_id,
                at=one.report.recorded_at,
                position=one.report.position,
                first=one.first,
            )
            for one in ping_service.in_order(recorded)
        ],
        index=index,
        rules=rules_with(settings.presence),
        assumed_accuracy_m=settings.presence.assumed_accuracy_m,
        at=at,
    )
    announce(session, made)
    return Intake(pings=recorded, transitions=made)


def take_in_from(
    session: Session,
    device: Device,
    reports: Sequence[PingReport],
    *,
    live: LiveGeofences,
    settings: Settings,
    at: datetime,
) -> Intake:
    """Take in one device's pings, if its person agreed to be located.

    Those of a device that shares places only are judged, and neither stored nor followed.

    Raises:
        ConsentMissing: They did not; nothing is stored.
    """
    # Asked with the row held: a withdrawal either comes later and deletes what is stored here,
    # or came before and is seen.
    places_only = accounts.lock_device(session, device.id)
    consents.require_consent(session, device.person_id, PASSIVE)
    if places_only:
        index = live.current(session)
        judged = ping_service.turn_away(
            device.id,
            reports,
            doors=doors(settings),
            looks_swapped=lambda position: index.looks_swapped(position.lon, position.lat),
            at=at,
        )
        return Intake(pings=judged)
    return take_in(
        session, [(device.id, report) for report in reports], live=live, settings=settings, at=at
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
    accounts.lock_device(session, device.id)
    consents.require_consent(session, device.person_id, PASSIVE)
    judged = [(one, judge_time(one.at, doors=doors(settings), at=at)) for one in tellings]
    let_in = [one for one, refusal in judged if refusal is None]
    last_seen = pings.last_seen(session, [device.id]).get(device.id)
    made = follow_told(
        session,
        device.id,
        let_in,
        index=live.current(session),
        rules=rules_with(settings.presence),
        last_seen=last_seen,
        at=at,
    )
    newest = max((one.at for one in let_in), default=None)
    if newest is not None and (last_seen is None or newest > last_seen):
        # A position from before it is late from now on, and cannot contradict it.
        pings.save_last_seen(session, {device.id: newest})
    announce(session, made)
    refusals = [refusal for _one, refusal in judged if refusal is not None]
    return Heard(transitions=made, refusals=refusals)


def share_places_only(session: Session, device: Device, *, on: bool) -> None:
    """Keep a device's positions from now on or not; those there are go when it is switched on."""
    accounts.lock_device(session, device.id)
    device.places_only = on
    if on:
        pings.forget(session, [device.id])


def check_in(
    session: Session,
    device: Device,
    report: CheckInReport,
    *,
    live: LiveGeofences,
    settings: Settings,
    at: datetime,
) -> CheckIn:
    """Take in a check-in: grade it by the position given with it, store it and announce it.

    Raises:
        ConsentMissing: The person did not agree to checking in; nothing is stored.
        NotFound: There is no such place.
        CheckInInTheFuture: The device's clock is ahead by more than is tolerated.
        CheckInTooLongAgo: It was made longer ago than anything can come of.
        IdTaken: The id belongs to another check-in.
    """
    accounts.lock_devices(session, [device.id])
    consents.require_consent(session, device.person_id, ON_CHECK_IN)
    place = place_service.get_place(session, report.place_id)
    index = live.current(session)
    return checkin_service.record(
        session,
        report,
        device_id=device.id,
        organisation_id=place.organisation_id,
        distance_m=_distance_to_place_m(index, report.place_id, report.position),
        assumed_accuracy_m=settings.presence.assumed_accuracy_m,
        doors=doors(settings),
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
        pings.forget(session, device_ids)
        visits.abandon_open(session, device_ids)
    return ended


def let_time_pass(session: Session, *, settings: Settings, at: datetime, limit: int) -> int:
    """Follow the visits whose timers ran out, announce what happened, count those looked at."""
    made, looked_at = visit_service.follow_time(
        session, rules=rules_with(settings.presence), at=at, limit=limit
    )
    announce(session, made)
    return looked_at


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
    """Put transitions in the outbox."""
    outbox.publish(session, outbox.Topic.TRANSITION_MADE, [one.id for one in made])


def doors(settings: Settings) -> Doors:
    """Return how far a device's clock may be off, from the settings."""
    intake = settings.intake
    return Doors(future_tolerance=intake.future_tolerance, oldest=intake.oldest)


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


CONFIDENCE = {Evidence.SELF_DECLARED: 1, Evidence.NEAR: 2, Evidence.INSIDE: 3}
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
