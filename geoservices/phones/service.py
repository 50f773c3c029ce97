"""Phone apps let in, and told which places to watch."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy.orm import Session

from geoservices.accounts.models import Device
from geoservices.accounts.tokens import hash_token, make_token
from geoservices.errors import ErrorKind, GeoservicesError, NotFound
from geoservices.geofences import queries as geofences
from geoservices.geometry.position import Position
from geoservices.phones import queries
from geoservices.phones.models import PhoneApp, PhoneLink
from geoservices.phones.regions import (
    Region,
    cell_mark,
    cell_size_m,
    covering,
    encryption_key,
    mark_of,
    reach_of,
    rid_of,
    snapped,
    stamp_of,
)
from geoservices.scopes import everywhere
from geoservices.settings.presence import PhoneSettings

MOST_LINKS = 10
"""A device has at most so many; with one more the oldest ends."""


class EncryptionUnavailable(GeoservicesError):
    """This installation makes no keys for phones' payloads; nothing was made."""

    kind = ErrorKind.CONFLICT
    code = "encryption-unavailable"
    title = "Phones' payloads cannot be encrypted here"

    def __init__(self) -> None:
        super().__init__(
            "Its operator has set no secret to derive keys from. Leave `encrypted` out, or ask "
            "them.",
            field="/encrypted",
        )


class AppDoesNotEncrypt(GeoservicesError):
    """Only OwnTracks can encrypt its payloads; nothing was made."""

    kind = ErrorKind.INVALID
    code = "app-does-not-encrypt"
    title = "This app cannot encrypt its payloads"

    def __init__(self) -> None:
        super().__init__("Leave `encrypted` out, or use OwnTracks.", field="/encrypted")


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeLink:
    """A credential just made; neither its token nor its key can be shown again."""

    link: PhoneLink
    token: str
    encryption_key: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Phone:
    """Who speaks: a device, by its own token or by an app's credential."""

    device: Device
    token: str
    link: PhoneLink | None = None


def link_phone(
    session: Session,
    device: Device,
    app: PhoneApp,
    *,
    encrypted: bool,
    settings: PhoneSettings,
    at: datetime,
) -> MadeLink:
    """Make an app's credential to report for a device.

    Raises:
        AppDoesNotEncrypt: The app is not OwnTracks, and payloads shall be encrypted.
        EncryptionUnavailable: Payloads shall be encrypted, and there is no secret.
    """
    if encrypted and app is not PhoneApp.OWNTRACKS:
        raise AppDoesNotEncrypt
    link_id, token = uuid4(), make_token("phone")
    key = key_of(link_id, settings) if encrypted else None
    if encrypted and key is None:
        raise EncryptionUnavailable
    known = queries.links_of(session, device.id)
    queries.revoke(session, [old.id for old in known[: 1 - MOST_LINKS]], at=at)
    link = PhoneLink(
        id=link_id,
        device_id=device.id,
        app=app,
        token_hash=hash_token(token),
        encrypted=encrypted,
        created_at=at,
    )
    session.add(link)
    session.flush()
    return MadeLink(link=link, token=token, encryption_key=key)


def authenticate_phone(session: Session, token: str, *, app: PhoneApp) -> Phone | None:
    """Return who speaks by a token that was made for this very app."""
    found = queries.link_by_token(session, hash_token(token))
    if found is None or found[0].app != app:
        return None
    link, device = found
    return Phone(device=device, token=token, link=link)


def revoke_link(session: Session, link_id: UUID, *, device: Device, at: datetime) -> None:
    """Make an app's credential worthless at once; doing it again changes nothing.

    Raises:
        NotFound: It is not the device's.
    """
    if queries.link(session, link_id, device_id=device.id) is None:
        raise NotFound("phone link")
    queries.revoke(session, [link_id], at=at)


def key_of(link_id: UUID, settings: PhoneSettings) -> str | None:
    """Return the key of an app's payloads, None where the service has no secret."""
    if settings.secret is None:
        return None
    return encryption_key(settings.secret.get_secret_value(), link_id)


def regions_for(
    session: Session,
    phone: Phone,
    position: Position,
    *,
    again: bool,
    settings: PhoneSettings,
    at: datetime,
) -> list[Region] | None:
    """Return what a phone shall watch from now on, None where it has that already.

    Nothing is looked for while the phone stays in its cell and no geofence changes, for a day at
    most. A phone of which no positions are kept also watches how far it goes: leaving that circle
    makes it speak, and so get the places that are the nearest then.

    Args:
        session: Its transaction remembers that the phone was given them.
        phone: Who speaks.
        position: Where it is; it is not kept.
        again: Whether to give what was given before, since the answer may have been lost.
        settings: The service's.
        at: Now.
    """
    revision = geofences.revision(session)
    state = f"{revision} {at.date()} {phone.device.places_only} {settings.max_regions}"
    known = queries.handed(session, phone.device.id)
    if known and not again:
        here = cell_mark(position, known.cell_m, state=state, token=phone.token)
        if here == known.cell:
            return None
    # A phone watches the places of every organisation.
    with everywhere(session):
        nearest = _nearest(session, position, settings.max_regions)
    watches_reach = nearest.cell_m is not None and phone.device.places_only
    chosen = nearest.found[:-1] if watches_reach else nearest.found
    mark = mark_of([(near.id, near.revision) for near in chosen], phone.token)
    changed = known is None or known.mark != mark
    queries.save_marks(
        session,
        phone.device.id,
        mark=mark,
        cell=cell_mark(position, nearest.cell_m, state=state, token=phone.token),
        cell_m=nearest.cell_m,
    )
    if not changed and not again:
        return None
    regions = _regions(session, [near.id for near in chosen], settings.min_region_m)
    if watches_reach:
        regions.append(reach_of(nearest.centre, regions, nearest.found[-1].distance_m))
    return regions


@dataclass(frozen=True, slots=True, kw_only=True)
class _Nearest:
    """The nearest geofences and where they were looked for from.

    `cell_m` is None where there are so few that they are all there are.
    """

    found: list[queries.Near]
    centre: Position
    cell_m: int | None


def _nearest(session: Session, position: Position, limit: int) -> _Nearest:
    found = queries.nearest(session, position, limit=limit)
    if len(found) < limit:
        return _Nearest(found=found, centre=position, cell_m=None)
    cell_m = cell_size_m(found[-1].distance_m)
    centre = snapped(position, cell_m)
    found = queries.nearest(session, centre, limit=limit)
    return _Nearest(found=found, centre=centre, cell_m=cell_m)


def _regions(session: Session, geofence_ids: list[UUID], least_m: float) -> list[Region]:
    regions: list[Region] = []
    with everywhere(session):
        outlines = queries.outlines(session, geofence_ids)
    for outline in outlines:
        lon, lat, radius_m = covering(outline.area, margin_m=outline.margin_m, least_m=least_m)
        regions.append(
            Region(
                rid=rid_of(outline.id),
                stamp=stamp_of(outline.id),
                name=outline.name,
                lon=lon,
                lat=lat,
                radius_m=radius_m,
            )
        )
    return regions
