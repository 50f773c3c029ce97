"""What the people of a batch were told before, and what they are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from geoservices.campaigns import queries
from geoservices.campaigns.models import Campaign, Decision
from geoservices.campaigns.occasions import Occasion
from geoservices.campaigns.rules import CampaignClass
from geoservices.campaigns.speaking import Speaker

Pair = tuple[UUID, UUID]


@dataclass(slots=True, kw_only=True)
class History:
    """What the people of a batch were told and are, read once and kept up as it is decided."""

    told: dict[UUID, int]
    last: dict[Pair, Decision]
    of_open_visits: set[UUID]
    by_campaign: dict[Pair, list[datetime]] = field(default_factory=dict)
    """When each campaign with a cap of its own told each person."""
    teams: Mapping[UUID, frozenset[UUID]] = field(default_factory=dict)
    came: Mapping[Pair, Sequence[datetime]] = field(default_factory=dict)
    """When each person came to each place, if any campaign asks."""

    def add(self, decision: Decision, campaign: Campaign) -> None:
        """The next decision about this person must see this one."""
        if campaign.campaign_class != CampaignClass.CRITICAL:
            self.told[decision.person_id] = self.told.get(decision.person_id, 0) + 1
        self.last[campaign.id, decision.person_id] = decision
        self.by_campaign.setdefault((campaign.id, decision.person_id), []).append(
            decision.decided_at
        )


def read_history(
    session: Session,
    occasions: Sequence[Occasion],
    listening: Mapping[UUID | None, Sequence[Speaker]],
    *,
    since: datetime,
    at: datetime,
) -> History:
    """Read what deciding on a batch has to know; the cap on a person counts `since` an instant."""
    people = {occasion.person.id for occasion in occasions}
    speakers = [speaker for there in listening.values() for speaker in there]
    last = queries.last_told(session, [speaker.campaign.id for speaker in speakers], people)
    visited = {occasion.transition_id for occasion in occasions}
    visited |= {decision.transition_id for decision in last.values()}
    history = History(
        told=queries.told_since(session, people, since=since),
        last=last,
        of_open_visits=queries.of_open_visits(session, filter(None, visited)),
    )
    # Most campaigns ask for none of these.
    if caps := {one.campaign.id: one.definition.cap for one in speakers if one.definition.cap}:
        longest = max(cap.within for cap in caps.values())
        history.by_campaign = queries.told_by(session, caps, people, since=at - longest)
    audiences = [speaker.definition.audience for speaker in speakers]
    if any(audience.team_ids for audience in audiences):
        history.teams = queries.teams_of(session, people)
    if spans := [one.visited_within for one in audiences if one.visited is not None]:
        first = min(occasion.occurred_at for occasion in occasions)
        places = {occasion.place_id for occasion in occasions if occasion.place_id}
        history.came = queries.came_since(session, people, places, since=first - max(spans))
    return history
