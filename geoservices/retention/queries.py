"""What is over, one rule for each kind of row, and how it is deleted."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, delete, func, or_, select, update
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from geoservices.access.rights import Role
from geoservices.accounts.models import (
    Consent,
    ConsentReceipt,
    Device,
    OtherToken,
    Person,
    SignIn,
)
from geoservices.campaigns.models import Decision
from geoservices.campaigns.replay_models import CampaignReplay
from geoservices.checkins.models import CheckIn
from geoservices.codes.models import Code
from geoservices.events.models import Event, Occurrence, SignUp
from geoservices.files.models import File
from geoservices.imports.models import TaskImport
from geoservices.letters.models import EmailAddress, Letter, LetterKind
from geoservices.letters.queries import UNFINISHED
from geoservices.notifications.models import Notification
from geoservices.offers.models import Offer, Redemption
from geoservices.offers.rules import Renewal
from geoservices.phones.models import PhoneLink
from geoservices.pings.models import Ping
from geoservices.places.models import Place
from geoservices.settings.privacy import RetentionSettings
from geoservices.subscriptions.models import Subscription
from geoservices.tasks.models import TaskStep
from geoservices.visits.models import Transition, Visit


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What goes, and when."""

    name: str
    id: InstrumentedAttribute[Any]
    period: Callable[[RetentionSettings], timedelta]
    is_over: Callable[[datetime], ColumnElement[bool]]
    """Given the instant before which it must have come to its end."""


def _sensitive(
    place_id: InstrumentedAttribute[UUID] | InstrumentedAttribute[UUID | None],
    at: InstrumentedAttribute[datetime],
) -> ColumnElement[bool]:
    """Return the condition that a place is sensitive now, or was at the row's own instant.

    A school is a polling place for a day, and who was there on that day is told of no longer than
    if it still were one.
    """
    held = and_(
        Place.sensitive_kind.is_not(None),
        or_(Place.sensitive_from.is_(None), Place.sensitive_from <= at),
        or_(Place.sensitive_until.is_(None), Place.sensitive_until > at),
    )
    marked = select(Place.id).where(
        Place.id == place_id, or_(Place.sensitive_at.is_not(None), held)
    )
    return marked.exists()


def _ended(before: datetime) -> ColumnElement[bool]:
    over = select(Occurrence.id).where(
        Occurrence.id == SignUp.occurrence_id, Occurrence.ends_at < before
    )
    return over.exists()


def _ended_where_sensitive(before: datetime) -> ColumnElement[bool]:
    over = (
        select(Occurrence.id)
        .join(Event, Event.id == Occurrence.event_id)
        .where(
            Occurrence.id == SignUp.occurrence_id,
            Occurrence.ends_at < before,
            _sensitive(Event.place_id, Occurrence.starts_at),
        )
    )
    return over.exists()


def _counts(before: datetime) -> ColumnElement[bool]:
    """Return the condition that a redemption counts towards a limit that never begins anew."""
    limiting = select(Offer.id).where(
        Offer.id == Redemption.offer_id,
        Offer.per_person.is_not(None),
        Offer.per_person_renews == Renewal.NEVER,
        or_(Offer.ends_at.is_(None), Offer.ends_at >= before),
        or_(Offer.withdrawn_at.is_(None), Offer.withdrawn_at >= before),
    )
    return limiting.exists()


def _told() -> ColumnElement[bool]:
    return select(Notification.id).where(Notification.decision_id == Decision.id).exists()


def _followed() -> ColumnElement[bool]:
    later = aliased(Decision)
    return select(later.id).where(later.follows_id == Decision.id).exists()


def _did_anything() -> ColumnElement[bool]:
    left: list[InstrumentedAttribute[UUID]] = [
        Visit.device_id,
        Transition.device_id,
        CheckIn.device_id,
        Ping.device_id,
        Subscription.device_id,
    ]
    return or_(*(select(of_device).where(of_device == Device.id).exists() for of_device in left))


