"""A replay's way through the records, some of them in memory at a time."""

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from sqlalchemy.orm import Session

from geoservices.campaigns import replayed_queries
from geoservices.campaigns.replayed import Question, Site
from geoservices.campaigns.replayed_queries import Records
from geoservices.campaigns.replaying import Tally, Walk
from geoservices.campaigns.replaying_clocks import stands_for
from geoservices.campaigns.rules import CampaignClass
from geoservices.campaigns.speaking import weekly_of
from geoservices.listings.models import LOOKS_AHEAD, Listing
from geoservices.places import queries as places
from geoservices.places.models import Place
from geoservices.places.service import is_sensitive
from geoservices.scopes import everywhere

AT_ONCE: Final = 10_000
"""Records read at once."""


def walk_through(
    session: Session, records: Records, *, reached: Callable[[datetime], None] = lambda _at: None
) -> Tally:
    """Decide on what was recorded as a campaign would have, had it been live all the time.

    Args:
        session: The transaction to read in.
        records: What is looked at, and for which campaign.
        reached: Told from time to time up to when it has come.
    """
    draft = records.draft
    definition = draft.said.definition
    question = Question(
        whose=records.whose,
        campaign_class=CampaignClass(draft.said.campaign_class),
        purpose=draft.said.purpose,
        definition=definition,
        weekly=weekly_of(definition, draft.organisation),
        limits=records.limits,
        time_zone=draft.organisation.time_zone,
    )
    walk = Walk(question)
    # Who came is nobody's but theirs to see.
    with everywhere(session), _nothing_collected():
        for some in replayed_queries.stream(session, records, at_once=AT_ONCE):
            walk.meet(
                replayed_queries.profiles(
                    session,
                    walk.unknown_people(some),
                    language=draft.organisation.language,
                    audience=definition.audience,
                    owner=records.grant.organisation_id,
                )
            )
            there = places.by_id(session, walk.unknown_places(some))
            walk.see({id_: _site(place, draft.listing) for id_, place in there.items()})
            for one in some:
                walk.follow(one)
            reached(some[-1].known_at)
    return walk.tally()


@contextmanager
def _nothing_collected() -> Iterator[None]:
    """Let no cycles of objects be looked for within the block, as none are made there.

    With every few hundred rows Python would look through all that is remembered of people: that
    takes as long as all the rest.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _site(place: Place, listing: Listing | None) -> Site:
    return Site(
        name=place.name,
        parent_id=place.parent_id,
        opening_hours=place.opening_hours,
        time_zone=place.time_zone,
        is_sensitive=partial(is_sensitive, place) if place.sensitive_kind else _never,
        why_not=_always if listing is None else partial(_why_not, listing, place),
    )


def _never(_at: datetime) -> bool:
    return False


def _always(at: datetime) -> tuple[str | None, datetime]:
    """Return as `_why_not` does that nothing stands in the way of what needs no listing."""
    return None, at + LOOKS_AHEAD


def _why_not(listing: Listing, place: Place, at: datetime) -> tuple[str | None, datetime]:
    """Return why nobody could make use of a listing at an instant, and until when it is so."""
    begins = listing.begins_at
    stands = stands_for(at, begins)
    until = listing.same_until(place, at=stands)
    if stands > at:
        until = min(until, begins + timedelta(days=7))
    return listing.why_not(place, at=stands), at + (until - stands)
