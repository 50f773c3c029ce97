"""What is asked of feeds."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import and_, delete, select
from sqlalchemy.orm import Session

from geoservices.access.actors import Grant
from geoservices.database import newest_first
from geoservices.feeds.matching import Spot
from geoservices.feeds.models import Feed, FeedEvent, FeedRun, RunState
from geoservices.leasing.queries import Queue, take_free
from geoservices.listings.models import Listing
from geoservices.places.access_queries import counts_at, reached
from geoservices.places.models import Place

DUE: Final[Queue[UUID]] = Queue(
    row=Feed, waiting=~Feed.paused, handed_out_at=Feed.handed_out_at, at_once=4
)


def feeds_of(
    session: Session, grant: Grant, *, after: tuple[datetime, UUID] | None, limit: int
) -> Sequence[Feed]:
    """Return an organisation's feeds for places within reach, newest first."""
    statement = select(Feed).where(
        Feed.organisation_id == grant.organisation_id, reached(Feed.place_id, grant)
    )
    page = newest_first(statement, Feed.created_at, Feed.id, after=after, limit=limit)
    return session.scalars(page).all()


def feed_of(session: Session, feed_id: UUID, organisation_id: UUID) -> Feed | None:
    """Return one of an organisation's feeds."""
    return session.scalars(
        select(Feed).where(Feed.id == feed_id, Feed.organisation_id == organisation_id)
    ).one_or_none()


def is_known(
    session: Session, organisation_id: UUID, url: str, place_id: UUID | None, *, but: UUID
) -> bool:
    """Tell whether an organisation has another feed of an address for the same place."""
    at_place = Feed.place_id.is_(None) if place_id is None else Feed.place_id == place_id
    found = session.scalars(
        select(Feed.id).where(
            Feed.organisation_id == organisation_id, Feed.url == url, at_place, Feed.id != but
        )
    )
    return found.first() is not None


def count_of(session: Session, organisation_id: UUID) -> int:
    """Return how many feeds an organisation has."""
    return len(
        session.scalars(select(Feed.id).where(Feed.organisation_id == organisation_id)).all()
    )


def take(session: Session, feed_id: UUID, *, at: datetime) -> Feed | None:
    """Return a feed that no worker has, locked."""
    return take_free(session, Feed, feed_id, at=at)


def hold(session: Session, feed_id: UUID) -> Feed | None:
    """Return a feed, locked."""
    return session.scalars(select(Feed).where(Feed.id == feed_id).with_for_update()).one_or_none()


def waiting_run(session: Session, feed_id: UUID) -> FeedRun | None:
    """Return the run of a feed that was begun and not ended, or else was asked for first."""
    return session.scalars(
        select(FeedRun)
        .where(FeedRun.feed_id == feed_id, FeedRun.state.in_((RunState.QUEUED, RunState.RUNNING)))
        .order_by(FeedRun.asked_at, FeedRun.id)
        .limit(1)
    ).one_or_none()


def runs_of(
    session: Session, feed_id: UUID, *, after: tuple[datetime, UUID] | None, limit: int
) -> Sequence[FeedRun]:
    """Return the runs of a feed, newest first."""
    statement = select(FeedRun).where(FeedRun.feed_id == feed_id)
    page = newest_first(statement, FeedRun.asked_at, FeedRun.id, after=after, limit=limit)
    return session.scalars(page).all()


def run_of(session: Session, feed_id: UUID, run_id: UUID) -> FeedRun | None:
    """Return one of a feed's runs."""
    return session.scalars(
        select(FeedRun).where(FeedRun.id == run_id, FeedRun.feed_id == feed_id)
    ).one_or_none()


def forget_runs(session: Session, feed_id: UUID, *, but: int) -> None:
    """Delete the runs of a feed that have ended, except the last so many."""
    ended = (
        select(FeedRun.id)
        .where(FeedRun.feed_id == feed_id, FeedRun.ended_at.is_not(None))
        .order_by(FeedRun.asked_at.desc(), FeedRun.id.desc())
        .offset(but)
    )
    session.execute(delete(FeedRun).where(FeedRun.id.in_(ended)))


def known_events(session: Session, feed_id: UUID) -> Sequence[tuple[FeedEvent, Listing]]:
    """Return what is known of a feed's events, with their listings."""
    rows = session.execute(
        select(FeedEvent, Listing)
        .join(Listing, Listing.id == FeedEvent.listing_id)
        .where(FeedEvent.feed_id == feed_id)
    )
    return [(event, listing) for event, listing in rows]


def delete_feed(session: Session, feed_id: UUID) -> None:
    """Delete a feed, with what is known of its events and its runs."""
    session.execute(delete(Feed).where(Feed.id == feed_id))


def spots_for(session: Session, grant: Grant, *, place_id: UUID | None) -> list[Spot]:
    """Return the places that events may be at: one, or all at which a grant counts."""
    wanted = counts_at(grant)
    if place_id is not None:
        wanted = and_(wanted, Place.id == place_id)
    rows = session.execute(
        select(Place.id, Place.name, Place.address, Place.postcode, Place.time_zone).where(wanted)
    )
    return [
        Spot(place_id=id_, name=name, address=address, postcode=postcode, time_zone=zone)
        for id_, name, address, postcode, zone in rows
    ]
