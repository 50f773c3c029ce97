"""Who a browser is, as its cookies have it."""

from fastapi import APIRouter, Request, Response

from api.browsers import read_browser
from api.dependencies import Now, WideSession
from api.schemas.accounts import BrowserOut

router = APIRouter(tags=["devices"])


@router.get("/session")
def read_session(request: Request, response: Response, session: WideSession, at: Now) -> BrowserOut:
    """See who this browser is by each of its cookies, and what its requests must carry.

    A page asks this first. Both are null in a browser that nobody has set up. A cookie that is
    worthless is dropped; a device's that has served its time is exchanged for a new one.
    """
    return read_browser(request, response, session, at=at)
