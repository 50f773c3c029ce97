"""What there is to know of a campaign before it is published: what speaks against it, its looks."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from geoservices.access.actors import Grant
from geoservices.campaigns import service, windows
from geoservices.campaigns.checking import faults, obstacles
from geoservices.campaigns.definitions import Text
from geoservices.campaigns.drafts import Draft
from geoservices.campaigns.estimating import Estimate
from geoservices.campaigns.forecasting import forecast
from geoservices.campaigns.paces import pace_of_some
from geoservices.campaigns.speaking import figures_of, weekly_of
from geoservices.campaigns.wording import choose_text, fill
from geoservices.languages import normal_language
from geoservices.places import service as places
from geoservices.places.models import Place
from geoservices.settings.service import Settings

A_YEAR = 366
"""So many days ahead clocks are looked at: they change twice."""


class Weight(StrEnum):
    """Whether a finding keeps a campaign from being published."""

    REFUSED = "refused"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something to know of a campaign; `code` is a problem's, or a warning's own."""

    weight: Weight
    code: str
    in_words: str
    field: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """All that was found, and the most that a campaign would send."""

    findings: Sequence[Finding]
    estimate: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What one variant says to somebody, and in which language."""

    variant: str
    weight: int
    language: str
    text: Text


def review(
    session: Session, campaign_id: UUID, *, grant: Grant, settings: Settings, at: datetime
) -> Review:
    """Find all that speaks against a campaign as it is now, and estimate what it would send.

    Raises:
        NotFound: There is no such campaign of the organisation's.
    """
    campaign = service.get_campaign(session, campaign_id, grant=grant)
    draft = service.draft_of(session, campaign, grant=grant)
    smallest = settings.statistics.smallest_count
    estimate = forecast(session, draft, campaign_id, grant=grant, smallest=smallest, at=at)
    refused = [
        *faults(session, draft, grant),
        *obstacles(session, draft, grant, estimate=lambda: estimate, settings=settings, at=at),
    ]
    found = [
        Finding(weight=Weight.REFUSED, code=one.code, in_words=str(one), field=one.field)
        for one in refused
    ]
    return Review(findings=[*found, *_warnings(draft, at)], estimate=estimate)


def preview(
    session: Session,
    campaign_id: UUID,
    *,
    language: str | None,
    place_id: UUID | None,
    grant: Grant,
) -> list[Shown]:
    """Return what each variant says to somebody of a language, at a place or the listing's own.

    Raises:
        NotFound: There is no such campaign of the organisation's, or no such place for it.
        LanguageRefused: `language` is no tag.
    """
    campaign = service.get_campaign(session, campaign_id, grant=grant)
    draft = service.draft_of(session, campaign, grant=grant)
    chosen = place_id or (draft.listing and draft.listing.place_id)
    chosen = chosen or draft.said.definition.only_place
    place = places.get_place_for(session, chosen, grant) if chosen else None
    wanted = language and normal_language(language, field="/language")
    return show(draft, place, language=wanted)


def show(draft: Draft, place: Place | None, *, language: str | None) -> list[Shown]:
    """Return what each variant says at a place, filled as it would be sent."""
    figures = figures_of(
        draft.listing,
        draft.organisation,
        place=place.name if place else None,
        time_zone=place.time_zone if place else draft.organisation.time_zone,
    )
    told: list[Shown] = []
    for variant in draft.said.definition.content:
        tag, text = choose_text(variant, language=language, default=draft.organisation.language)
        told.append(
            Shown(
                variant=variant.name,
                weight=variant.weight,
                language=tag,
                text=fill(text, figures),
            )
        )
    return told


def _warnings(draft: Draft, at: datetime) -> Iterator[Finding]:
    definition = draft.said.definition
    weekly = weekly_of(definition, draft.organisation)
    today = at.astimezone(ZoneInfo(weekly.time_zone)).date()
    for day, window in windows.cut_short(weekly, first=today, days=A_YEAR):
        number = definition.schedule.windows.index(window)
        yield Finding(
            weight=Weight.WARNING,
            code="window-in-skipped-hour",
            in_words=f"Clocks go forward on {day:%d/%m/%Y}: {windows.in_words(window)} is shorter "
            "that day, or does not come at all.",
            field=f"/schedule/windows/{number}",
        )
    pace = pace_of_some(draft, at=at)
    if pace is not None:
        yield Finding(
            weight=Weight.WARNING,
            code="tells-staff-hourly",
            in_words=f"Its timetable could tell each of them {pace.in_words()}, which suits rounds "
            "that are made as often. Otherwise set fewer runs, or a longer cooldown.",
            field="/timetable",
        )
    said = [text for one in definition.content for text in one.texts.values()]
    endless = draft.listing is not None and draft.listing.ends_at is None
    if endless and any("{ends}" in one.title + one.body for one in said):
        yield Finding(
            weight=Weight.WARNING,
            code="listing-without-end",
            in_words="The listing has no end, so “…” stands in place of {ends}.",
            field="/content",
        )
