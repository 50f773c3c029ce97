"""How many messages a campaign would have sent, counted from what people have done lately."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from geoservices.campaigns.amounts import so_many
from geoservices.campaigns.audiences import Listener, fits, is_held_out
from geoservices.campaigns.cooldowns import Spot
from geoservices.campaigns.definitions import Definition
from geoservices.campaigns.pacing import Telling, last_told, told_by_campaign, told_on
from geoservices.campaigns.rules import CampaignClass
from geoservices.campaigns.windows import Weekly, is_on
from geoservices.statistics import counting

LOOKED_BACK: Final = timedelta(days=7)
NOWHERE: Final = Spot(place_id=None, parent_id=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """Something that somebody did at a place, and who they are.

    `left_at` is when the visit `visit_id` ended, None where it goes on; what comes of no visit is
    over at once.
    """

    person_id: UUID
    spot: Spot
    occurred_at: datetime
    left_at: datetime | None
    confidence: int
    role: str
    language: str
    team_ids: frozenset[UUID]
    skills: Collection[str]
    interests: Collection[str] = ()
    visit_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OfRuns:
    """Whom each run would tell and what a timetable comes to, in steps; None of too few.

    `in_a_week` is how many runs the timetable has in its first seven days; None without one, as
    nobody knows how often somebody will ask, or something will be published.
    """

    people: int | None
    in_a_week: int | None
    messages_a_day: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """Messages a day and people, in steps; None of fewer than `smallest`. And what runs come to."""

    messages_a_day: int | None
    people: int | None
    smallest: int
    runs: OfRuns | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Telling(Telling):
    """With when the visit that was the cause ended; None if it goes on."""

    left_at: datetime | None


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

    Each message holds back the next ones by the campaign's own cooldown and cap, and on the same
    visit. Everybody counts as having come before and not, and as having done what is asked for:
    quiet hours, the caps on a person and what else is their own are left out. Those alone are
    counted who agreed to be, so there may be others besides.

    Args:
        recorded: What happened, the earliest first.
        definition: The campaign's.
        weekly: Its windows.
        campaign_id: Whose lots are drawn.
        campaign_class: Of its messages.
        smallest: Fewer people, or messages, than this are not told of.
    """
    told: dict[UUID, list[_Telling]] = {}
    anybody = replace(definition.audience, visited=None)
    for one in recorded:
        listener = Listener(
            person_id=one.person_id,
            role=one.role,
            language=one.language,
            team_ids=one.team_ids,
            skills=one.skills,
            came=(),
            interests=one.interests,
        )
        hears = fits(anybody, listener, campaign_id=campaign_id, occurred_at=one.occurred_at)
        if not hears or one.confidence < definition.min_confidence:
            continue
        if not is_on(weekly, one.occurred_at) or is_held_out(
            definition.audience, campaign_id=campaign_id, person_id=one.person_id
        ):
            continue
        if one.person_id not in told and len(told) == definition.audience.at_most:
            continue
        before = told.setdefault(one.person_id, [])
        telling = _Telling(
            person_id=one.person_id,
            campaign_id=campaign_id,
            campaign_class=campaign_class,
            spot=one.spot,
            told_at=one.occurred_at,
            visit_goes_on=False,
            visit_id=one.visit_id,
            left_at=one.left_at,
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


def estimate_runs(
    count: int,
    moments: Sequence[datetime] | None,
    definition: Definition,
    *,
    weekly: Weekly,
    campaign_id: UUID,
    campaign_class: CampaignClass,
    smallest: int,
) -> OfRuns:
    """Say what runs come to: whom each would tell, and how often those of a timetable would.

    Quiet hours and whatever else is each person's are left out, as of `estimate`.

    Args:
        count: How many people a run goes through.
        moments: When the timetable has a run begin in a week, ascending; None if there is none.
        definition: The campaign's.
        weekly: Its windows.
        campaign_id: Whose runs they are.
        campaign_class: Of its messages.
        smallest: Fewer people, or messages, than this are not told of.
    """
    audience = definition.audience
    people = round(count * audience.sample * (1 - audience.hold_out))
    if audience.at_most is not None:
        people = min(people, audience.at_most)
    told: list[_Telling] = []
    for moment in moments or ():
        telling = _Telling(
            person_id=campaign_id,  # Whoever it is: the same holds for each of them.
            campaign_id=campaign_id,
            campaign_class=campaign_class,
            spot=NOWHERE,
            told_at=moment,
            visit_goes_on=False,
            left_at=moment,
        )
        if is_on(weekly, moment) and _may(definition, told, telling):
            told.append(telling)
    messages = None
    if moments is not None and people >= smallest:
        messages = counting.told(people * len(told) // LOOKED_BACK.days, smallest=smallest)
    return OfRuns(
        people=counting.told(people, smallest=smallest),
        in_a_week=None if moments is None else len(moments),
        messages_a_day=messages,
    )


def in_words(found: Estimate) -> str:
    """Return how many messages a day it is, in sentences."""
    told = f"{_messages(found.messages_a_day, found.smallest)} a day.".capitalize()
    runs = found.runs
    if runs is None:
        return told
    people = f"fewer than {found.smallest} people"
    if runs.people is not None:
        people = f"about {runs.people} people"
    told += f" Each run would tell {people}"
    if runs.in_a_week is None:
        return f"{told}."
    return (
        f"{told}; its timetable has {so_many(runs.in_a_week, 'run')} in its first week, which "
        f"{'comes' if runs.in_a_week == 1 else 'come'} to "
        f"{_messages(runs.messages_a_day, found.smallest)} a day."
    )


def _messages(count: int | None, smallest: int) -> str:
    return f"fewer than {smallest} messages" if count is None else f"about {count} messages"


def _may(definition: Definition, before: Sequence[_Telling], now: _Telling) -> bool:
    campaign_id, at, cap = now.campaign_id, now.told_at, definition.cap
    last = last_told(before, campaign_id, spot=now.spot, per=definition.cooldown_per)
    if last is not None:
        goes_on = last.left_at is None or last.left_at > at
        if goes_on or at - last.told_at < definition.cooldown:
            return False
    if told_on(before, campaign_id, now.visit_id):
        return False
    return cap is None or told_by_campaign(before, campaign_id, cap, at=at) < cap.messages
