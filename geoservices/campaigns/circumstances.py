"""What is known of occasion, person and place when a campaign decides."""

from datetime import datetime

from geoservices.access.rights import MEMBERS
from geoservices.campaigns.audiences import is_held_out
from geoservices.campaigns.histories import History, spot_of
from geoservices.campaigns.occasions import Occasion, Someone
from geoservices.campaigns.pacing import last_told, told_by, told_by_campaign, told_on
from geoservices.campaigns.rules import CampaignClass, Circumstances, Limits
from geoservices.campaigns.speaking import Speaker
from geoservices.places.hours import UNKNOWN, OpenState, hours_at
from geoservices.places.service import is_sensitive
from geoservices.shifts.windows import Located, Week, standing


def circumstances_of(
    occasion: Occasion,
    speaker: Speaker,
    history: History,
    *,
    purposes: frozenset[str],
    limits: Limits,
    at: datetime,
) -> Circumstances:
    """Return what the gates are asked about when a campaign decides on an occasion.

    Args:
        occasion: What happened, to whom and where.
        speaker: Who would speak.
        history: What the people of the batch were told and are.
        purposes: What the person agrees to.
        limits: What holds for every campaign.
        at: Now.
    """
    person, place = occasion.person, occasion.place
    hours = UNKNOWN
    if place is not None:
        hours = hours_at(place.opening_hours, time_zone=place.time_zone, at=at)
    campaign_id, definition = speaker.campaign.id, speaker.definition
    tellings = history.tellings.get(person.id, ())
    is_member = person.role in MEMBERS
    told = told_by(tellings, place_id=occasion.place_id, is_member=is_member, limits=limits, at=at)
    last = last_told(tellings, campaign_id, spot=spot_of(place), per=definition.cooldown_per)
    work = _at_work(person, at)
    return Circumstances(
        occurred_at=occasion.occurred_at,
        confidence=occasion.confidence,
        purposes=purposes,
        sensitive=place is not None
        and (is_sensitive(place, occasion.occurred_at) or is_sensitive(place, at)),
        open_state=hours.state,
        opens_at=hours.changes_at if hours.state is OpenState.CLOSED else None,
        unclaimable=_unclaimable(speaker, occasion, at),
        time_zone=person.time_zone,
        quiet_from=person.quiet_from,
        quiet_until=person.quiet_until,
        told_in_window=told.in_window,
        told_of_class=told.of_class.get(CampaignClass(speaker.campaign.campaign_class), 0),
        told_here=told.here,
        told_by_campaign=told_by_campaign(tellings, campaign_id, definition.cap, at=at)
        if definition.cap
        else 0,
        last_told_at=last.told_at if last else None,
        told_this_visit=(last is not None and last.visit_goes_on)
        or told_on(tellings, campaign_id, history.visit_of(occasion)),
        held_out=is_held_out(definition.audience, campaign_id=campaign_id, person_id=person.id),
        full=history.full(person.id, speaker),
        is_member=is_member,
        off_work=not work.now,
        works_from=work.next_from,
        unasked=occasion.unasked,
    )


def _unclaimable(speaker: Speaker, occasion: Occasion, at: datetime) -> str | None:
    listing, place = speaker.listing, occasion.place
    if listing is None or place is None:
        return None
    # Whoever is not there can still come later.
    return listing.why_not(place, at=at) if occasion.run_id is None else listing.why_over(at)


def _at_work(person: Someone, at: datetime) -> Located:
    if person.working_hours is None:
        return Located(now=True)
    return standing(Week(person.working_hours, person.time_zone), at)
