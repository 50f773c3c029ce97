"""What the people of a batch were told before, and what they are."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from geoservices.campaigns import deed_queries, queries, seat_queries
from geoservices.campaigns.conditions import Deed
from geoservices.campaigns.cooldowns import Spot
from geoservices.campaigns.occasions import Occasion
from geoservices.campaigns.pacing import Telling
from geoservices.campaigns.queries import OfVisit
from geoservices.campaigns.rules import CampaignClass, Limits
from geoservices.campaigns.seat_queries import Seats
from geoservices.campaigns.speaking import Speaker
from geoservices.interests import queries as interest_queries
from geoservices.places.models import Place

Pair = tuple[UUID, UUID]


@dataclass(slots=True, kw_only=True)
class History:
    """What the people of a batch were told and are, read once and kept up as it is decided."""

    tellings: dict[UUID, list[Telling]]
    """By person, the earliest first: all that may count towards a cap or a cooldown."""
    visits: Mapping[UUID, OfVisit]
    """The visits of the occasions' transitions, by transition."""
    teams: Mapping[UUID, frozenset[UUID]] = field(default_factory=dict)
    came: Mapping[Pair, Sequence[datetime]] = field(default_factory=dict)
    """When each person came to each place, if any campaign asks."""
    interests: Mapping[Pair, frozenset[str]] = field(default_factory=dict)
    """Of which topics each person wants to hear, by person and organisation, if any asks."""
    deeds: Mapping[UUID, Sequence[Deed]] = field(default_factory=dict)
    """What each person did of what any campaign asks for."""
    seats: dict[UUID, Seats] = field(default_factory=dict)
    """Those of campaigns that tell so many people at most. Where any is free, they are held."""
    seated: set[Pair] = field(default_factory=set)
    """Whom these have told, by person and campaign."""
    seats_taken: dict[UUID, int] = field(default_factory=dict)
    """How many they have told with what was decided meanwhile."""

    def add(self, occasion: Occasion, speaker: Speaker, *, at: datetime) -> None:
        """Note that somebody is told something: the next decision about them must see it."""
        self._seat(occasion.person.id, speaker)
        visit = self._visit(occasion)
        self.tellings[occasion.person.id].append(
            Telling(
                person_id=occasion.person.id,
                campaign_id=speaker.campaign.id,
                campaign_class=CampaignClass(speaker.campaign.campaign_class),
                spot=spot_of(occasion.place),
                told_at=at,
                visit_goes_on=visit is not None and visit.goes_on,
                visit_id=visit.visit_id if visit else None,
            )
        )

    def visit_of(self, occasion: Occasion) -> UUID | None:
        """Return of which visit an occasion is, if it is of one."""
        visit = self._visit(occasion)
        return visit.visit_id if visit else None

    def full(self, person_id: UUID, speaker: Speaker) -> int | None:
        """Return how many people a campaign tells, if it told as many others than this one."""
        campaign_id = speaker.campaign.id
        seats = self.seats.get(campaign_id)
        if seats is None or (person_id, campaign_id) in self.seated:
            return None
        return seats.most if seats.taken >= seats.most else None

    def _visit(self, occasion: Occasion) -> OfVisit | None:
        return self.visits.get(occasion.transition_id) if occasion.transition_id else None

    def _seat(self, person_id: UUID, speaker: Speaker) -> None:
        campaign_id = speaker.campaign.id
        seats = self.seats.get(campaign_id)
        if seats is not None and (person_id, campaign_id) not in self.seated:
            taken = self.seats_taken[campaign_id] = seats.taken + 1
            self.seats[campaign_id] = seats._replace(taken=taken)
            self.seated.add((person_id, campaign_id))


def spot_of(place: Place | None) -> Spot:
    """Return a place, or none, as cooldowns look at it."""
    if place is None:
        return Spot(place_id=None, parent_id=None)
    return Spot(place_id=place.id, parent_id=place.parent_id)


def read_history(
    session: Session,
    occasions: Sequence[Occasion],
    listening: Mapping[UUID | None, Sequence[Speaker]],
    *,
    limits: Limits,
    at: datetime,
) -> History:
    """Read what deciding on a batch has to know."""
    people = {occasion.person.id for occasion in occasions}
    speakers = [speaker for there in listening.values() for speaker in there]
    waits = [one.definition.cooldown for one in speakers]
    waits += [one.definition.cap.within for one in speakers if one.definition.cap]
    history = History(
        tellings=defaultdict(list),
        visits=queries.visits_of(
            session, {one.transition_id for one in occasions if one.transition_id}
        ),
    )
    for telling in queries.told_to(
        session,
        people,
        since=at - limits.longest,
        by={speaker.campaign.id for speaker in speakers},
        by_since=at - max(waits, default=limits.longest),
        on={visit.visit_id for visit in history.visits.values()},
    ):
        history.tellings[telling.person_id].append(telling)
    # Most campaigns ask for none of these.
    audiences = [speaker.definition.audience for speaker in speakers]
    if any(audience.team_ids for audience in audiences):
        history.teams = queries.teams_of(session, people)
    if spans := [one.visited_within for one in audiences if one.visited is not None]:
        first = min(occasion.occurred_at for occasion in occasions)
        places = {occasion.place_id for occasion in occasions if occasion.place_id}
        history.came = queries.came_since(session, people, places, since=first - max(spans))
    if topics := {one for audience in audiences for one in audience.interests}:
        owners = {one.campaign.organisation_id for one in speakers}
        history.interests = interest_queries.interested(session, people, owners, topics)
    asking = [one for one in speakers if one.definition.audience.conditions]
    if sought := deed_queries.sought_by(asking, at=at):
        history.deeds = deed_queries.deeds_of(session, people, sought)
    # Nothing is held after these, so that nobody waits for whoever waits for them.
    few = {one.campaign.id for one in speakers if one.definition.audience.at_most is not None}
    if few:
        history.seats = seat_queries.hold_seats(session, few)
        history.seated = seat_queries.seated(session, people, few)
    return history
