"""Offers redeemed: once each, and by nobody more often than the terms allow."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy.orm import Session

from geoservices.access.actors import Grant
from geoservices.accounts import queries as accounts
from geoservices.accounts import service as consents
from geoservices.accounts.consents import ON_CHECK_IN
from geoservices.accounts.service import ConsentMissing
from geoservices.errors import GeoservicesError, IdTaken, NotFound
from geoservices.keyring import by_any
from geoservices.offers import codes, queries
from geoservices.offers.models import Offer, Redemption
from geoservices.offers.refusals import (
    OfferLimitReached,
    OfferLocked,
    OfferNotOn,
    OfferUsedUp,
    OwnRedemptionCode,
    RedemptionCodeExpired,
    RedemptionCodeForeign,
    RedemptionCodeUnknown,
    RedemptionCodeUsed,
)
from geoservices.offers.rules import Redeeming
from geoservices.offers.terms import check_left, check_may
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
    on_until = check_may(session, offer, place, person_id, Redeeming.SCAN, settings.offers, at)
    with everywhere(session):
        offer = queries.hold(session, offer_id)
        known = queries.waiting_of(session, offer_id, person_id)
        code = known and known.expires_at and known.expires_at > at and _code_of(known, settings)
        if known and code:
            return GivenCode(known, code, made=False)
        if known:
            queries.drop(session, known)
        check_left(session, offer, place, person_id, at=at, kept=False)
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
    check_may(session, offer, place, person_id, Redeeming.SELF, offers, at)
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
        check_left(session, offer, place, person_id, at=at, kept=False)
        if not queries.insert_if_new(session, redemption):
            raise IdTaken("redemption")
        offer.redeemed_count += 1
    return Redeemed(redemption, offer, made=True)


def why_not(
    session: Session,
    offer: Offer,
    place: Place,
    person_id: UUID,
    *,
    offers: OfferSettings,
    at: datetime,
) -> GeoservicesError | None:
    """Return what a person would be refused with who wanted an offer now; None if they get it."""
    try:
        consents.require_consent(session, person_id, ON_CHECK_IN)
    except ConsentMissing as refused:
        return refused
    return hindrance(session, offer, place, person_id, offers=offers, at=at)


def hindrance(
    session: Session,
    offer: Offer,
    place: Place,
    person_id: UUID | None,
    *,
    offers: OfferSettings,
    at: datetime,
) -> GeoservicesError | None:
    """Return what would be in the way of somebody who agreed, None for whom nobody knows."""
    try:
        check_may(session, offer, place, person_id, Redeeming(offer.redeemed_by), offers, at)
        with everywhere(session):
            known = person_id and queries.waiting_of(session, offer.id, person_id)
            if not known or (known.expires_at is not None and known.expires_at <= at):
                check_left(session, offer, place, person_id, at=at, kept=False)
    except (OfferNotOn, OfferLocked, OfferLimitReached, OfferUsedUp) as refused:
        return refused
    return None


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
        if scan_id:
            queries.hold_scan(session, scan_id)
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
        redemption.redeemed_at = at
        redemption.scanned_by = grant.actor.person_id
        redemption.scan_id = scan_id
        offer.redeemed_count += 1
    return Redeemed(redemption, offer, made=True)


def _find(session: Session, offer_id: UUID, person_id: UUID) -> tuple[Offer, Place]:
    """Return an offer and its place for a person, whom nobody else decides about meanwhile."""
    accounts.lock_people(session, [person_id])
    consents.require_consent(session, person_id, ON_CHECK_IN)
    offer = queries.by_id(session, offer_id)
    if offer is None:
        raise NotFound("offer")
    return offer, places.get_place(session, offer.place_id)


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
    check_left(session, offer, place, redemption.person_id, at=at, kept=True)


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
