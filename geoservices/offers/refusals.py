"""Why somebody does not get what an offer has."""

from collections.abc import Mapping
from datetime import datetime

from geoservices.errors import ErrorKind, GeoservicesError


class OfferNotOn(GeoservicesError):
    """The offer is outside its hours, over, or withdrawn."""

    kind = ErrorKind.CONFLICT
    code = "offer-not-on"
    title = "The offer is not on"

    def __init__(self, next_on_at: datetime | None) -> None:
        self.next_on_at = next_on_at
        super().__init__("It is on again later." if next_on_at else "It will not be on again.")

    def extra(self) -> Mapping[str, object]:
        """Say when it is on next, if that is known."""
        return {"next_on_at": _told(self.next_on_at)}


class OfferLocked(GeoservicesError):
    """No check-in of theirs speaks enough for the person's being there."""

    kind = ErrorKind.CONFLICT
    code = "offer-locked"
    title = "The offer is locked"

    def __init__(self, evidence_needed: str) -> None:
        super().__init__(
            f"Check in at the place first. The offer asks for the evidence {evidence_needed}."
        )


class OfferUsedUp(GeoservicesError):
    """All that there is of the offer is redeemed, or kept for people who have a code."""

    kind = ErrorKind.CONFLICT
    code = "offer-used-up"
    title = "There is nothing left of the offer"

    def __init__(self, free_at: datetime | None) -> None:
        self.free_at = free_at
        super().__init__(
            "All that are left are kept for people who have a code. Ask again when one may be free."
            if free_at
            else "All of it has been redeemed."
        )

    def extra(self) -> Mapping[str, object]:
        """Say when one may be free again, if any is only kept for somebody."""
        return {"free_at": _told(self.free_at)}


class OfferLimitReached(GeoservicesError):
    """The person has had as much of the offer as one may."""

    kind = ErrorKind.CONFLICT
    code = "offer-limit-reached"
    title = "You have had all that one person may have"

    def __init__(self, per_person: int, again_at: datetime | None) -> None:
        self.again_at = again_at
        super().__init__(
            f"One person may have {per_person}" + (", and then again." if again_at else ".")
        )

    def extra(self) -> Mapping[str, object]:
        """Say when the limit begins anew, if it does."""
        return {"again_at": _told(self.again_at)}


class RedeemedOtherwise(GeoservicesError):
    """The offer is redeemed in the other way."""

    kind = ErrorKind.CONFLICT
    code = "redeemed-otherwise"
    title = "The offer is redeemed otherwise"

    def __init__(self, redeemed_by: str) -> None:
        super().__init__(
            f"It is redeemed by {redeemed_by}: use "
            + ("/codes and show the code to staff." if redeemed_by == "scan" else "/redemptions.")
        )


class RedemptionCodeUnknown(GeoservicesError):
    """The code is none of ours, is long over, or was replaced by another one."""

    kind = ErrorKind.INVALID
    code = "redemption-code-unknown"
    title = "This code is good for nothing"

    def __init__(self) -> None:
        super().__init__(
            "Nothing was redeemed. Scan or type it again, or ask for a new one.", field="/code"
        )


class RedemptionCodeForeign(GeoservicesError):
    """The code is for another organisation's offer, or for one at a place out of reach."""

    kind = ErrorKind.INVALID
    code = "redemption-code-foreign"
    title = "This code is for somewhere else"

    def __init__(self) -> None:
        super().__init__(
            "Nothing was redeemed. The offer is not one of those that you redeem.", field="/code"
        )


class OwnRedemptionCode(GeoservicesError):
    """The code is that of whoever scanned it."""

    kind = ErrorKind.INVALID
    code = "own-redemption-code"
    title = "Nobody redeems their own code"

    def __init__(self) -> None:
        super().__init__("Nothing was redeemed. Let somebody else scan it.", field="/code")


class RedemptionCodeUsed(GeoservicesError):
    """The code was redeemed before."""

    kind = ErrorKind.CONFLICT
    code = "redemption-code-used"
    title = "This code was used before"

    def __init__(self, redeemed_at: datetime) -> None:
        self.redeemed_at = redeemed_at
        super().__init__("Nothing was redeemed this time.")

    def extra(self) -> Mapping[str, object]:
        """Say when it was redeemed."""
        return {"redeemed_at": _told(self.redeemed_at)}


class RedemptionCodeExpired(GeoservicesError):
    """The code is too old."""

    kind = ErrorKind.CONFLICT
    code = "redemption-code-expired"
    title = "This code is too old"

    def __init__(self, expired_at: datetime) -> None:
        self.expired_at = expired_at
        super().__init__("Nothing was redeemed. Ask the person for a new one.")

    def extra(self) -> Mapping[str, object]:
        """Say when it expired."""
        return {"expired_at": _told(self.expired_at)}


def _told(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
