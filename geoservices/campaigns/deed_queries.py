"""What is asked of what people did, to know whether a campaign is for them (`conditions`)."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeAlias
from uuid import UUID

from geoalchemy2 import Geometry
from sqlalchemy import (
    ColumnElement,
    DateTime,
    Select,
    Uuid,
    any_,
    cast,
    column,
    exists,
    func,
    literal,
    or_,
    select,
    table,
    union_all,
)
from sqlalchemy.orm import InstrumentedAttribute, Session

from geoservices.accounts.models import Device, Person
from geoservices.campaigns.conditions import Deed, Whose, subject_of
from geoservices.campaigns.definitions import Audience, Condition, Did
from geoservices.campaigns.models import Campaign, CampaignPlace, CampaignVersion, Decision
from geoservices.campaigns.place_queries import is_reached
from geoservices.campaigns.speaking import Speaker
from geoservices.checkins.models import CheckIn
from geoservices.database import among
from geoservices.events.models import Occurrence, SignUp
from geoservices.listings.models import Listing
from geoservices.offers.models import Redemption
from geoservices.places.models import Place
from geoservices.tasks.models import TaskStep
from geoservices.tasks.states import StepKind

Deeds: TypeAlias = Select[Any, Any, Any, Any, Any]
"""The columns `person_id`, `of`, `owner`, `at` (as `Deed` has them) and `known_at`."""

# What came of a message lies above campaigns, and this is all that they know of it.
_NOTIFICATIONS: Final = table(
    "notifications", column("decision_id", Uuid), column("read_at", DateTime(timezone=True))
)


@dataclass(slots=True)
class Sought:
    """Of which listings, campaigns and organisations deeds of a kind are asked for, since when."""

    subjects: set[UUID]
    since: datetime

    def add(self, subject: UUID, since: datetime) -> None:
        """Look for one more."""
        self.subjects.add(subject)
        self.since = min(self.since, since)


def sought_by(speakers: Iterable[Speaker], *, at: datetime) -> dict[Did, Sought]:
    """Return what is to be looked for, so that it can be known at an instant whom they are for."""
    found: dict[Did, Sought] = {}
    for speaker in speakers:
        for one in speaker.definition.audience.conditions:
            subject, since = subject_of(one, speaker.whose), at - one.within
            found.setdefault(one.did, Sought(set(), since)).add(subject, since)
    return found


def deeds_of(
    session: Session, person_ids: Iterable[UUID], sought: Mapping[Did, Sought]
) -> dict[UUID, list[Deed]]:
    """Return what people did of what is sought, by person; one statement."""
    people = list(person_ids)
    parts = []
    for did, what in sought.items():
        deeds = _DEEDS[did](what.subjects).where(among(_BY[did], people)).subquery()
        parts.append(
            select(
                deeds.c.person_id, literal(did.value), deeds.c.of, deeds.c.owner, deeds.c.at
            ).where(deeds.c.at > what.since)
        )
    found: dict[UUID, list[Deed]] = {}
    for person_id, did, of, owner, at in session.execute(union_all(*parts)):
        found.setdefault(person_id, []).append(Deed(Did(did), of, owner, at))
    return found


def did_all(audience: Audience, whose: Whose, *, at: datetime) -> list[ColumnElement[bool]]:
    """Return the conditions that a person has done what an audience has, and nothing it has not.

    They let everybody through whom `conditions.holds` does, and hardly anybody else.
    """
    return [
        *(_did(one, whose, at) for one in audience.has),
        *(~_did(one, whose, at) for one in audience.has_not),
    ]


def deeds(condition: Condition, whose: Whose, *, places: Select[UUID]) -> Deeds:
    """Return who did what a condition asks for, and when; `places` are the campaign's."""
    if condition.did is Did.CHECKED_IN:
        of = literal(whose.campaign_id, Uuid)
        return _check_ins(of).where(CheckIn.place_id.in_(places))
    return _DEEDS[condition.did]([subject_of(condition, whose)])


def _did(condition: Condition, whose: Whose, at: datetime) -> ColumnElement[bool]:
    found = _DEEDS[condition.did]([subject_of(condition, whose)])
    one = found.where(_BY[condition.did] == Person.id).correlate(Person).subquery()
    return exists().where(one.c.at > at - condition.within, one.c.at <= at)


