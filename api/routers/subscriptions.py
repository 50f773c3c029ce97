"""Push: the key, and a device's subscriptions."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response

from api.bodies import StrictRoute
from api.dependencies import CurrentDevice, Now, SessionDep, SettingsDep
from api.problems import problem_responses, refusal
from api.responses import repeated, status_of_made
from api.schemas.subscriptions import PushKeyOut, SentTestOut, SubscriptionIn, SubscriptionOut
from geoservices import pipeline
from geoservices.accounts.service import ConsentMissing
from geoservices.errors import NotFound
from geoservices.notifications.trying import TooManyTests
from geoservices.push.endpoints import EndpointRefused, SubscriptionKeysRefused
from geoservices.subscriptions import queries, service
from geoservices.subscriptions.service import SubscriptionEnded, VapidKeyOutdated

router = APIRouter(tags=["push"], route_class=StrictRoute)


def get_push_key(request: Request) -> str:
    """The key that browsers are to subscribe with."""
    key: str = request.app.state.push_key
    return key


PushKey = Annotated[str, Depends(get_push_key)]


@router.get("/push/key")
def read_push_key(device: CurrentDevice, key: PushKey) -> PushKeyOut:
    """Get the key to give to PushManager.subscribe as `applicationServerKey`."""
    return PushKeyOut(application_server_key=key)


@router.post(
    "/subscriptions",
    status_code=201,
    response_model=SubscriptionOut,
    responses={
        **repeated(SubscriptionOut),
        **problem_responses(
            ConsentMissing, EndpointRefused, SubscriptionKeysRefused, VapidKeyOutdated
        ),
    },
)
def subscribe(
    body: SubscriptionIn,
    device: CurrentDevice,
    session: SessionDep,
    settings: SettingsDep,
    key: PushKey,
    request: Request,
    response: Response,
    at: Now,
) -> SubscriptionOut | Response:
    """Be pushed to. Send the browser's subscription on every start: repeating renews it."""
    try:
        subscription = pipeline.subscribe(
            session,
            device_id=device.id,
            offered=body.to_offered(),
            current_key=key,
            push=settings.push,
            at=at,
        )
    except VapidKeyOutdated as outdated:
        # Not raised on: that the browser is there is kept, so that the old key serves it meanwhile.
        return refusal(request, outdated)
    response.status_code = status_of_made(subscription.created_at, at=at)
    return SubscriptionOut.of(subscription, current_key=key)


@router.get("/subscriptions")
def list_subscriptions(
    device: CurrentDevice,
    session: SessionDep,
    key: PushKey,
    at: Now,
    *,
    ended: Annotated[
        bool, Query(description="Whether to list those too that ended in the last 30 days")
    ] = False,
) -> list[SubscriptionOut]:
    """See how this device's subscriptions are doing, and why those stopped that have ended."""
    since = at - service.ENDED_TOLD_FOR if ended else None
    rows = queries.subscriptions_of_device(session, device.id, ended_since=since)
    return [SubscriptionOut.of(row, current_key=key) for row in rows]


@router.delete(
    "/subscriptions/{subscription_id}", status_code=204, responses=problem_responses(NotFound)
)
def unsubscribe(
    subscription_id: UUID, device: CurrentDevice, session: SessionDep, at: Now
) -> Response:
    """Be pushed to no more; ending a subscription again changes nothing."""
    service.unsubscribe(session, subscription_id, device_id=device.id, at=at)
    return Response(status_code=204)


@router.post(
    "/subscriptions/{subscription_id}/test",
    status_code=202,
    responses=problem_responses(NotFound, SubscriptionEnded, TooManyTests),
)
def send_test(
    subscription_id: UUID, device: CurrentDevice, session: SessionDep, at: Now
) -> SentTestOut:
    """Be sent a notification by this subscription, to see that pushes arrive.

    One may be asked for in 10 seconds, and 10 in an hour. Sent again, it makes another.
    """
    test = pipeline.send_test(session, device, subscription_id, at=at)
    return SentTestOut(notification_id=test.id)
