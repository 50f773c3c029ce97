"""One of everything that an organisation and a citizen have, for tests of who may see it."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from hashlib import sha256
from typing import NamedTuple
from uuid import UUID, uuid4

from sqlalchemy.orm import Session

from geoservices.accounts.models import Device, Organisation, Person, Purpose
from geoservices.agendas import service as agendas
from geoservices.campaigns.lifecycle import ReplayState
from geoservices.campaigns.models import Campaign, Decision
from geoservices.campaigns.replay_models import CampaignReplay
from geoservices.campaigns.replaying_results import Asked, result_of, stored
from geoservices.campaigns.rules import Trigger
from geoservices.campaigns.run_models import CampaignRun, CampaignRunState
from geoservices.checkins.models import CheckIn
from geoservices.checkins.verification import Evidence
from geoservices.deliveries.models import Delivery
from geoservices.deliveries.states import DeliveryState
from geoservices.erasures.models import Erasure
from geoservices.events.models import (
    Event,
    Occurrence,
    SigningUp,
    SignUp,
    SignUpReminder,
    SignUpState,
)
from geoservices.exports.models import Export, ExportChunk, ExportState
from geoservices.feeds.answers import FeedKind
from geoservices.feeds.models import Feed, FeedRun, RunState
from geoservices.files.models import File
from geoservices.imports.models import (
    ImportMode,
    ImportState,
    Outcome,
    TaskImport,
    TaskImportLine,
    TaskReference,
)
from geoservices.letters.models import EmailAddress
from geoservices.listings.models import Listing, ListingKind
from geoservices.members.models import Team, TeamMember
from geoservices.notifications.models import Notification
from geoservices.offers.models import Redemption
from geoservices.phones.models import PhoneApp
from geoservices.places.models import Place
from geoservices.subscriptions.models import Subscription
from geoservices.tasks.models import Escalation, Priority, TaskSeries
from geoservices.visits.models import Visit
from geoservices.visits.transitions import Phase
from tests.api import asking
from tests.factories import (
    NOON,
    make_api_key,
    make_campaign,
    make_code,
    make_definition,
    make_device,
    make_geofence,
    make_listing,
    make_organisation,
    make_person,
    make_phone_link,
    make_place,
    share_place,
)
from tests.replaying import NOBODY

MARK = "only Devon's"
"""Stands in every name that nobody outside the organisation may read."""
STORED = b"a photo"
"""What a store must hold for the world's photo to be had."""


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What there is, and the token of the citizen whose things they are.

    The place is shared with a partner, statistics too.
    """

    organisation: Organisation
    partner: Organisation
    person: Person
    device: Device
    token: str
    ids: dict[str, UUID]
    """By the name that paths give them: `place_id`, `listing_id`, …"""


class Made(NamedTuple):
    """An event, and a sign-up for it."""

    event_id: UUID
    sign_up_id: UUID


def make_world(session: Session, slug: str = "devon") -> World:
    """An organisation with everything, and a citizen who was there and was told of it."""
    organisation = make_organisation(session, slug)
    partner = make_organisation(session, f"{slug}-exeter" if slug != "devon" else "exeter")
    place = make_place(session, organisation)
    place.tags = ["central"]
    share_place(session, place, partner)
    geofence = make_geofence(session, place)
    geofence.name = MARK
    listing = make_listing(session, place)
    campaign = make_campaign(
        session,
        listing,
        triggers=(Trigger.CHECKED_IN, Trigger.NOW),
        purpose=Purpose.CHECK_IN_CONTENT,
    )
    campaign.name = MARK
    task = make_listing(session, place, kind=ListingKind.TASK, title=MARK)
    code = make_code(session, place)
    code.label = MARK
    member = make_person(session, organisation=organisation)
    member.name = MARK
    team = Team(organisation_id=organisation.id, name=MARK, created_at=NOON)
    session.add(team)
    session.flush()
    session.add(TeamMember(team_id=team.id, person_id=member.id))
    key, _secret = make_api_key(session, organisation, name=MARK)
    person = make_person(session, Purpose.NEARBY, Purpose.CHECK_IN_CONTENT, Purpose.EMAIL)
    device, token = make_device(session, person)
    visit = _visit(device, geofence.id, place.id, organisation)
    check_in = make_check_in(session, device, place.id, organisation)
    redemption = make_redemption(session, person, listing)
    subscription = make_subscription(session, device)
    link, _phone_token = make_phone_link(session, device, PhoneApp.OVERLAND)
    decision, notification = make_notification(session, person, campaign, listing, check_in)
    delivery = make_delivery(session, notification, subscription)
    agendas.make_link(session, person.id, at=NOON)
    feed, run = make_feed(session, place)
    made = make_sign_up(session, person, place)
    session.add(visit)
    session.add(
        EmailAddress(
            person_id=person.id,
            address="anna@example.org",
            digest_at=time(17),
            set_at=NOON,
            confirmed_at=NOON,
        )
    )
    session.commit()
    return World(
        organisation=organisation,
        partner=partner,
        person=person,
        device=device,
        token=token,
        ids={
            "device_id": device.id,
            "place_id": place.id,
            "geofence_id": geofence.id,
            "listing_id": listing.id,
            "event_id": made.event_id,
            "sign_up_id": made.sign_up_id,
            "offer_id": listing.id,
            "redemption_id": redemption.id,
            "task_id": task.id,
            "series_id": make_series(session, place).id,
            "file_id": make_file(session, task, member).id,
            "import_id": make_import(session, task, member).id,
            "campaign_id": campaign.id,
            "replay_id": make_replay(session, campaign, member).id,
            "visit_id": visit.id,
            "check_in_id": check_in.id,
            "code_id": code.id,
            "subscription_id": subscription.id,
            "link_id": link.id,
            "sign_in_id": uuid4(),
            "decision_id": decision.id,
            "notification_id": notification.id,
            "delivery_id": delivery.id,
            "export_id": make_export(session, person).id,
            "erasure_id": make_erasure(session).id,
            "member_id": member.id,
            "team_id": team.id,
            "key_id": key.id,
            "feed_id": feed.id,
            "run_id": run.id,
            "campaign_run_id": make_run(session, campaign, member).id,
        },
    )


def make_run(session: Session, campaign: Campaign, member: Person) -> CampaignRun:
    """A run over more people than a test has, which a member asked for long before."""
    run = CampaignRun(
        organisation_id=campaign.organisation_id,
        campaign_id=campaign.id,
        version=campaign.version,
        trigger=Trigger.NOW,
        occurred_at=NOON,
        created_at=NOON,
        requested_by=member.id,
        state=CampaignRunState.FINISHED,
        people=1234,
        gone_through=131,
        sent=123,
        failed=1,
        held=7,
        due_at=NOON,
        ended_at=NOON,
    )
    session.add(run)
    session.flush()
    return run


def make_file(session: Session, task: Listing, member: Person) -> File:
    """A photo of a task, which lies in the store of those who ask for `STORED`."""
    file = File(
        organisation_id=task.organisation_id,
        task_id=task.id,
        added_by=member.id,
        added_at=NOON,
        media_type="image/jpeg",
        size_bytes=len(STORED),
        width_px=1,
        height_px=1,
        sha256=sha256(STORED).digest(),
    )
    session.add(file)
    session.flush()
    return file


def make_replay(session: Session, campaign: Campaign, member: Person) -> CampaignReplay:
    """A replay that a member asked for, of which too few people came to tell anything."""
    about = Asked(
        definition=make_definition(),
        since=NOON - timedelta(days=7),
        until=NOON,
        time_zone="Europe/London",
        elsewhere=0,
    )
    replay = CampaignReplay(
        organisation_id=campaign.organisation_id,
        campaign_id=campaign.id,
        version=1,
        days=7,
        since=about.since,
        asked_by=member.id,
        state=ReplayState.DONE,
        asked_at=NOON,
        due_at=NOON,
        done_at=NOON,
        result=stored(result_of(NOBODY, about, secret=b"", smallest=10)),
    )
    session.add(replay)
    session.flush()
    return replay


def make_series(session: Session, place: Place) -> TaskSeries:
    """Something to be done at a place every Monday."""
    series = TaskSeries(
        organisation_id=place.organisation_id,
        place_id=place.id,
        title=MARK,
        text="",
        evidence_needed=Evidence.SELF_DECLARED,
        priority=Priority.NORMAL,
        escalate_to=Escalation.NOBODY,
        checklist=[],
        starts_at=NOON,
        rule="FREQ=WEEKLY;COUNT=9",
        time_zone="Europe/London",
        overlapping=False,
        created_at=NOON,
        made_until=NOON,
        next_at=NOON + timedelta(days=7),
    )
    session.add(series)
    session.flush()
    return series


def make_import(session: Session, task: Listing, member: Person) -> TaskImport:
    """A file with one line, by which a task was made."""
    asked = TaskImport(
        organisation_id=task.organisation_id,
        asked_by=member.id,
        mode=ImportMode.WHAT_IS_GOOD,
        dry_run=False,
        time_zone="Europe/London",
        state=ImportState.DONE,
        applied=True,
        lines_count=1,
        lines_done=1,
        asked_at=NOON,
        due_at=NOON,
        done_at=NOON,
    )
    session.add(asked)
    session.flush()
    session.add_all(
        [
            TaskImportLine(
                import_id=asked.id,
                number=2,
                turn=1,
                external_id=MARK,
                outcome=Outcome.MADE,
                task_id=task.id,
                problems=[],
            ),
            TaskReference(organisation_id=task.organisation_id, external_id="A1", task_id=task.id),
        ]
    )
    session.flush()
    return asked


def make_feed(session: Session, place: Place) -> tuple[Feed, FeedRun]:
    """An address from which the events of a place are fetched, and that it was."""
    feed = Feed(
        id=uuid4(),
        organisation_id=place.organisation_id,
        place_id=place.id,
        name=MARK,
        url="https://example.org/events.ics",
        kind=FeedKind.ICALENDAR,
        interval=timedelta(hours=1),
        created_at=NOON,
        due_at=NOON,
    )
    session.add(feed)
    session.flush()
    run = FeedRun(
        id=uuid4(),
        organisation_id=place.organisation_id,
        feed_id=feed.id,
        state=RunState.DONE,
        asked_at=NOON,
        ended_at=NOON,
    )
    session.add(run)
    session.flush()
    return feed, run


def make_sign_up(session: Session, person: Person, place: Place) -> Made:
    """Story time tomorrow and every day, for which a person signed up."""
    event = make_listing(session, place, kind=ListingKind.EVENT, title="Story time")
    assert isinstance(event, Event)
    event.starts_at = datetime.fromisoformat(asking.story_time(days=1))
    event.length, event.rule, event.time_zone = timedelta(hours=1), "FREQ=DAILY", "UTC"
    event.sign_up = SigningUp.OPEN
    occurrence = Occurrence(
        event_id=event.id,
        starts_at=event.starts_at,
        ends_at=event.starts_at + event.length,
        going=1,
    )
    session.add(occurrence)
    session.flush()
    sign_up = SignUp(
        occurrence_id=occurrence.id,
        person_id=person.id,
        state=SignUpState.GOING,
        signed_up_at=NOON,
        going_since=NOON,
    )
    session.add(sign_up)
    session.flush()
    session.add(SignUpReminder(sign_up_id=sign_up.id, before=timedelta(days=1), told_at=NOON))
    return Made(event.id, sign_up.id)


def make_export(session: Session, person: Person) -> Export:
    """A copy of a person's data, ready to be downloaded; its file is two bytes long."""
    export = Export(
        id=uuid4(),
        person_id=person.id,
        state=ExportState.READY,
        rows_written=2,
        rows_to_write=2,
        size_bytes=2,
        attempt_count=1,
        created_at=NOON,
        due_at=NOON,
        ready_at=NOON,
        expires_at=NOON + timedelta(days=7),
    )
    session.add(export)
    session.flush()
    session.add(ExportChunk(export_id=export.id, number=0, data=b"PK"))
    session.commit()
    return export


