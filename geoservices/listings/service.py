"""Listings published, changed and withdrawn."""

from dataclasses import asdict
from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy.orm import Session

from geoservices.access.actors import Grant
from geoservices.checkins import queries as checkins
from geoservices.checkins.verification import Evidence
from geoservices.errors import ErrorKind, GeoservicesError, IdTaken, NotFound
from geoservices.listings import queries
from geoservices.listings.announcing import announce
from geoservices.listings.drafts import ListingDraft
from geoservices.listings.models import Listing
from geoservices.places import service as places


class KindFixed(GeoservicesError):
    """A listing stays of the kind that it was made of; nothing was changed."""

    kind = ErrorKind.INVALID
    code = "kind-fixed"
    title = "The kind cannot be changed"

    def __init__(self, kind: str) -> None:
        super().__init__(
            f"It is of the kind {kind}. Withdraw it, and publish another listing.", field="/kind"
        )


def publish_listing(
    session: Session,
    draft: ListingDraft,
    *,
    listing_id: UUID | None,
    grant: Grant,
    at: datetime,
) -> tuple[Listing, bool]:
    """Store a listing; the same id and content again changes nothing.

    Returns:
        The listing, and whether it was made just now.

    Raises:
        NotFound: The place is neither the organisation's nor shared with it, or out of reach.
        YearRefused: It begins or ends in another age.
        EndsBeforeStart: It ends before it starts.
        IdTaken: The id belongs to a listing with other content.
    """
    id_ = listing_id or uuid4()
    draft = _checked(session, draft, id_, grant)
    listing = draft.makes(
        id=id_,
        organisation_id=grant.organisation_id,
        created_at=at,
        **asdict(draft),
    )
    made = queries.insert_if_new(session, listing)
    known = queries.by_id(session, [listing.id]).get(listing.id)
    if known is None or known.organisation_id != grant.organisation_id or not _says(known, draft):
        raise IdTaken("listing")
    if made and known.came_up_at is not None:
        announce(session, [known])
    return known, made


def get_listing(session: Session, listing_id: UUID, *, grant: Grant) -> Listing:
    """Return one of the organisation's listings.

    Raises:
        NotFound: There is none, or it is another organisation's, or out of reach.
    """
    listing = queries.by_id(session, [listing_id]).get(listing_id)
    if listing is None or listing.organisation_id != grant.organisation_id:
        raise NotFound("listing")
    places.check_reach(session, listing.place_id, grant, "listing")
    return listing


def replace_listing(
    session: Session, listing_id: UUID, draft: ListingDraft, *, grant: Grant, at: datetime
) -> Listing:
    """Say something else of a listing; to say the same again changes nothing.

    Raises:
        NotFound: There is no such listing or place of the organisation's.
        KindFixed: It is of another kind.
        YearRefused: It begins or ends in another age.
        EndsBeforeStart: It ends before it starts.
    """
    listing = get_listing(session, listing_id, grant=grant)
    if listing.kind != draft.kind:
        raise KindFixed(listing.kind)
    draft = _checked(session, draft, listing_id, grant)
    if not _says(listing, draft):
        for name, value in asdict(draft).items():
            setattr(listing, name, value)
        listing.note_change(at)
    return listing


def withdraw_listing(session: Session, listing_id: UUID, *, grant: Grant, at: datetime) -> Listing:
    """End a listing now; its campaigns find nothing to speak of. Twice is as good as once.

    Raises:
        NotFound: There is no such listing of the organisation's.
    """
    listing = get_listing(session, listing_id, grant=grant)
    listing.withdraw(at)
    return listing


def here_for(
    session: Session,
    place_id: UUID,
    *,
    tasks_of: UUID | None,
    evidence: Evidence,
    at: datetime,
) -> list[tuple[Listing, bool]]:
    """Return what is on at a place for someone and events to come, and whether each is unlocked.

    What asks for no more than a person's word is open to everyone, an offline claim included: it
    is shown without any check-in. Tasks are only shown to those who do them.

    Args:
        session: The transaction to read in.
        place_id: The place.
        tasks_of: The organisation whose tasks are shown as well.
        evidence: What speaks for them being there.
        at: Now.
    """
    current = queries.current_at(session, place_id, tasks_of=tasks_of, at=at)
    rank = max(evidence.rank, Evidence.SELF_DECLARED.rank)
    return [
        (listing, rank >= Evidence(listing.evidence_needed).rank)
        for listing in current
        if listing.is_shown(at)
    ]


def is_unlocked(
    session: Session, listing: Listing, *, person_id: UUID | None, since: datetime
) -> bool:
    """Tell whether what a listing says is somebody's, by their check-ins there since an instant.

    A person's word is theirs to give at any time; so is what asks for no more (`here_for`).
    """
    needed = Evidence(listing.evidence_needed)
    if needed.rank <= Evidence.SELF_DECLARED.rank:
        return True
    if person_id is None:
        return False
    shown = checkins.evidence_there(session, person_id, listing.place_id, since=since)
    return any(one.rank >= needed.rank for one in shown)


def _checked(session: Session, draft: ListingDraft, listing_id: UUID, grant: Grant) -> ListingDraft:
    """Return a draft with what follows from its place, if it may be there and can be."""
    place = places.get_place_for(session, draft.place_id, grant)
    settled = draft.at_place(place)
    settled.check()
    settled.check_at(place)
    settled.check_within(session, listing_id, grant)
    return settled


def _says(listing: Listing, draft: ListingDraft) -> bool:
    return all(getattr(listing, name) == value for name, value in asdict(draft).items())
