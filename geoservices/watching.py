"""What is watched at a place, by whom and what for: for whoever stands there and wants to know."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from geoservices.access.rights import Role
from geoservices.accounts import queries as accounts
from geoservices.accounts.models import Purpose
from geoservices.campaigns import place_queries
from geoservices.campaigns.rules import BY_PASSING, Trigger
from geoservices.campaigns.speaking import Speaker
from geoservices.campaigns.versions import definitions_of
from geoservices.geofences import queries as geofences
from geoservices.geofences.models import Geofence
from geoservices.places import service as places
from geoservices.places.models import Place
from geoservices.scopes import everywhere


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """What an organisation does with citizens' comings and goings for one purpose.

    So many `campaigns` are set off by what they `noticed`.
    """

    organisation: str
    purpose: Purpose
    noticed: Collection[Trigger]
    campaigns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Watching:
    """What is watched at a place: nothing where there are no areas.

    `organisation` is whose place it is.
    """

    place: Place
    organisation: str
    areas: Sequence[Geofence]
    uses: Sequence[Use]


def watching_at(session: Session, place_id: UUID, *, at: datetime) -> Watching:
    """Return what is watched at a place now. Whatever concerns staff alone is left out.

    Raises:
        NotFound: There is no such place.
    """
    place = places.get_place(session, place_id)
    with everywhere(session):
        areas = [] if place.sensitive_at else geofences.watched_at(session, place_id)
        return Watching(
            place=place,
            organisation=accounts.organisation_by_id(session, place.organisation_id).name,
            areas=areas,
            uses=_uses(_speakers(session, place_id, at)) if areas else [],
        )


def _speakers(session: Session, place_id: UUID, at: datetime) -> list[Speaker]:
    heard = place_queries.listening_to(session, [place_id], at=at)
    defined = definitions_of(session, {one.key for one in heard})
    speakers = [Speaker.of(one, defined[one.key]) for one in heard]
    return [
        speaker
        for speaker in speakers
        if Role.CITIZEN in speaker.definition.audience.roles
        and any(speaker.listens_for(trigger, at) for trigger in BY_PASSING)
    ]


def _uses(speakers: Sequence[Speaker]) -> list[Use]:
    by_use: dict[tuple[str, str], list[Speaker]] = defaultdict(list)
    for speaker in speakers:
        by_use[speaker.organisation.name, speaker.campaign.purpose].append(speaker)
    return [
        Use(
            organisation=organisation,
            purpose=Purpose(purpose),
            noticed=[
                trigger
                for trigger in Trigger
                if trigger in BY_PASSING
                and any(trigger in speaker.definition.triggers for speaker in found)
            ],
            campaigns=len({speaker.campaign.id for speaker in found}),
        )
        for (organisation, purpose), found in sorted(by_use.items())
    ]
