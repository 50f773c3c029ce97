"""Receipts: what service workers say became of notifications."""

from fastapi import APIRouter

from api.bodies import StrictRoute
from api.dependencies import Now, SettingsDep, WideSession
from api.schemas.receipts import ReceiptResultOut, ReceiptsIn, ReceiptsOut
from geoservices.deliveries import receipts

router = APIRouter(tags=["push"], route_class=StrictRoute)


@router.post("/receipts")
def take_receipts(
    body: ReceiptsIn, session: WideSession, settings: SettingsDep, at: Now
) -> ReceiptsOut:
    """Say that notifications were shown, clicked or dismissed; saying it again changes nothing.

    It needs no token of the caller's: each receipt carries the one that came with its push, which
    speaks of that delivery alone.
    """
    reports = [receipt.to_report() for receipt in body.receipts]
    taken = receipts.take(session, reports, keys=receipts.receipt_keys(settings), at=at)
    return ReceiptsOut(
        results=[ReceiptResultOut(status="taken" if one else "unknown") for one in taken.known]
    )
