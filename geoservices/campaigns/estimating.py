"""How many messages a campaign would have sent, counted from what people have done lately."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from geoservices.campaigns.audiences import Listener, fits, is_held_out
from geoservices.campaigns.cooldowns import Spot
from geoservices.campaigns.definitions import Definition
from geoservices.campaigns.pacing import Telling, last_told, told_by_campaign
from geoservices.campaigns.rules import CampaignClass
from geoservices.campaigns.windows import Weekly, is_on
from geoservices.statistics import counting

LOOKED_BACK: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """Something that somebody did at a place, and who they are."""

    person_id: UUID
    spot: Spot
    occurred_at: datetime
    confidence: int
    role: str
    language: str
    team_ids: frozenset[UUID]
    skills: Collection[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """Messages a day and people, in steps; None of fewer than `smallest`."""

    messages_a_day: int | None
    people: int | None
    smallest: int


def estimate(
    recorded: Iterable[Recorded],
    definition: Definition,
    *,
    weekly: Weekly,
    campaign_id: UUID,
    campaign_class: CampaignClass,
    smallest: int,
) -> Estimate:
    """Count whom a definition would have told in the days that are looked back on, and how often.

    Each message holds back the next ones by the campaign's own cooldown and cap. Everybody counts
    as having come before and not: quiet hours, the caps on a person and what else is their own
    are left out. Those alone are counted who agreed to be, so there may be others besides.

    Args:
        recorded: What happened, the earliest first.
        definition: The campaign's.
        weekly: Its windows.
        campaign_id: Whose lots are drawn.
        campaign_class: Of its messages.
        smallest: Fewer people, or messages, than this are not told of.
    """
    told: dict[UUID, list[Telling]] = {}
    anybody = replace(definition.audience, visited=None)
    for one in recorded:
        listener = Listener(
            person_id=one.person_id,
            role=one.role,
            language=one.language,
            team_ids=one.team_ids,
            skills=one.skills,
            came=(),
        )
        hears = fits(anybody, listener, campaign_id=campaign_id, occurred_at=one.occurred_at)
        if not hears or one.confidence < definition.min_confidence:
            continue
        if not is_on(weekly, one.occurred_at) or is_held_out(
            definition.audience, campaign_id=campaign_id, person_id=one.person_id
        ):
            continue
        before = told.setdefault(one.person_id, [])
        telling = Telling(
            person_id=one.person_id,
            campaign_id=campaign_id,
            campaign_class=campaign_class,
            spot=one.spot,
            told_at=one.occurred_at,
            visit_goes_on=False,
        )
        if _may(definition, before, telling):
            before.append(telling)
    people = sum(bool(times) for times in told.values())
    messages = sum(map(len, told.values())) // LOOKED_BACK.days
    # Of few people nothing is told, and of many in steps: two estimates find nobody between them.
    return Estimate(
        messages_a_day=counting.told(messages, smallest=smallest) if people >= smallest else None,
        people=counting.told(people, smallest=smallest),
        smallest=smallest,
    )


def in_words(found: Estimate) -> str:
    """Return how many messages it is."""
    if found.messages_a_day is None:
        return f"fewer than {found.smallest} messages"
    return f"about {found.messages_a_day} messages"


def _may(definition: Definition, before: Sequence[Telling], now: Telling) -> bool:
    campaign_id, at, cap = now.campaign_id, now.told_at, definition.cap
    last = last_told(before, campaign_id, spot=now.spot, per=definition.cooldown_per)
    if last is not None and at - last.told_at < definition.cooldown:
        return False
    return cap is None or told_by_campaign(before, campaign_id, cap, at=at) < cap.messages
