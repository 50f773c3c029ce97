"""Whom a campaign is for. Who does not fit hears nothing of it, and nothing is decided."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from geoservices.campaigns.chances import Draw, lot
from geoservices.campaigns.definitions import Audience, Visited
from geoservices.languages import is_in_range

APART: Final = timedelta(hours=12)
"""What somebody did at a place less than this before belongs to the same coming there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """What is known of somebody who has come to a place.

    `language` is theirs or, if they chose none, the organisation's. `came` says when they came to
    the place before, as far back as is kept, and `interests` has the keys of the organisation's
    topics that they want to hear of.
    """

    person_id: UUID
    role: str
    language: str
    team_ids: Collection[UUID]
    skills: Collection[str]
    came: Collection[datetime]
    interests: Collection[str] = ()


def fits(
    audience: Audience, listener: Listener, *, campaign_id: UUID, occurred_at: datetime
) -> bool:
    """Tell whether somebody who did something at an instant is one whom a campaign is for."""
    if listener.role not in audience.roles:
        return False
    for asked, theirs in (
        (audience.team_ids, listener.team_ids),
        (audience.skills, listener.skills),
        (audience.interests, listener.interests),
    ):
        if asked and set(asked).isdisjoint(theirs):
            return False
    if audience.languages and not is_in_range(listener.language, audience.languages):
        return False
    if audience.visited is not None and _visited(audience, listener, occurred_at) is not (
        audience.visited
    ):
        return False
    return lot(Draw.SAMPLE, campaign_id, listener.person_id) < audience.sample


def interests_met(audience: Audience, interests: Collection[str]) -> list[str]:
    """Return which of the topics that a campaign is for somebody wants to hear of."""
    return [one for one in audience.interests if one in interests]


def is_held_out(audience: Audience, *, campaign_id: UUID, person_id: UUID) -> bool:
    """Tell whether the lot fell on somebody to be decided about and told nothing."""
    return lot(Draw.HOLD_OUT, campaign_id, person_id) < audience.hold_out


def _visited(audience: Audience, listener: Listener, occurred_at: datetime) -> Visited:
    since = occurred_at - audience.visited_within
    came = any(since <= before <= occurred_at - APART for before in listener.came)
    return Visited.RETURNING if came else Visited.NEW
