"""One file brought in: checked to its end, then stored."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

from sqlalchemy.orm import Session

from geodata import queries
from geodata.loading import Report, Target, load
from geodata.records import Reading
from geodata.sources.files import opened, texts
from geodata.sources.geojson import Located, read_features
from geodata.telling import Progress
from geoservices.accounts.models import Organisation
from geoservices.accounts.service import check_time_zone
from geoservices.database import SessionFactory

CREATE = "geoservices organisation create {slug} --name NAME --time-zone Europe/London"


class NoOrganisation(LookupError):
    """It is not clear whose places they are; the message says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What to bring in, and how; see `geodata import --help`."""

    file: Path
    source: str
    organisation: str | None = None
    category: str = "place"
    id_property: str | None = None
    name_property: str = "name"
    margin_m: float = 0.0
    radius_m: float = 40.0
    dwell_after: timedelta = timedelta(minutes=5)
    time_zone: str | None = None
    max_vertices: int = 20_000
    dry_run: bool = False


def bring_in(sessions: SessionFactory, order: Order, *, at: datetime) -> Report:
    """Read a file to its end, then read it again and store its places.

    Raises:
        NoOrganisation: The organisation does not exist, or none was named where there are more.
        TimeZoneUnknown: The time zone is no IANA name.
        Unreadable: The file cannot be read as GeoJSON to its end; nothing has been stored.
    """
    with sessions() as session:
        owner = find_organisation(session, order.organisation)
    zone = order.time_zone or owner.time_zone
    check_time_zone(zone)
    with opened(order.file) as stream:
        checking: Progress[Located] = Progress("checking")
        for _ in checking.over(read_features(texts(stream))):
            pass
        storing: Progress[Located] = Progress("storing", checking.count)
        return load(
            sessions,
            storing.over(read_features(texts(stream))),
            reading=_reading(order, zone),
            target=_target(order, owner.id),
            at=at,
            dry_run=order.dry_run,
        )


def find_organisation(session: Session, slug: str | None) -> Organisation:
    """Return the organisation of that slug, or the only one there is.

    Raises:
        NoOrganisation: There is none, or the choice is not clear.
    """
    there = {organisation.slug: organisation for organisation in queries.organisations(session)}
    if slug is None and len(there) > 1:
        slugs = ", ".join(there)
        raise NoOrganisation(f"Say whose places they are: --organisation with one of {slugs}.")
    if slug is None and there:
        return next(iter(there.values()))
    if slug is None or slug not in there:
        missing = f"organisation {slug!r}" if slug else "organisation yet"
        raise NoOrganisation(
            f"There is no {missing}. Make one: {CREATE.format(slug=slug or 'SLUG')}"
        )
    return there[slug]


def _reading(order: Order, zone: str) -> Reading:
    return Reading(
        time_zone=zone,
        radius_m=order.radius_m,
        max_vertices=order.max_vertices,
        category=order.category,
        id_property=order.id_property,
        name_property=order.name_property,
    )


def _target(order: Order, organisation_id: UUID) -> Target:
    return Target(
        organisation_id=organisation_id,
        source=order.source,
        margin_m=order.margin_m,
        dwell_after=order.dwell_after,
    )
