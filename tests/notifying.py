"""Help for tests of notifications: a person who may be told, and what push services answer."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest
from pydantic import SecretStr
from sqlalchemy import select
from sqlalchemy.orm import Session

from geoservices import pipeline
from geoservices.accounts.models import Device, Person, Purpose
from geoservices.bulk_queries import store_plain
from geoservices.campaigns.definitions import Text
from geoservices.campaigns.models import Campaign, Decision, NewDecision
from geoservices.campaigns.rules import Trigger
from geoservices.campaigns.speaking import Message
from geoservices.checkins.models import CheckIn
from geoservices.deliveries import receipts
from geoservices.deliveries import service as deliveries
from geoservices.deliveries.models import Delivery
from geoservices.deliveries.origins import OriginState
from geoservices.deliveries.receipts import ReceiptReport, TakenReceipts
from geoservices.deliveries.service import Sending
from geoservices.deliveries.states import ReceiptKind
from geoservices.deliveries.tokens import derive_key, make_token
from geoservices.listings.models import Listing
from geoservices.notifications import service as notifications
from geoservices.notifications.models import Notification
from geoservices.push.gateway import Outcome, OutcomeKind
from geoservices.push.vapid import make_vapid_key, vapid_public_key
from geoservices.settings.sending import PushSettings
from geoservices.subscriptions import service as subscriptions
from geoservices.subscriptions.models import Subscription
from geoservices.subscriptions.service import PushSubscription
from tests.factories import (
    NOON,
    make_campaign,
    make_device,
    make_listing,
    make_organisation,
    make_person,
    make_place,
)

PUSH = PushSettings(
    vapid_private_key=SecretStr(make_vapid_key()), vapid_contact="mailto:push@council.example"
)
KEY = vapid_public_key(PUSH)
URL = "https://council.example"
RECEIPT_KEY = derive_key(b"a key that seals codes")
ACCEPTED = Outcome(kind=OutcomeKind.ACCEPTED, reason="accepted", status=201)
GONE = Outcome(kind=OutcomeKind.GONE, reason="subscription-ended", status=410)
REFUSED = Outcome(kind=OutcomeKind.REFUSED, reason="vapid-refused", status=403)
TOO_LARGE = Outcome(kind=OutcomeKind.REFUSED, reason="payload-too-large", status=413)
BAD_REQUEST = Outcome(kind=OutcomeKind.REFUSED, reason="bad-request", status=400)
THROTTLED = Outcome(
    kind=OutcomeKind.THROTTLED, reason="throttled", status=429, retry_after=timedelta(minutes=3)
)
TRANSIENT = Outcome(kind=OutcomeKind.TRANSIENT, reason="timeout")


def moment(second: float) -> datetime:
    """Return an instant by its seconds past noon."""
    return NOON + timedelta(seconds=second)


def pushed(session: Session, *, at: datetime) -> list[tuple[str, str]]:
    """Take all deliveries for sending, and return the titles and bodies that go out, in order."""
    sendings = deliveries.claim(
        session,
        session.scalars(select(Delivery.id)).all(),
        push=PUSH,
        public_url=URL,
        receipt_key=RECEIPT_KEY,
        at=at,
    )
    said = [json.loads(one.envelope.payload)["notification"] for one in sendings]
    return sorted((one["title"], one["body"]) for one in said)


def offer(endpoint: str = "", *, key: str = KEY) -> PushSubscription:
    """What a browser gives out, with keys of its own."""
    browser = PUSH.model_copy(update={"vapid_private_key": SecretStr(make_vapid_key())})
    return PushSubscription(
        endpoint=endpoint or f"https://updates.push.services.mozilla.com/wpush/v2/{uuid4().hex}",
        p256dh=vapid_public_key(browser),
        auth="AAAAAAAAAAAAAAAAAAAAAA",
        application_server_key=key,
    )


def report(
    delivery_id: UUID, kind: ReceiptKind = ReceiptKind.SHOWN, *, second: float = 60
) -> ReceiptReport:
    """What a service worker says of a delivery."""
    return ReceiptReport(
        token=make_token(RECEIPT_KEY, delivery_id), kind=kind, occurred_at=moment(second)
    )


@dataclass(slots=True)
class World:
    """A campaign, and a person whose phones may be told of it."""

    session: Session
    campaign: Campaign
    listing: Listing
    person: Person

    def device(self, person: Person | None = None) -> Device:
        """Make a device of the person's."""
        return make_device(self.session, person or self.person)[0]

    def subscribe(
        self,
        device: Device | None = None,
        offered: PushSubscription | None = None,
        *,
        second: float = 0,
    ) -> Subscription:
        """Subscribe a browser, by default a new one."""
        return subscriptions.subscribe(
            self.session,
            device_id=(device or self.device()).id,
            offered=offered or offer(),
            current_key=KEY,
            push=PUSH,
            at=moment(second),
        )

    def decision(self, person: Person | None = None) -> Message:
        """Have the campaign decide to tell someone."""
        person = person or self.person
        check_in = CheckIn(
            id=uuid4(),
            device_id=self.device(person).id,
            place_id=self.listing.place_id,
            organisation_id=self.listing.organisation_id,
            evidence="inside",
            claimed_at=NOON,
            received_at=NOON,
        )
        self.session.add(check_in)
        self.session.flush()
        decision = NewDecision(
            id=uuid4(),
            organisation_id=self.campaign.organisation_id,
            campaign_id=self.campaign.id,
            version=1,
            trigger=Trigger.ENTERED,
            person_id=person.id,
            place_id=self.listing.place_id,
            transition_id=None,
            check_in_id=check_in.id,
            run_id=None,
            follows_id=None,
            gate=None,
            reason="Every gate let it through.",
            gates_passed=[],
            detail={},
            decided_at=NOON,
        )
        store_plain(self.session, Decision, [decision])
        return Message(
            decision=decision,
            campaign=self.campaign,
            listing=self.listing,
            text=Text(title=self.listing.title, body="Come in."),
        )

    def tell(self, *messages: Message, second: float = 0) -> list[Notification]:
        """Write notifications and put them on their way."""
        made = notifications.write(self.session, messages, at=moment(second))
        deliveries.enqueue(self.session, made, at=moment(second))
        return [self.session.get_one(Notification, one.id) for one in made]

    def notify(self) -> list[Delivery]:
        """Tell the person, and return the deliveries."""
        self.tell(self.decision())
        return list(self.session.scalars(select(Delivery).order_by(Delivery.id)))

    def replace(
        self,
        old: Subscription,
        device: Device | None = None,
        offered: PushSubscription | None = None,
        *,
        second: float = 10,
    ) -> Subscription:
        """Subscribe a browser anew, by default on the same device, in the place of what it had."""
        made = pipeline.subscribe(
            self.session,
            device_id=device.id if device else old.device_id,
            offered=replace(offered or offer(), replaces=old.endpoint),
            current_key=KEY,
            push=PUSH,
            at=moment(second),
        )
        self.session.expire_all()
        return made

    def claim(
        self, *chosen: Delivery, second: float = 0, push: PushSettings = PUSH
    ) -> list[Sending]:
        """Claim deliveries."""
        made = deliveries.claim(
            self.session,
            [delivery.id for delivery in chosen],
            push=push,
            public_url=URL,
            receipt_key=RECEIPT_KEY,
            at=moment(second),
        )
        self.session.expire_all()
        return made

    def settle(
        self, sending: Sending, outcome: Outcome, *, second: float = 1, push: PushSettings = PUSH
    ) -> None:
        """Settle one attempt."""
        self.settle_all([(sending, outcome)], second=second, push=push)

    def settle_all(
        self,
        results: Sequence[tuple[Sending, Outcome]],
        *,
        second: float = 1,
        push: PushSettings = PUSH,
    ) -> list[OriginState]:
        """Settle attempts together, and return the push services that are worse for it."""
        worse = deliveries.settle(self.session, results, push=push, at=moment(second))
        self.session.expire_all()
        return worse

    def acknowledge(
        self, delivery: Delivery, *kinds: ReceiptKind, second: float = 60, at: float = 60
    ) -> TakenReceipts:
        """Have the service worker say what became of it."""
        said = [report(delivery.id, kind, second=second) for kind in kinds]
        taken = receipts.take(self.session, said, keys=[RECEIPT_KEY], at=moment(at))
        self.session.expire_all()
        return taken


def make_world(session: Session) -> World:
    """A published campaign and a person who agreed to it."""
    place = make_place(session, make_organisation(session))
    listing = make_listing(session, place)
    person = make_person(session, Purpose.NEARBY, Purpose.EMAIL)
    return World(session, make_campaign(session, listing), listing, person)


@pytest.fixture
def world(session: Session) -> World:
    """A campaign in the test's own transaction."""
    return make_world(session)
