"""What is asked of the places that campaigns are for: by the campaign, and by the place.

Both ways mean the same: `is_for` finds the places of a set that somebody defines, `listening_to`
the published versions whose set a place is in. `tests/geoservices/campaigns/test_places.py` holds
one against the other.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from geoalchemy2 import Geometry
from sqlalchemy import (
    CTE,
    ColumnElement,
    Select,
    SQLColumnExpression,
    any_,
    cast,
    delete,
    exists,
    false,
    func,
    literal,
    null,
    or_,
    select,
    union_all,
)
from sqlalchemy.dialects.postgresql import ARRAY, TEXT
from sqlalchemy.orm import Session, defer

from geoservices.access.actors import Grant
from geoservices.accounts.models import Organisation
from geoservices.campaigns.definitions import Around, PlaceSet
from geoservices.campaigns.models import Campaign, CampaignPlace, CampaignVersion
from geoservices.database import among
from geoservices.geometry.position import Position
from geoservices.geometry.storage import point_ewkt
from geoservices.listings.models import Listing
from geoservices.places.access_queries import counts_at
from geoservices.places.models import Place, PlaceShare

WIDER = 1.05
"""A circle drawn with corners lies within the true one; drawn this much wider, round it."""


@dataclass(frozen=True, slots=True)
class Listening:
    """A version that listens at a place, with its campaign, listing and organisation."""

    place_id: UUID
    campaign: Campaign
    version: CampaignVersion
    listing: Listing | None
    organisation: Organisation

    @property
    def key(self) -> tuple[UUID, int]:
        """Its campaign and the version's number."""
        return self.campaign.id, self.version.number


def listening_to(
    session: Session, place_ids: Iterable[UUID], *, at: datetime
) -> Sequence[Listening]:
    """Return the versions that count, or did lately, at the places as these are now.

    Each way in which a place can be meant is looked up by an index, so that it costs as much as
    there are campaigns that listen there.
    """
    here = (
        select(Place.id, Place.organisation_id, Place.category, Place.tags, Place.point)
        .where(among(Place.id, place_ids))
        .cte("here")
    )
    ways = union_all(*_ways(here)).subquery("ways")
    shared = exists().where(
        PlaceShare.place_id == here.c.id,
        PlaceShare.partner_id == Campaign.organisation_id,
        PlaceShare.ended_at.is_(None),
    )
    own = here.c.organisation_id == Campaign.organisation_id
    rows = session.execute(
        select(here.c.id, Campaign, CampaignVersion, Listing, Organisation)
        .select_from(ways)
        .join(here, here.c.id == ways.c.place_id)
        .join(Campaign, Campaign.id == ways.c.campaign_id)
        .join(
            CampaignVersion,
            (CampaignVersion.campaign_id == ways.c.campaign_id)
            & (CampaignVersion.number == ways.c.number),
        )
        .outerjoin(Listing, Listing.id == Campaign.listing_id)
        .join(Organisation, Organisation.id == Campaign.organisation_id)
        .where(
            Campaign.published_at <= at,
            or_(Campaign.ended_at.is_(None), Campaign.ended_at > at),
            or_(CampaignVersion.ends_at.is_(None), CampaignVersion.ends_at > at),
            or_(own, ~ways.c.by_tag & shared),
            is_reached(here.c.tags, here.c.point, own),
        )
        .order_by(Campaign.published_at, Campaign.id, CampaignVersion.number)
        # Definitions are read once (`versions`), and who reaches what is asked here alone.
        .options(defer(CampaignVersion.definition), defer(CampaignVersion.reach))
    )
    # A place may be meant in several ways.
    found = {(row[0], row[1].id, row[2].number): Listening(*row) for row in rows}
    return list(found.values())


def listen(
    session: Session, version: CampaignVersion, places: PlaceSet | None, *, listing_id: UUID | None
) -> None:
    """Have a published version listen at its places; without a set, wherever its listing is."""
    common = {"campaign_id": version.campaign_id, "number": version.number}
    if places is None:
        if listing_id is not None:
            session.add(CampaignPlace(id=uuid4(), listing_id=listing_id, **common))
        return
    ways: list[dict[str, object]] = [
        *(dict[str, object](place_id=id_) for id_ in places.ids),
        *(dict[str, object](tag=tag) for tag in places.tags),
        *(dict[str, object](category=category) for category in places.categories),
    ]
    if places.area is not None:
        ways.append({"area": _geometry_of(places.area)})
    if places.circle is not None:
        centre = _point(places.circle)
        outline = func.ST_Buffer(centre, places.circle.radius_m * WIDER)
        ways.append({"centre": centre, "radius_m": places.circle.radius_m, "around": outline})
    session.add_all(CampaignPlace(id=uuid4(), **common, **way) for way in ways)