def make_erasure(session: Session) -> Erasure:
    """That somebody was erased."""
    erasure = Erasure(
        id=uuid4(),
        mark=uuid4().bytes * 2,
        key_mark=bytes(8),
        asked_at=NOON,
        due_at=NOON,
        done_at=NOON,
    )
    session.add(erasure)
    session.commit()
    return erasure


def make_check_in(
    session: Session,
    device: Device,
    place_id: UUID,
    organisation: Organisation,
    *,
    minutes: int = 0,
) -> CheckIn:
    """A check-in so many minutes after noon."""
    check_in = CheckIn(
        id=uuid4(),
        device_id=device.id,
        place_id=place_id,
        organisation_id=organisation.id,
        evidence=Evidence.INSIDE,
        claimed_at=NOON + timedelta(minutes=minutes),
        received_at=NOON + timedelta(minutes=minutes),
    )
    session.add(check_in)
    session.flush()
    return check_in


def make_redemption(session: Session, person: Person, offer: Listing) -> Redemption:
    """A code for an offer that was not redeemed in time."""
    redemption = Redemption(
        id=uuid4(),
        organisation_id=offer.organisation_id,
        offer_id=offer.id,
        place_id=offer.place_id,
        person_id=person.id,
        code_mark=uuid4().bytes * 2,
        made_at=NOON,
        expires_at=NOON + timedelta(minutes=10),
    )
    session.add(redemption)
    session.flush()
    return redemption


