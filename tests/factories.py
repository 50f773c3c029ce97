"""The smallest valid rows."""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from geoalchemy2.shape import from_shape
from shapely import MultiPolygon, Point, box
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from geoservices.access.actors import Grant, by_operator
from geoservices.access.rights import Right, Role
from geoservices.accounts.consents import TEXTS
from geoservices.accounts.models import (
    Consent,
    Device,
    Organisation,
    Person,
    Purpose,
    SignIn,
    SignInKind,
)
from geoservices.accounts.tokens import hash_token, make_token
from geoservices.campaigns import definitions
from geoservices.campaigns.definitions import Audience, Definition, Text, Variant
from geoservices.campaigns.models import Campaign, CampaignVersion
from geoservices.campaigns.place_queries import listen
from geoservices.campaigns.rules import CampaignClass, Trigger
from geoservices.campaigns.seat_queries import limit_seats
from geoservices.checkins.verification import Evidence
from geoservices.codes.links import CodeKind
from geoservices.codes.models import Code
from geoservices.events.models import Event
from geoservices.geofences.models import Geofence
from geoservices.keys.models import ApiKey
from geoservices.listings.models import Listing, ListingKind
from geoservices.offers.models import Offer
from geoservices.phones.models import PhoneApp, PhoneLink
from geoservices.places.models import Place, PlaceShare
from geoservices.tasks.models import Task

NOON = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
EXETER = (-3.5301, 50.7244)


def make_organisation(session: Session, slug: str = "devon") -> Organisation:
    """An organisation in London's time zone."""
    organisation = Organisation(
        slug=slug, name=slug.title(), time_zone="Europe/London", created_at=NOON
    )
    session.add(organisation)
    session.flush()
    return organisation


def may(organisation: Organisation, right: Right = Right.PLACES_WRITE) -> Grant:
    """What lets somebody do something at every place of an organisation's own."""
    return by_operator(organisation.id, right)


def make_place(
    session: Session,
    organisation: Organisation,
    *,
    name: str = "Exeter Library",
    at: tuple[float, float] = EXETER,
    opening_hours: str | None = "24/7",
    category: str = "library",
) -> Place:
    """A place, by default one that is always open."""
    place = Place(
        organisation_id=organisation.id,
        source="tests",
        external_id=str(uuid4()),
        name=name,
        category=category,
        point=from_shape(Point(at), srid=4326),
        opening_hours=opening_hours,
        time_zone="Europe/London",
        words=name.lower(),
        digest=b"",
        created_at=NOON,
        updated_at=NOON,
    )
    session.add(place)
    session.flush()
    return place


def make_geofence(
    session: Session,
    place: Place,
    *,
    at: tuple[float, float] = EXETER,
    half_deg: float = 0.0004,
    margin_m: float = 0.0,
    dwell_after: timedelta = timedelta(minutes=5),
    presence: dict[str, Any] | None = None,
) -> Geofence:
    """A square round a point, by default about 57 by 89 m."""
    lon, lat = at
    square = box(lon - half_deg, lat - half_deg, lon + half_deg, lat + half_deg)
    geofence = Geofence(
        organisation_id=place.organisation_id,
        place_id=place.id,
        name=place.name,
        area=from_shape(MultiPolygon([square]), srid=4326),
        margin_m=margin_m,
        dwell_after=dwell_after,
        presence=presence or {},
        created_at=NOON,
    )
    session.add(geofence)
    session.flush()
    return geofence


def make_person(
    session: Session, *purposes: Purpose, organisation: Organisation | None = None
) -> Person:
    """A citizen, or a member of an organisation's staff, who agreed to the purposes."""
    person = Person(
        role=Role.STAFF if organisation else Role.CITIZEN,
        organisation_id=organisation.id if organisation else None,
        time_zone="Europe/London",
        created_at=NOON,
    )
    session.add(person)
    session.flush()
    session.add_all(
        Consent(
            person_id=person.id,
            purpose=purpose,
            text_version=TEXTS[purpose].version,
            given_at=NOON,
        )
        for purpose in purposes
    )
    session.flush()
    return person


def make_device(session: Session, person: Person) -> tuple[Device, str]:
    """A device and its token."""
    token = make_token("device")
    device = Device(person_id=person.id, token_hash=hash_token(token), created_at=NOON)
    session.add(device)
    session.flush()
    return device, token


def make_phone_link(
    session: Session, device: Device, app: PhoneApp, *, encrypted: bool = False
) -> tuple[PhoneLink, str]:
    """A phone app's credential to report for a device, and its token."""
    token = make_token("phone")
    link = PhoneLink(
        device_id=device.id,
        app=app,
        token_hash=hash_token(token),
        encrypted=encrypted,
        created_at=NOON,
    )
    session.add(link)
    session.flush()
    return link, token


