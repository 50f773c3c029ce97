"""Offers redeemed: once each, and by nobody more often than the terms allow."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NoReturn
from uuid import UUID, uuid4

from sqlalchemy.orm import Session

from geoservices.access.actors import Grant
from geoservices.accounts import queries as accounts
from geoservices.accounts import service as consents
from geoservices.accounts.consents import ON_CHECK_IN
from geoservices.checkins.verification import Evidence
from geoservices.errors import IdTaken, NotFound
from geoservices.keyring import by_any
from geoservices.listings import service as listings
from geoservices.listings.models import Listing
from geoservices.offers import codes, queries
from geoservices.offers.models import Offer, Redemption
from geoservices.offers.refusals import (
    OfferLimitReached,
    OfferLocked,
    OfferNotOn,
    OfferUsedUp,
    OwnRedemptionCode,
    RedeemedOtherwise,
    RedemptionCodeExpired,
    RedemptionCodeForeign,
    RedemptionCodeUnknown,
    RedemptionCodeUsed,
)
from geoservices.offers.rules import Redeeming, Renewal, counted_since, renewed_at
from geoservices.offers.windows import FAR, first_on
from geoservices.places import access_queries
from geoservices.places import service as places
from geoservices.places.models import Place
from geoservices.scopes import everywhere
from geoservices.settings.presence import OfferSettings
from geoservices.settings.service import Settings


@dataclass(frozen=True, slots=True)
class Redeemed:
    """A redemption with its offer, and whether it came of this very request."""

    redemption: Redemption
    offer: Offer
    made: bool


@dataclass(frozen=True, slots=True)
class GivenCode:
    """The code of a redemption that waits, and whether it was made just now."""

    redemption: Redemption
    code: str
    made: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What somebody may still have of an offer.

    `on_until` is None while it is not on, or has no end; `next_on_at` while it is on, or will not
    be again. `left` and `yours_left` are None where there is no end of it, or no limit.
    """

    on: bool
    on_until: datetime | None
    next_on_at: datetime | None
    left: int | None
    yours_left: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How much of an offer is redeemed, kept for people with a code, and left."""

    redeemed: int
    waiting: int
    left: int | None


def give_code(
    session: Session, offer_id: UUID, person_id: UUID, *, settings: Settings, at: datetime
) -> GivenCode:
    """Give a person a code for an offer; while they have one that counts, it is that one.

    A piece is kept for them until it expires, which it does at the latest when the offer does.

    Raises:
        ConsentMissing: They did not agree to checking in; nothing is stored.
        NotFound: There is no such offer.
        OfferNotOn: It is not on.
        RedeemedOtherwise: People redeem it themselves.
        OfferLocked: Nothing speaks enough for their being there.
        OfferLimitReached: They have had all that one may.
        OfferUsedUp: Nothing is left.
    """
    offer, place = _find(session, offer_id, person_id)
    on_until = _check_may(session, offer, place, person_id, Redeeming.SCAN, settings.offers, at)
    with everywhere(session):
        offer = queries.hold(session, offer_id)
        known = queries.waiting_of(session, offer_id, person_id)
        code = known and known.expires_at and known.expires_at > at and _code_of(known, settings)
        if known and code:
            return GivenCode(known, code, made=False)
        if known:
            queries.drop(session, known)
        _check_left(session, offer, place, person_id, at=at, taking=1)
        expires_at = min(at + settings.offers.code_lifetime, on_until)
        return _new_code(session, offer, person_id, expires_at, settings=settings, at=at)


def redeem_oneself(
    session: Session,
    offer_id: UUID,
    person_id: UUID,
    *,
    redemption_id: UUID | None,
    offers: OfferSettings,
    at: datetime,
) -> Redeemed:
    """Redeem an offer on the word of a person whose check-in says that they are there.

    Raises:
        ConsentMissing: They did not agree to checking in; nothing is stored.
        NotFound: There is no such offer.
        IdTaken: The id belongs to another redemption.
        OfferNotOn: It is not on.
        RedeemedOtherwise: Staff scan codes for it.
        OfferLocked: Nothing speaks enough for their being there.
        OfferLimitReached: They have had all that one may.
        OfferUsedUp: Nothing is left.
    """
    offer, place = _find(session, offer_id, person_id)
    known = redemption_id and queries.redemption_by_id(session, redemption_id)
    if known:
        if known.offer_id != offer_id or known.redeemed_at is None:
            raise IdTaken("redemption")
        return Redeemed(known, offer, made=False)
    _check_may(session, offer, place, person_id, Redeeming.SELF, offers, at)
    redemption = Redemption(
        id=redemption_id or uuid4(),
        organisation_id=offer.organisation_id,
        offer_id=offer.id,
        place_id=offer.place_id,
        person_id=person_id,
        made_at=at,
        redeemed_at=at,
    )
    with everywhere(session):
        offer = queries.hold(session, offer_id)
        _check_left(session, offer, place, person_id, at=at, taking=1)
        if not queries.insert_if_new(session, redemption):
            raise IdTaken("redemption")
        queries.count_one(session, offer_id)
    return Redeemed(redemption, offer, made=True)


def redeem_code(
    session: Session,
    grant: Grant,
    text: str,
    *,
    scan_id: UUID | None,
    settings: Settings,
    at: datetime,
) -> Redeemed:
    """Redeem a code that somebody showed; the same scan again returns what the first one did.

    Args:
        session: The session.
        grant: What lets the scanner do so.
        text: The code, as it was scanned or typed.
        scan_id: The scanner's own number.
        settings: The service's.
        at: Now.

    Raises:
        RedemptionCodeUnknown: It is none of ours, or was replaced by another one.
        RedemptionCodeForeign: It is for another organisation's offer, or out of reach.
        OwnRedemptionCode: It is the scanner's own.
        RedemptionCodeUsed: It was redeemed before.
        RedemptionCodeExpired: It is too old.
        OfferNotOn: The offer was withdrawn.
        OfferLimitReached: The terms have changed since, and the person has had all they may.
        OfferUsedUp: The terms have changed since, and nothing is left.
        IdTaken: The scanner's number was used for another code.
    """
    code = codes.read_redemption_code(text)
    if code is None:
        raise RedemptionCodeUnknown
    # The code is another person's, and perhaps for another organisation's offer.
    with everywhere(session):
        found = queries.by_mark(
            session, [codes.mark_of(secret, code) for secret in settings.codes.secrets]
        )
        if found is None:
            raise RedemptionCodeUnknown
        offer = queries.hold(session, found.offer_id)
        redemption = queries.hold_redemption(session, found.id)
        if redemption is None:
            raise RedemptionCodeUnknown
        _check_may_redeem(session, grant, redemption)
        earlier = scan_id and queries.by_scan(session, scan_id)
        if earlier:
            if earlier.id != redemption.id:
                raise IdTaken("redemption")
            return Redeemed(redemption, offer, made=False)
        _check_waits(redemption, at)
        _check_terms(session, offer, redemption, at)
        if not queries.settle(
            session, redemption, scan_id=scan_id, by=grant.actor.person_id, at=at
        ):
            raise IdTaken("redemption")
        queries.count_one(session, offer.id)
        session.refresh(redemption)
    return Redeemed(redemption, offer, made=True)


def counts_of(session: Session, offer_id: UUID, *, grant: Grant, at: datetime) -> Counts:
    """Return how much of one of the organisation's offers is redeemed.

    Raises:
        NotFound: There is none, or it is another organisation's, or out of reach.
    """
    offer = queries.by_id(session, offer_id)
    if offer is None:
        raise NotFound("offer")
    listings.get_listing(session, offer_id, grant=grant)
    # It is told of nobody in particular, and the redemptions are the people's.
    with everywhere(session):
        waiting = queries.waiting(session, [offer_id], at=at).get(offer_id)
    count = waiting.count if waiting else 0
    return Counts(redeemed=offer.redeemed_count, waiting=count, left=_left(offer, count))


def standings(
    session: Session,
    here: Collection[Listing],
    place: Place,
    *,
    person_id: UUID | None,
    at: datetime,
) -> dict[UUID, Standing]:
    """Return what somebody may still have of each offer among listings at a place.

    Args:
        session: The session.
        here: The listings; those of other kinds are passed over.
        place: Where they are.
        person_id: Who asks; None for a machine, which has nothing of anything.
        at: Now.
    """
    offers = [listing for listing in here if isinstance(listing, Offer)]
    if not offers:
        return {}
    since = {offer.id: _counted_since(offer, place, at) for offer in offers}
    had = queries.had(session, person_id, since) if person_id else {}
    with everywhere(session):
        waiting = queries.waiting(session, since, at=at)
    return {
        offer.id: _standing(
            offer,
            place,
            waiting=waiting[offer.id].count if offer.id in waiting else 0,
            had=had.get(offer.id, 0) if person_id else None,
            at=at,
        )
        for offer in offers
    }


def my_redemptions(
    session: Session, person_id: UUID, *, after: tuple[datetime, UUID] | None, limit: int
) -> Sequence[tuple[Redemption, Offer]]:
    """Return what a person redeemed or may redeem, each with its offer, newest first."""
    return [(row[0], row[1]) for row in queries.of_person(session, person_id, after=after, limit=limit)]


def _find(session: Session, offer_id: UUID, person_id: UUID) -> tuple[Offer, Place]:
    """Return an offer and its place for a person, whom nobody else decides about meanwhile."""
    accounts.lock_people(session, [person_id])
    consents.require_consent(session, person_id, ON_CHECK_IN)
    offer = queries.by_id(session, offer_id)
    if offer is None:
        raise NotFound("offer")
    return offer, places.get_place(session, offer.place_id)


def _check_may(
    session: Session,
    offer: Offer,
    place: Place,
    person_id: UUID,
    way: Redeeming,
    offers: OfferSettings,
    at: datetime,
) -> datetime:
    """Refuse unless the offer is on, in this way, and unlocked; return until when it is on."""
    on = None if offer.withdrawn_at else first_on(offer.schedule_at(place), since=at)
    if on is None or on.starts_at > at:
        raise OfferNotOn(on and on.starts_at)
    if offer.redeemed_by != way:
        raise RedeemedOtherwise(offer.redeemed_by)
    needed = Evidence(offer.evidence_needed)
    # A person's word is theirs to give at any time; as by `listings.here_for`.
    if needed.rank > Evidence.SELF_DECLARED.rank:
        shown = queries.evidence_there(
            session, person_id, place.id, since=at - offers.check_in_counts
        )
        if not any(one.rank >= needed.rank for one in shown):
            raise OfferLocked(needed)
    return on.ends_at


def _check_left(
    session: Session, offer: Offer, place: Place, person_id: UUID, *, at: datetime, taking: int
) -> None:
    """Refuse if a person has had all that they may, or nothing is left of an offer that is held.

    Args:
        session: The session.
        offer: The offer.
        place: Its place.
        person_id: Who is to have one more.
        at: Now.
        taking: 1 for a piece that is not kept for them yet, 0 for one that is.
    """
    since = _counted_since(offer, place, at)
    had = queries.had(session, person_id, {offer.id: since}).get(offer.id, 0)
    if offer.per_person is not None and had >= offer.per_person:
        renewal = Renewal(offer.per_person_renews)
        again_at = renewed_at(renewal, time_zone=place.time_zone, at=at)
        raise OfferLimitReached(offer.per_person, again_at)
    if offer.stock is None:
        return
    if offer.redeemed_count >= offer.stock:
        raise OfferUsedUp(None)
    waiting = queries.waiting(session, [offer.id], at=at).get(offer.id)
    if waiting and taking and offer.redeemed_count + waiting.count >= offer.stock:
        raise OfferUsedUp(waiting.until)


def _check_may_redeem(session: Session, grant: Grant, redemption: Redemption) -> None:
    """Refuse a code that is not for the scanner to redeem."""
    ours = redemption.organisation_id == grant.organisation_id
    if not ours or not access_queries.is_reached(session, redemption.place_id, grant):
        raise RedemptionCodeForeign
    if redemption.person_id == grant.actor.person_id:
        raise OwnRedemptionCode


def _check_waits(redemption: Redemption, at: datetime) -> None:
    """Refuse a code that was redeemed, or is too old."""
    if redemption.redeemed_at is not None:
        raise RedemptionCodeUsed(redemption.redeemed_at)
    if redemption.expires_at is not None and redemption.expires_at <= at:
        raise RedemptionCodeExpired(redemption.expires_at)


def _check_terms(session: Session, offer: Offer, redemption: Redemption, at: datetime) -> None:
    """Refuse what the terms do not allow any more, though the code was given by them."""
    if offer.withdrawn_at is not None:
        raise OfferNotOn(None)
    place = places.get_place(session, offer.place_id)
    _check_left(session, offer, place, redemption.person_id, at=at, taking=0)


def _new_code(
    session: Session,
    offer: Offer,
    person_id: UUID,
    expires_at: datetime,
    *,
    settings: Settings,
    at: datetime,
) -> GivenCode:
    """Store a code; of the few there can be, one that is another's is passed over."""
    while True:
        redemption_id = uuid4()
        code = codes.code_of(settings.codes.secret, redemption_id)
        redemption = Redemption(
            id=redemption_id,
            organisation_id=offer.organisation_id,
            offer_id=offer.id,
            place_id=offer.place_id,
            person_id=person_id,
            code_mark=codes.mark_of(settings.codes.secret, code),
            made_at=at,
            expires_at=expires_at,
        )
        if queries.insert_if_new(session, redemption):
            return GivenCode(redemption, code, made=True)


