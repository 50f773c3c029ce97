"""What people do to reach the goals of campaigns: who did it, and when."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import TypeAlias
from uuid import UUID

from sqlalchemy import DateTime, Select, func, literal, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from geoservices.access.actors import by_operator
from geoservices.access.rights import Right
from geoservices.accounts.models import Device
from geoservices.calendars.recurrence import Span
from geoservices.campaigns.definitions import PlaceSet
from geoservices.campaigns.place_queries import is_for
from geoservices.checkins.models import CheckIn
from geoservices.checkins.verification import Evidence
from geoservices.events.models import Event, Occurrence, SignUp
from geoservices.offers.models import Redemption
from geoservices.places.models import Place

Deeds: TypeAlias = Select[UUID, datetime] | Select[UUID, datetime | None]
"""Who did something, and when: the columns `person_id` and `at`."""


def checking_in(
    places: PlaceSet, organisation_id: UUID, *, from_: datetime, until: datetime
) -> Deeds:
    """Return who checked in at places of an organisation's, or whose statistics it is shown."""
    grant = by_operator(organisation_id, Right.STATISTICS_READ)
    there = select(Place.id).where(is_for(places, grant), Place.sensitive_at.is_(None))
    return _check_ins(from_, until).where(CheckIn.place_id.in_(there))


def redeeming(offer_id: UUID) -> Deeds:
    """Return who redeemed an offer."""
    return select(Redemption.person_id, Redemption.redeemed_at.label("at")).where(
        Redemption.offer_id == offer_id, Redemption.redeemed_at.is_not(None)
    )


def signing_up(event_id: UUID) -> Deeds:
    """Return who signed up for an event, whichever occurrence."""
    return (
        select(SignUp.person_id, SignUp.signed_up_at.label("at"))
        .join(Occurrence, Occurrence.id == SignUp.occurrence_id)
        .where(Occurrence.event_id == event_id)
    )


def attending(event: Event, spans: Sequence[Span], *, early: timedelta) -> Deeds:
    """Return who checked in where and while an event is on, as attendance is noted.

    Whether they signed up is not asked: sign-ups are deleted before check-ins are.

    Args:
        event: Which event.
        spans: Those of its occurrences that take place, at least one.
        early: How long before the start one may come.
    """
    suffice = [one for one in Evidence if _rank(one) >= Evidence(event.evidence_needed).rank]
    instants = ARRAY(DateTime(timezone=True))
    on = (
        func.unnest(
            literal([span.starts_at - early for span in spans], instants),
            literal([span.ends_at for span in spans], instants),
        )
        .table_valued("starts_at", "ends_at")
        .render_derived("occurrences")
    )
    began, ended = min(one.starts_at for one in spans) - early, max(one.ends_at for one in spans)
    return (
        _check_ins(began, ended)
        .join(on, (CheckIn.claimed_at >= on.c.starts_at) & (CheckIn.claimed_at < on.c.ends_at))
        .where(CheckIn.place_id == event.place_id, CheckIn.evidence.in_(suffice))
    )


def called_off(session: Session, event_id: UUID) -> Collection[datetime]:
    """Return when those occurrences of an event would have begun that were cancelled."""
    return set(
        session.scalars(
            select(Occurrence.starts_at).where(
                Occurrence.event_id == event_id, Occurrence.cancelled_at.is_not(None)
            )
        )
    )


def _check_ins(from_: datetime, until: datetime) -> Select[UUID, datetime]:
    return (
        select(Device.person_id, CheckIn.claimed_at.label("at"))
        .join(Device, Device.id == CheckIn.device_id)
        .where(CheckIn.claimed_at > from_, CheckIn.claimed_at <= until)
    )


def _rank(evidence: Evidence) -> int:
    # As everywhere, what asks for a person's word is content with any.
    return max(evidence.rank, Evidence.SELF_DECLARED.rank)