def make_access_token(
    session: Session, organisation: Organisation, role: Role = Role.MANAGER
) -> str:
    """A new member of the organisation's bearer token."""
    person = Person(
        role=role,
        organisation_id=organisation.id,
        name="Test",
        time_zone="Europe/London",
        created_at=NOON,
    )
    session.add(person)
    session.flush()
    token = make_token("access")
    session.add(
        SignIn(
            person_id=person.id,
            kind=SignInKind.TOKEN,
            token_hash=hash_token(token),
            label="test",
            created_at=NOON,
            last_used_at=NOON,
            expires_at=datetime(2100, 1, 1, tzinfo=UTC),
        )
    )
    session.flush()
    return token


def make_manager(
    session: Session, organisation: Organisation, *, reach: dict[str, Any] | None = None
) -> str:
    """The bearer token of a manager who may be limited to some places."""
    token = make_access_token(session, organisation)
    session.execute(
        update(Person)
        .where(
            Person.id.in_(select(SignIn.person_id).where(SignIn.token_hash == hash_token(token)))
        )
        .values(reach=reach)
    )
    return token


def make_api_key(
    session: Session,
    organisation: Organisation,
    scopes: Collection[Right] = frozenset({Right.LISTINGS_READ}),
    *,
    name: str = "Events calendar",
) -> tuple[ApiKey, str]:
    """A machine's key and its secret."""
    secret = make_token("key")
    key = ApiKey(
        organisation_id=organisation.id,
        name=name,
        prefix=secret[:12],
        secret_hash=hash_token(secret),
        scopes=sorted(scopes),
        created_at=NOON,
        expires_at=datetime(2100, 1, 1, tzinfo=UTC),
    )
    session.add(key)
    session.flush()
    return key, secret


def share_place(
    session: Session, place: Place, partner: Organisation, *, statistics: bool = True
) -> PlaceShare:
    """Let a partner run things of its own at a place."""
    share = PlaceShare(
        organisation_id=place.organisation_id,
        place_id=place.id,
        partner_id=partner.id,
        statistics=statistics,
        shared_at=NOON,
    )
    session.add(share)
    session.flush()
    return share


def make_code(session: Session, place: Place, kind: CodeKind = CodeKind.STATIC) -> Code:
    """A code at the place, in use since the day before."""
    code = Code(
        organisation_id=place.organisation_id,
        place_id=place.id,
        kind=kind,
        label="Front desk",
        valid_from=NOON - timedelta(days=1),
        created_at=NOON - timedelta(days=1),
    )
    session.add(code)
    session.flush()
    return code


KINDS: Mapping[ListingKind, type[Listing]] = {
    ListingKind.OFFER: Offer,
    ListingKind.EVENT: Event,
    ListingKind.TASK: Task,
}


def make_listing(
    session: Session,
    place: Place,
    *,
    kind: ListingKind = ListingKind.OFFER,
    title: str = "Free hot drink",
    evidence_needed: Evidence = Evidence.SELF_DECLARED,
) -> Listing:
    """Something that is on at the place."""
    own = {"time_zone": place.time_zone} if kind is ListingKind.EVENT else {}
    listing = KINDS[kind](
        **own,
        organisation_id=place.organisation_id,
        place_id=place.id,
        title=title,
        text="",
        evidence_needed=evidence_needed,
        starts_at=NOON - timedelta(days=1),
        created_at=NOON,
    )
    session.add(listing)
    session.flush()
    return listing


def make_definition(**changes: Any) -> Definition:
    """What a campaign for citizens who enter says."""
    text = Text(title=changes.pop("title", "Free hot drink"), body="Come in.")
    for_ = changes.pop("audience", Role.CITIZEN)
    audience = for_ if isinstance(for_, Audience) else Audience(roles=(for_,))
    return Definition(
        **{
            "triggers": (changes.pop("trigger", Trigger.ENTERED),),
            "audience": audience,
            "content": (Variant(name="a", texts={"en-GB": text}),),
            **changes,
        }
    )


def make_campaign(
    session: Session,
    listing: Listing,
    *,
    purpose: Purpose = Purpose.NEARBY,
    campaign_class: CampaignClass = CampaignClass.SERVICE,
    published_at: datetime | None = NOON,
    **definition: Any,
) -> Campaign:
    """A published campaign for the listing; what else is told is its definition's."""
    campaign = Campaign(
        id=uuid4(),
        organisation_id=listing.organisation_id,
        listing_id=listing.id,
        name=listing.title,
        purpose=purpose,
        campaign_class=campaign_class,
        version=1,
        created_at=NOON,
        submitted_at=published_at,
        published_at=published_at,
    )
    session.add(campaign)
    session.flush()
    made = make_definition(**{"title": listing.title, **definition})
    make_version(session, campaign, made)
    return campaign


def make_version(session: Session, campaign: Campaign, definition: Definition) -> CampaignVersion:
    """The version that a campaign was published with, which listens at its places."""
    version = CampaignVersion(
        campaign_id=campaign.id,
        number=campaign.version,
        definition=definitions.stored(definition),
        starts_at=definition.schedule.starts_at,
        ends_at=definition.schedule.ends_at,
        made_at=NOON,
        in_force_from=campaign.published_at,
    )
    session.add(version)
    session.flush()
    listen(session, version, definition.places, listing_id=campaign.listing_id)
    if definition.audience.at_most is not None:
        limit_seats(session, campaign.id, definition.audience.at_most)
    session.flush()
    return version