def _checked_in(campaigns: Collection[UUID]) -> Deeds:
    """Return who checked in at campaigns' places as these are now; at a partner's it is theirs."""
    own = Campaign.organisation_id == Place.organisation_id
    listed = exists().where(Listing.id == CampaignPlace.listing_id, Listing.place_id == Place.id)
    means = or_(
        CampaignPlace.place_id == Place.id,
        CampaignPlace.tag == any_(Place.tags),
        CampaignPlace.category == Place.category,
        func.ST_Covers(CampaignPlace.area, cast(Place.point, Geometry)),
        func.ST_DWithin(CampaignPlace.centre, Place.point, CampaignPlace.radius_m),
        listed,
    )
    return (
        _check_ins(CampaignPlace.campaign_id)
        .join(Place, Place.id == CheckIn.place_id)
        .join(CampaignPlace, means)
        .join(Campaign, (Campaign.id == CampaignPlace.campaign_id) & own)
        .join(
            CampaignVersion,
            (CampaignVersion.campaign_id == CampaignPlace.campaign_id)
            & (CampaignVersion.number == CampaignPlace.number),
        )
        .where(
            among(CampaignPlace.campaign_id, campaigns),
            Place.sensitive_at.is_(None),
            is_reached(Place.tags, Place.point, own),
        )
    )


def _check_ins(campaign_id: ColumnElement[UUID] | InstrumentedAttribute[UUID]) -> Deeds:
    return (
        select(
            Device.person_id.label("person_id"),
            campaign_id.label("of"),
            campaign_id.label("owner"),
            CheckIn.claimed_at.label("at"),
            CheckIn.received_at.label("known_at"),
        )
        .select_from(CheckIn)
        .join(Device, Device.id == CheckIn.device_id)
    )


def _opened(campaigns: Collection[UUID]) -> Deeds:
    read_at = _NOTIFICATIONS.c.read_at
    return (
        select(
            Decision.person_id.label("person_id"),
            Decision.campaign_id.label("of"),
            Decision.campaign_id.label("owner"),
            read_at.label("at"),
            read_at.label("known_at"),
        )
        .join(_NOTIFICATIONS, _NOTIFICATIONS.c.decision_id == Decision.id)
        .where(
            among(Decision.campaign_id, campaigns),
            Decision.gate.is_(None),
            read_at.is_not(None),
        )
    )


def _redeemed(subjects: Collection[UUID]) -> Deeds:
    return select(
        Redemption.person_id.label("person_id"),
        Redemption.offer_id.label("of"),
        Redemption.organisation_id.label("owner"),
        Redemption.redeemed_at.label("at"),
        Redemption.redeemed_at.label("known_at"),
    ).where(
        among(Redemption.offer_id, subjects) | among(Redemption.organisation_id, subjects),
        Redemption.redeemed_at.is_not(None),
        _ordinary(Redemption.place_id),
    )


def _signed_up(subjects: Collection[UUID]) -> Deeds:
    return (
        select(
            SignUp.person_id.label("person_id"),
            Listing.id.label("of"),
            Listing.organisation_id.label("owner"),
            SignUp.signed_up_at.label("at"),
            SignUp.signed_up_at.label("known_at"),
        )
        .select_from(SignUp)
        .join(Occurrence, Occurrence.id == SignUp.occurrence_id)
        .join(Listing, Listing.id == Occurrence.event_id)
        .where(
            among(Listing.id, subjects) | among(Listing.organisation_id, subjects),
            _ordinary(Listing.place_id),
        )
    )


def _done(subjects: Collection[UUID]) -> Deeds:
    return select(
        TaskStep.person_id.label("person_id"),
        TaskStep.task_id.label("of"),
        TaskStep.organisation_id.label("owner"),
        TaskStep.occurred_at.label("at"),
        TaskStep.received_at.label("known_at"),
    ).where(
        among(TaskStep.task_id, subjects) | among(TaskStep.organisation_id, subjects),
        TaskStep.kind == StepKind.DONE,
        TaskStep.person_id.is_not(None),
    )


def _ordinary(place_id: InstrumentedAttribute[UUID]) -> ColumnElement[bool]:
    """Return the condition that a place is not sensitive, where having been is nobody's affair."""
    return exists().where(Place.id == place_id, Place.sensitive_at.is_(None))


_DEEDS: Final[Mapping[Did, Callable[[Collection[UUID]], Deeds]]] = {
    Did.CHECKED_IN: _checked_in,
    Did.OPENED: _opened,
    Did.REDEEMED: _redeemed,
    Did.SIGNED_UP: _signed_up,
    Did.DONE: _done,
}
_BY: Final[Mapping[Did, Any]] = {
    Did.CHECKED_IN: Device.person_id,
    Did.OPENED: Decision.person_id,
    Did.REDEEMED: Redemption.person_id,
    Did.SIGNED_UP: SignUp.person_id,
    Did.DONE: TaskStep.person_id,
}
"""By whom it was done: the column that an index finds."""