def make_subscription(session: Session, device: Device) -> Subscription:
    """A browser's subscription at a push service."""
    endpoint = f"https://fcm.googleapis.com/fcm/send/{uuid4().hex}"
    subscription = Subscription(
        device_id=device.id,
        endpoint=endpoint,
        endpoint_hash=sha256(endpoint.encode()).digest(),
        p256dh=bytes(65),
        auth=bytes(16),
        vapid_key="key",
        created_at=NOON,
        updated_at=NOON,
    )
    session.add(subscription)
    session.flush()
    return subscription


def make_notification(
    session: Session, person: Person, campaign: Campaign, listing: Listing, check_in: CheckIn
) -> tuple[Decision, Notification]:
    """A decision to send, and what was sent because of it."""
    decision = Decision(
        id=uuid4(),
        organisation_id=campaign.organisation_id,
        campaign_id=campaign.id,
        version=1,
        trigger=Trigger.CHECKED_IN,
        person_id=person.id,
        place_id=check_in.place_id,
        check_in_id=check_in.id,
        reason="every gate said yes",
        gates_passed=["consent", "purpose"],
        detail={},
        decided_at=check_in.received_at,
    )
    session.add(decision)
    session.flush()
    notification = Notification(
        id=uuid4(),
        organisation_id=campaign.organisation_id,
        person_id=person.id,
        decision_id=decision.id,
        listing_id=listing.id,
        campaign_class=campaign.campaign_class,
        title=listing.title,
        body="Come in.",
        created_at=decision.decided_at,
        expires_at=decision.decided_at + timedelta(hours=4),
    )
    session.add(notification)
    session.flush()
    return decision, notification


def make_delivery(
    session: Session, notification: Notification, subscription: Subscription
) -> Delivery:
    """A delivery that the push service has accepted."""
    delivery = Delivery(
        id=uuid4(),
        notification_id=notification.id,
        subscription_id=subscription.id,
        state=DeliveryState.ACCEPTED,
        created_at=notification.created_at,
        due_at=notification.created_at,
        accepted_at=notification.created_at,
        expires_at=notification.expires_at,
    )
    session.add(delivery)
    session.flush()
    return delivery


def _visit(device: Device, geofence_id: UUID, place_id: UUID, organisation: Organisation) -> Visit:
    return Visit(
        id=uuid4(),
        device_id=device.id,
        geofence_id=geofence_id,
        place_id=place_id,
        organisation_id=organisation.id,
        phase=Phase.INSIDE,
        phase_since=NOON,
        entered_at=NOON,
        seen_at=NOON,
        dwell_after=timedelta(minutes=5),
        confidence=3,
        initial=True,
        due_at=NOON,
    )