def _held() -> ColumnElement[bool]:
    return select(Consent.id).where(Consent.id == ConsentReceipt.consent_id).exists()


RULES = (
    Rule(
        name="visits",
        id=Visit.id,
        period=lambda kept: kept.visits,
        is_over=lambda before: Visit.exited_at < before,
    ),
    Rule(
        name="crossings",
        id=Transition.id,
        period=lambda kept: kept.visits,
        is_over=lambda before: Transition.visit_id.is_(None) & (Transition.occurred_at < before),
    ),
    Rule(
        name="check_ins",
        id=CheckIn.id,
        period=lambda kept: kept.check_ins,
        is_over=lambda before: CheckIn.received_at < before,
    ),
    Rule(
        name="sensitive_check_ins",
        id=CheckIn.id,
        period=lambda kept: kept.sensitive_check_ins,
        is_over=lambda before: (
            (CheckIn.received_at < before) & _sensitive(CheckIn.place_id, CheckIn.claimed_at)
        ),
    ),
    Rule(
        name="sensitive_decisions",
        id=Decision.id,
        period=lambda kept: kept.sensitive_check_ins,
        is_over=lambda before: (
            (Decision.decided_at < before) & _sensitive(Decision.place_id, Decision.decided_at)
        ),
    ),
    Rule(
        name="sign_ups",
        id=SignUp.id,
        period=lambda kept: kept.sign_ups,
        is_over=_ended,
    ),
    Rule(
        name="sensitive_sign_ups",
        id=SignUp.id,
        period=lambda kept: kept.sensitive_check_ins,
        is_over=_ended_where_sensitive,
    ),
    Rule(
        name="redemptions",
        id=Redemption.id,
        period=lambda kept: kept.redemptions,
        is_over=lambda before: (Redemption.redeemed_at < before) & ~_counts(before),
    ),
    Rule(
        name="sensitive_redemptions",
        id=Redemption.id,
        period=lambda kept: kept.sensitive_check_ins,
        is_over=lambda before: (
            (Redemption.redeemed_at < before) & _sensitive(Redemption.place_id, Redemption.made_at)
        ),
    ),
    Rule(
        name="redemption_codes",
        id=Redemption.id,
        period=lambda kept: kept.redemption_codes,
        is_over=lambda before: Redemption.redeemed_at.is_(None) & (Redemption.expires_at < before),
    ),
    Rule(
        name="notifications",
        id=Notification.id,
        period=lambda kept: kept.notifications,
        is_over=lambda before: Notification.surfaced_at < before,
    ),
    # Behind notifications, so that what a decision made goes before it. What held a message back
    # first goes after what was decided of it later.
    Rule(
        name="decisions",
        id=Decision.id,
        period=lambda kept: kept.decisions,
        is_over=lambda before: (Decision.decided_at < before) & ~_told() & ~_followed(),
    ),
    Rule(
        name="letters",
        id=Letter.id,
        period=lambda kept: kept.letters,
        is_over=lambda before: (
            (Letter.created_at < before)
            & (Letter.kind == LetterKind.DIGEST)
            & Letter.state.not_in(UNFINISHED)
        ),
    ),
    Rule(
        name="subscriptions",
        id=Subscription.id,
        period=lambda kept: kept.subscriptions,
        is_over=lambda before: Subscription.ended_at < before,
    ),
    Rule(
        name="phone_links",
        id=PhoneLink.id,
        period=lambda kept: kept.phone_links,
        is_over=lambda before: PhoneLink.revoked_at < before,
    ),
    Rule(
        name="sign_ins",
        id=SignIn.id,
        period=lambda kept: kept.sign_ins,
        is_over=lambda before: func.coalesce(SignIn.revoked_at, SignIn.expires_at) < before,
    ),
    Rule(
        name="task_steps",
        id=TaskStep.id,
        period=lambda kept: kept.task_steps,
        is_over=lambda before: TaskStep.received_at < before,
    ),
    Rule(
        name="tokens",
        id=OtherToken.token_hash,
        period=lambda kept: kept.devices,
        is_over=lambda before: OtherToken.ended_at < before,
    ),
    # Behind all that is kept of what a device did, which would go with it.
    Rule(
        name="devices",
        id=Device.id,
        period=lambda kept: kept.devices,
        is_over=lambda before: (Device.revoked_at < before) & ~_did_anything(),
    ),
    Rule(
        name="codes",
        id=Code.id,
        period=lambda kept: kept.codes,
        is_over=lambda before: or_(Code.revoked_at < before, Code.valid_until < before),
    ),
    # What lies in the store goes when that is swept.
    Rule(
        name="photos",
        id=File.id,
        period=lambda kept: kept.photos,
        is_over=lambda before: File.added_at < before,
    ),
    Rule(
        name="task_imports",
        id=TaskImport.id,
        period=lambda kept: kept.task_imports,
        is_over=lambda before: TaskImport.asked_at < before,
    ),
    Rule(
        name="replays",
        id=CampaignReplay.id,
        period=lambda kept: kept.replays,
        is_over=lambda before: CampaignReplay.done_at < before,
    ),
    Rule(
        name="consents",
        id=Consent.id,
        period=lambda kept: kept.consents,
        is_over=lambda before: Consent.withdrawn_at < before,
    ),
    Rule(
        name="consent_receipts",
        id=ConsentReceipt.id,
        period=lambda kept: kept.consents,
        is_over=lambda before: (ConsentReceipt.occurred_at < before) & ~_held(),
    ),
)
"""In the order in which they are applied."""


