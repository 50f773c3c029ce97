"""Push: the key, and a device's subscriptions."""

from uuid import UUID

from fastapi import APIRouter, Request, Response

from api.bodies import StrictRoute
from api.dependencies import CurrentDevice, Now, SessionDep, SettingsDep
from api.problems import problem_responses
from api.responses import repeated, status_of_made
from api.schemas.notifications import PushKeyOut, SubscriptionIn, SubscriptionOut
from geoservices.errors import NotFound
from geoservices.push.endpoints import EndpointRefused, SubscriptionKeysRefused
from geoservices.subscriptions import queries, service
from geoservices.subscriptions.service import VapidKeyOutdated

router = APIRouter(tags=["push"], route_class=StrictRoute)


@router.get("/push/key")
def read_push_key(device: CurrentDevice, request: Request) -> PushKeyOut:
    """Get the key to give to PushManager.subscribe as `applicationServerKey`."""
    return PushKeyOut(application_server_key=request.app.state.push_key)


@router.post(
    "/subscriptions",
    status_code=201,
    responses={
        **repeated(SubscriptionOut),
        **problem_responses(EndpointRefused, SubscriptionKeysRefused, VapidKeyOutdated),
    },
)
def subscribe(
    body: SubscriptionIn,
    device: CurrentDevice,
    session: SessionDep,
    settings: SettingsDep,
    request: Request,
    response: Response,
    at: Now,
) -> SubscriptionOut:
    """Be pushed to. Send the browser's subscription on every start: repeating renews it."""
    subscription = service.subscribe(
        session,
        device_id=device.id,
        offered=body.to_offered(),
        current_key=request.app.state.push_key,
        push=settings.push,
        at=at,
    )
    response.status_code = status_of_made(subscription.created_at, at=at)
    return SubscriptionOut.model_validate(subscription)


@router.get("/subscriptions")
def list_subscriptions(device: CurrentDevice, session: SessionDep) -> list[SubscriptionOut]:
    """See this device's living subscriptions."""
    rows = queries.subscriptions_of_device(session, device.id)
    return [SubscriptionOut.model_validate(row) for row in rows]


@router.delete(
    "/subscriptions/{subscription_id}", status_code=204, responses=problem_responses(NotFound)
)
def unsubscribe(
    subscription_id: UUID, device: CurrentDevice, session: SessionDep, at: Now
) -> Response:
    """Be pushed to no more; ending a subscription again changes nothing."""
    service.unsubscribe(session, subscription_id, device_id=device.id, at=at)
    return Response(status_code=204)