def _code_of(redemption: Redemption, settings: Settings) -> str | None:
    """Return the code of a redemption, whichever secret it was made with; None if that is gone."""

    def read(secret: bytes) -> str | None:
        code = codes.code_of(secret, redemption.id)
        return code if codes.mark_of(secret, code) == redemption.code_mark else None

    return by_any(settings.codes.secrets, read)


def _counted_since(offer: Offer, place: Place, at: datetime) -> datetime | None:
    renewal = Renewal(offer.per_person_renews)
    return counted_since(renewal, time_zone=place.time_zone, at=at)


def _left(offer: Offer, waiting: int) -> int | None:
    return None if offer.stock is None else max(0, offer.stock - offer.redeemed_count - waiting)


def _standing(
    offer: Offer, place: Place, *, waiting: int, had: int | None, at: datetime
) -> Standing:
    span = None if offer.withdrawn_at else first_on(offer.schedule_at(place), since=at)
    on = span is not None and span.starts_at <= at
    limited = offer.per_person is not None and had is not None
    return Standing(
        on=on,
        on_until=span.ends_at if span and on and span.ends_at < FAR else None,
        next_on_at=span.starts_at if span and not on else None,
        left=_left(offer, waiting),
        yours_left=max(0, (offer.per_person or 0) - (had or 0)) if limited else None,
    )
