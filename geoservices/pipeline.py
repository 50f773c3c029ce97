"""The whole flow on one screen: what comes in, what is decided, who is told."""

from collections.abc import Sequence
from datetime import datetime, time
from uuid import UUID

import numpy as np
from sqlalchemy.orm import Session

from geoservices import attending, outbox, telling
from geoservices.access.actors import Grant
from geoservices.accounts import queries as accounts
from geoservices.accounts import service as consents
from geoservices.accounts.consents import ON_CHECK_IN, TELLING
from geoservices.accounts.models import Device, Person
from geoservices.campaigns import beginning, reviewing, waiting
from geoservices.campaigns import deciding as campaigns
from geoservices.channels import service as channels
from geoservices.channels.service import Choice
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
from geoservices.codes import service as codes
from geoservices.deliveries import queries as delivery_queries
from geoservices.deliveries import service as deliveries
from geoservices.deliveries.states import DeliveryState
from geoservices.errors import Forbidden, NotFound
from geoservices.geofences.index import GeofenceIndex
from geoservices.geofences.live import LiveGeofences
from geoservices.geometry.position import Position
from geoservices.letters import addresses
from geoservices.notifications.models import NewNotification, Notification
from geoservices.notifications.trying import write_test
from geoservices.pings import queries as pings
from geoservices.pings.sightings import has_leapt
from geoservices.places import service as place_service
from geoservices.receiving import announce, doors
from geoservices.scopes import everywhere
from geoservices.settings.sending import PushSettings
from geoservices.settings.service import Settings
from geoservices.subscriptions import service as subscriptions
from geoservices.subscriptions.models import Subscription
from geoservices.subscriptions.service import PushSubscription, SubscriptionEnded
from geoservices.visits import queries as visits
from geoservices.visits import service as visit_service


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
    made = checkin_service.record(
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
    attending.attend(session, made, person_id=device.person_id, early=settings.events.attend_early)
    return made


def check_in_by_staff(
    session: Session,
    grant: Grant,
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
    place = place_service.get_place_for(session, scan.place_id, grant)
    shown = codes.read_personal_code(scan.code, settings=settings)
    # Whoever showed the code is another person than the one who asks.
    with everywhere(session):
        device = accounts.living_device(session, shown.device_id) if shown else None
        if shown is None or device is None:
            raise PersonalCodeRefused("It is nobody's own code.")
        if device.person_id == grant.actor.person_id:
            raise PersonalCodeRefused("Nobody can scan themselves in.")
        accounts.lock_devices(session, [device.id])
        consents.require_consent(session, device.person_id, ON_CHECK_IN)
        if at > shown.expires_at and not checkins.by_id(session, [scan.id]):
            raise PersonalCodeRefused("It is too old. Ask the person to show it again.")
        made = checkin_service.record(
            session,
            CheckInReport(id=scan.id, place_id=place.id),
            Circumstances(place=place, scanned_by=grant.actor.person_id),
            device_id=device.id,
            rules=checkin_rules(settings),
            at=at,
        )
        early = settings.events.attend_early
        attending.attend(session, made, person_id=device.person_id, early=early)
        return made


def subscribe(
    session: Session,
    *,
    device_id: UUID,
    offered: PushSubscription,
    current_key: str,
    push: PushSettings,
    at: datetime,
) -> Subscription:
    """Keep a browser's subscription, which takes over what one that it replaces was to be sent.

    Raises:
        ConsentMissing: The person agreed to nothing that they could be told of; nothing is stored.
        EndpointRefused: The endpoint is at no push service that may be used.
        SubscriptionKeysRefused: A key is malformed.
        VapidKeyOutdated: It was made with another application server key.
    """
    person_id = accounts.person_of_device(session, device_id)
    accounts.lock_people(session, [person_id])
    consents.require_consent(session, person_id, TELLING)
    # The browser may have been another person's before.
    with everywhere(session):
        subscription = subscriptions.subscribe(
            session, device_id=device_id, offered=offered, current_key=current_key, push=push, at=at
        )
        if offered.replaces is not None:
            deliveries.take_over(session, subscription.id, at=at)
    return subscription


def send_test(
    session: Session, device: Device, subscription_id: UUID, *, at: datetime
) -> Notification:
    """Send a test to one of a device's subscriptions, the way every other notification goes.

    Raises:
        NotFound: The device has no such subscription.
        SubscriptionEnded: It is pushed to no more.
        TooManyTests: The person asked for others just before.
    """
    subscription = subscriptions.get_subscription(session, subscription_id, device_id=device.id)
    if subscription.ended_at is not None:
        raise SubscriptionEnded
    test = write_test(session, device.person_id, at=at)
    deliveries.enqueue_one(session, test, subscription_id, at=at)
    return test


def send_campaign_test(
    session: Session,
    campaign_id: UUID,
    *,
    variant: str | None,
    language: str | None,
    place_id: UUID | None,
    grant: Grant,
    at: datetime,
) -> Notification:
    """Send what a campaign would say to whoever asks, on their own browsers.

    Args:
        session: The transaction.
        campaign_id: Which campaign.
        variant: The name of one of its variants; None is the first.
        language: Of whoever would be told.
        place_id: Where they would be; None is the listing's place.
        grant: Whose test it is.
        at: Now.

    Raises:
        NotFound: There is no such campaign of the organisation's, no such variant, or no such
            place for it.
        Forbidden: A machine asks, which has no browsers.
        TooManyTests: The person asked for others just before.
    """
    shown = reviewing.preview(
        session, campaign_id, language=language, place_id=place_id, grant=grant
    )
    person_id = grant.actor.person_id
    if person_id is None:
        raise Forbidden("A key has no browser. Ask as the person who wants to see it.")
    chosen = next((one for one in shown if variant in {None, one.variant}), None)
    if chosen is None:
        raise NotFound("variant")
    test = write_test(session, person_id, title=chosen.text.title, body=chosen.text.body, at=at)
    deliveries.enqueue(session, [test], at=at)
    return test


def set_preferences(
    session: Session,
    person: Person,
    *,
    time_zone: str,
    quiet_from: time | None,
    quiet_until: time | None,
    language: str | None,
    at: datetime,
) -> None:
    """Set a person's time zone, quiet hours and language; their digests keep to their clock.

    Raises:
        TimeZoneUnknown: `time_zone` is no IANA name.
    """
    consents.set_preferences(
        person,
        time_zone=time_zone,
        quiet_from=quiet_from,
        quiet_until=quiet_until,
        language=language,
    )
    addresses.follow_clock(session, person, at=at)


def choose_channels(
    session: Session, person: Person, choice: Choice, *, settings: Settings
) -> None:
    """Choose the ways for one purpose; what waits to be pushed is not, once push is off.

    Raises:
        Forbidden: The purpose is not for people of their role.
        EmailUnavailable: E-mail is wanted, and none is sent here.
        EmailNotConfirmed: E-mail is wanted, and they confirmed no address.
    """
    if choice.email:
        addresses.require_confirmed(session, person.id, settings)
    channels.choose(session, person, choice)
    if not choice.push:
        delivery_queries.finish_unsent(
            session,
            person.id,
            choice.purpose,
            state=DeliveryState.EXPIRED,
            reason="push was switched off",
        )


def let_time_pass(session: Session, *, settings: Settings, at: datetime, limit: int) -> int:
    """Follow the visits whose timers ran out, announce what happened, count the timers."""
    made, count = visit_service.follow_time(session, presence=settings.presence, at=at, limit=limit)
    announce(session, made)
    return count


def decide(
    session: Session, message_ids: Sequence[int], *, settings: Settings, at: datetime
) -> list[NewNotification]:
    """Let the campaigns decide on what the messages tell of, and make the notifications.

    Decisions, notifications, deliveries and the end of the messages are one transaction, so that
    running twice does nothing twice.
    """
    messages = outbox.take(session, message_ids)
    beginning.begin_for(session, _published(messages), at=at)
    subjects = [message.subject_id for message in messages]
    happened = telling.occasions_of(session, subjects)
    occasions = [happened[subject] for subject in subjects if subject in happened]
    limits = campaigns.limits_of(settings.campaigns)
    sent = campaigns.triggered_by(session, occasions, limits=limits, at=at)
    made = telling.tell(session, sent, together=False, at=at)
    outbox.settle(session, messages)
    return made


def release(
    session: Session, decision_ids: Sequence[UUID], *, settings: Settings, at: datetime
) -> list[NewNotification]:
    """Look again at what was held back by these decisions, and make the notifications.

    Whatever else waits for the same people and is due is looked at with it, so that it is one push.
    It waits no more in the transaction that decides on it again, so that running twice does
    nothing twice.
    """
    waited = waiting.take(session, decision_ids, at=at)
    occasions = telling.held_occasions(session, waited)
    limits = campaigns.limits_of(settings.campaigns)
    sent = campaigns.released(session, occasions, limits=limits, at=at)
    return telling.tell_released(session, sent, at=at)


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


def _published(messages: Sequence[outbox.OutboxMessage]) -> list[UUID]:
    of_listings = outbox.Topic.LISTING_PUBLISHED
    return [message.subject_id for message in messages if message.topic == of_listings]
