"""At which places somebody may do something: the one condition that lists and look-ups ask."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from geoalchemy2 import Geometry
from sqlalchemy import (
    ColumnElement,
    Integer,
    Text,
    Uuid,
    and_,
    cast,
    column,
    exists,
    false,
    func,
    or_,
    select,
    true,
    update,
    values,
)
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.orm import InstrumentedAttribute, Session

from geoservices.access.actors import Grant
from geoservices.access.reach import Reach
from geoservices.access.rights import BY_PARTNERS, Right
from geoservices.accounts.models import Organisation
from geoservices.places.models import Place, PlaceShare


def counts_at(grant: Grant) -> ColumnElement[bool]:
    """Return the condition that a grant counts at a place."""
    return and_(_open_to(grant), _reached(grant.organisation_id, grant.actor.reach))


def reached(
    place_id: InstrumentedAttribute[UUID] | InstrumentedAttribute[UUID | None], grant: Grant
) -> ColumnElement[bool]:
    """Return the condition that something of the organisation's is at a place within reach.

    Args:
        place_id: The column that says where it is.
        grant: Whoever asks for it.
    """
    if grant.actor.reach is None:
        return true()
    within = _reached(grant.organisation_id, grant.actor.reach)
    return place_id.in_(select(Place.id).where(within))


def place_for(session: Session, place_id: UUID, grant: Grant) -> Place | None:
    """Return the place of that id, if the grant counts there."""
    wanted = select(Place).where(Place.id == place_id, counts_at(grant))
    return session.scalars(wanted).one_or_none()


def is_reached(session: Session, place_id: UUID, grant: Grant) -> bool:
    """Tell whether a place is within the reach of a grant; without a limit nothing is asked."""
    if grant.actor.reach is None:
        return True
    within = _reached(grant.organisation_id, grant.actor.reach)
    return session.scalar(select(exists().where(Place.id == place_id, within))) is True


def reached_by(
    session: Session, grants: Sequence[Grant], place_ids: Collection[UUID]
) -> list[Collection[UUID]]:
    """Return for each grant those of the places within its reach; one statement, or none."""
    reaches = {
        (grant.organisation_id, grant.actor.reach): number
        for number, grant in enumerate(grants)
        if grant.actor.reach is not None
    }
    if not reaches:
        return [place_ids for _ in grants]
    asked = values(
        column("number", Integer),
        column("organisation_id", Uuid),
        column("tags", ARRAY(Text)),
        column("area", Text),
        name="asked",
    ).data(
        [(number, of, sorted(reach.tags), reach.area) for (of, reach), number in reaches.items()]
    )
    within = or_(
        and_(Place.organisation_id == asked.c.organisation_id, Place.tags.overlap(asked.c.tags)),
        func.ST_Covers(func.ST_GeomFromGeoJSON(asked.c.area), cast(Place.point, Geometry)),
    )
    wanted = select(asked.c.number, Place.id).join(Place, within).where(Place.id.in_(place_ids))
    found: defaultdict[int, set[UUID]] = defaultdict(set)
    for number, place_id in session.execute(wanted):
        found[number].add(place_id)
    return [
        place_ids if reach is None else found[reaches[of, reach]]
        for of, reach in ((grant.organisation_id, grant.actor.reach) for grant in grants)
    ]


def hold_share(session: Session, place_id: UUID, partner_id: UUID) -> bool:
    """Keep a share from ending until the transaction does; tell whether there is one."""
    held = session.scalars(
        select(PlaceShare.id).where(*_in_force(place_id, partner_id)).with_for_update(read=True)
    )
    return held.first() is not None


def store_share(session: Session, values: Mapping[str, object]) -> PlaceShare:
    """Store a share, or have the one in force say the same of statistics; return it."""
    offered = insert(PlaceShare).values(**values)
    stored = offered.on_conflict_do_update(
        index_elements=[PlaceShare.place_id, PlaceShare.partner_id],
        index_where=PlaceShare.ended_at.is_(None),
        set_={"statistics": offered.excluded.statistics},
    ).returning(PlaceShare)
    return session.scalars(stored, execution_options={"populate_existing": True}).one()


def shares_of(
    session: Session, place_id: UUID, *, seen_by: UUID
) -> Sequence[tuple[PlaceShare, Organisation]]:
    """Return the shares of a place that an organisation gave or got, with each partner."""
    rows = session.execute(
        select(PlaceShare, Organisation)
        .join(Organisation, Organisation.id == PlaceShare.partner_id)
        .where(
            PlaceShare.place_id == place_id,
            PlaceShare.ended_at.is_(None),
            or_(PlaceShare.organisation_id == seen_by, PlaceShare.partner_id == seen_by),
        )
        .order_by(Organisation.slug)
    )
    return [(share, partner) for share, partner in rows]


def end_share(session: Session, place_id: UUID, partner_id: UUID, *, at: datetime) -> bool:
    """End a share, once nobody is making use of it; tell whether there was one."""
    ended = session.execute(
        update(PlaceShare)
        .where(*_in_force(place_id, partner_id))
        .values(ended_at=at)
        .returning(PlaceShare.id)
    )
    return ended.first() is not None


def _in_force(place_id: UUID, partner_id: UUID) -> list[ColumnElement[bool]]:
    return [
        PlaceShare.place_id == place_id,
        PlaceShare.partner_id == partner_id,
        PlaceShare.ended_at.is_(None),
    ]


def _open_to(grant: Grant) -> ColumnElement[bool]:
    own = Place.organisation_id == grant.organisation_id
    if grant.right not in BY_PARTNERS:
        return own
    shared = exists().where(
        PlaceShare.place_id == Place.id,
        PlaceShare.partner_id == grant.organisation_id,
        PlaceShare.ended_at.is_(None),
        PlaceShare.statistics if grant.right is Right.STATISTICS_READ else true(),
    )
    return or_(own, shared)


def _reached(organisation_id: UUID, reach: Reach | None) -> ColumnElement[bool]:
    if reach is None:
        return true()
    ways: list[ColumnElement[bool]] = [false()]
    if reach.tags:
        tagged = Place.tags.overlap(sorted(reach.tags))
        ways.append(and_(Place.organisation_id == organisation_id, tagged))
    if reach.area is not None:
        area = func.ST_GeomFromGeoJSON(reach.area)
        ways.append(func.ST_Covers(area, cast(Place.point, Geometry)))
    return or_(*ways)