def delete_over(session: Session, rule: Rule, *, before: datetime, limit: int) -> int:
    """Delete up to `limit` rows that a rule says are over; return how many went.

    Rows that someone holds are passed over and go the next time.
    """
    over = (
        select(rule.id).where(rule.is_over(before)).limit(limit).with_for_update(skip_locked=True)
    )
    gone: Any = session.execute(
        delete(rule.id.class_).where(rule.id.in_(over)),
        execution_options={"synchronize_session": False},
    )
    return int(gone.rowcount)


def sign_off_unused(session: Session, *, before: datetime, at: datetime, limit: int) -> int:
    """Sign off up to `limit` devices that were last heard of before an instant; return how many.

    A browser that is still pushed to stays; once nobody looks at what it shows, its subscription
    ends by itself. Devices that someone holds are passed over.
    """
    heard_of = func.greatest(Device.created_at, Device.last_used_at, Device.followed_until)
    is_pushed_to = select(Subscription.id).where(
        Subscription.device_id == Device.id, Subscription.ended_at.is_(None)
    )
    unused = (
        select(Device.id)
        .where(Device.revoked_at.is_(None), heard_of < before, ~is_pushed_to.exists())
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    gone: Any = session.execute(
        update(Device).where(Device.id.in_(unused)).values(revoked_at=at),
        execution_options={"synchronize_session": False},
    )
    return int(gone.rowcount)


def people_left(session: Session, *, before: datetime, limit: int) -> Sequence[UUID]:
    """Return up to `limit` citizens whom nobody can be any more, and whom nothing reaches.

    They have no device, nor had one since an instant, and confirmed no address. Those who are
    being erased are left out.
    """
    has_device = select(Device.id).where(
        Device.person_id == Person.id, or_(Device.revoked_at.is_(None), Device.revoked_at >= before)
    )
    is_written_to = select(EmailAddress.id).where(
        EmailAddress.person_id == Person.id, EmailAddress.confirmed_at.is_not(None)
    )
    return session.scalars(
        select(Person.id)
        .where(
            Person.role == Role.CITIZEN,
            Person.created_at < before,
            Person.disabled_at.is_(None),
            ~has_device.exists(),
            ~is_written_to.exists(),
        )
        .limit(limit)
    ).all()