def listen_no_more(session: Session, campaign_id: UUID, *, before: int | None = None) -> None:
    """Have a campaign listen nowhere, or none of its versions before a number."""
    which = CampaignPlace.campaign_id == campaign_id
    if before is not None:
        which &= CampaignPlace.number < before
    session.execute(
        delete(CampaignPlace).where(which), execution_options={"synchronize_session": False}
    )


def is_for(places: PlaceSet, grant: Grant) -> ColumnElement[bool]:
    """Return the condition that a place is one of a set, and that a grant counts there."""
    ways: list[ColumnElement[bool]] = [false()]
    if places.ids:
        ways.append(Place.id.in_(places.ids))
    if places.tags:
        own = Place.organisation_id == grant.organisation_id
        ways.append(own & Place.tags.overlap(list(places.tags)))
    if places.categories:
        ways.append(Place.category.in_(places.categories))
    if places.area is not None:
        ways.append(func.ST_Covers(_geometry_of(places.area), cast(Place.point, Geometry)))
    if places.circle is not None:
        ways.append(func.ST_DWithin(Place.point, _point(places.circle), places.circle.radius_m))
    return or_(*ways) & counts_at(grant)


def count_and_longest_name(session: Session, places: PlaceSet, grant: Grant) -> tuple[int, int]:
    """Return how many places a set has, and how many characters the longest name among them."""
    asked = select(func.count(), func.coalesce(func.max(func.char_length(Place.name)), 0)).where(
        is_for(places, grant)
    )
    count, longest = session.execute(asked).one()
    return count, longest


def count_apart(session: Session, places: PlaceSet, grant: Grant, *, together: bool) -> int:
    """Return how many places a set has, or how many groups if those with one parent are one."""
    group = func.coalesce(Place.parent_id, Place.id) if together else Place.id
    asked = select(func.count(group.distinct())).where(is_for(places, grant))
    return session.scalars(asked).one()


def found(session: Session, ids: Iterable[UUID], grant: Grant) -> set[UUID]:
    """Return those of the places at which a grant counts."""
    return set(session.scalars(select(Place.id).where(Place.id.in_(set(ids)), counts_at(grant))))


def is_reached(
    tags: SQLColumnExpression[Any], point: SQLColumnExpression[Any], own: ColumnElement[bool]
) -> ColumnElement[bool]:
    """Return the condition that a place is within the reach of whoever put a version in force.

    Args:
        tags: The place's.
        point: Where it is.
        own: Whether it is of the version's organisation.
    """
    reach = CampaignVersion.reach
    tagged = func.jsonb_exists_any(reach["tags"], cast(tags, ARRAY(TEXT)))
    area = func.ST_GeomFromGeoJSON(reach["area"].astext)
    return or_(reach.is_(null()), own & tagged, func.ST_Covers(area, cast(point, Geometry)))


def _ways(here: CTE) -> list[Select[UUID, UUID, int, bool]]:
    def by(how: ColumnElement[bool], *, by_tag: bool = False) -> Select[UUID, UUID, int, bool]:
        return (
            select(
                here.c.id.label("place_id"),
                CampaignPlace.campaign_id,
                CampaignPlace.number,
                literal(by_tag).label("by_tag"),
            )
            .select_from(here)
            .join(CampaignPlace, how)
        )

    at_listing = (
        select(Listing.place_id, CampaignPlace.campaign_id, CampaignPlace.number, false())
        .join(Listing, Listing.id == CampaignPlace.listing_id)
        .where(Listing.place_id.in_(select(here.c.id)))
    )
    in_circle = CampaignPlace.around.op("&&")(here.c.point) & func.ST_DWithin(
        CampaignPlace.centre, here.c.point, CampaignPlace.radius_m
    )
    return [
        by(CampaignPlace.place_id == here.c.id),
        by(CampaignPlace.tag == any_(here.c.tags), by_tag=True),
        by(CampaignPlace.category == here.c.category),
        by(func.ST_Covers(CampaignPlace.area, cast(here.c.point, Geometry))),
        by(in_circle),
        at_listing,
    ]


def _geometry_of(area: Mapping[str, Any]) -> ColumnElement[object]:
    return func.ST_GeomFromGeoJSON(json.dumps(area))


def _point(around: Around) -> ColumnElement[object]:
    return func.ST_GeogFromText(point_ewkt(Position(lon=around.lon, lat=around.lat)))
