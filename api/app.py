"""The HTTP application, made from what it is given."""

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute

from api import problems
from api.middleware import Door
from api.routers import (
    campaigns,
    checkins,
    devices,
    geofences,
    health,
    listings,
    notifications,
    pings,
    places,
    subscriptions,
    visits,
)
from geoservices.database import SessionFactory
from geoservices.geofences.live import LiveGeofences
from geoservices.notifications.push import vapid_public_key
from geoservices.settings import Settings

NOUNS = (
    devices,
    subscriptions,
    places,
    geofences,
    pings,
    visits,
    checkins,
    listings,
    campaigns,
    notifications,
)


def create_app(sessions: SessionFactory, settings: Settings) -> FastAPI:
    """Make the application on a session factory and settings."""
    app = FastAPI(
        title="geoservices",
        version="1",
        summary="Check in at public places, and be told what matters there.",
        generate_unique_id_function=_operation_id,
        # Errors look alike on every route, as problem documents; docs/problems.md lists them.
        responses={
            "4XX": {"description": "Refused", "content": {problems.MEDIA_TYPE: {}}},
            "5XX": {"description": "Failed", "content": {problems.MEDIA_TYPE: {}}},
        },
    )
    app.state.sessions = sessions
    app.state.settings = settings
    app.state.live = LiveGeofences()
    app.state.push_key = vapid_public_key(settings.push)
    app.state.migration_heads = health.migration_heads()
    problems.install(app)
    version_1 = APIRouter(prefix="/v1")
    for noun in NOUNS:
        version_1.include_router(noun.router)
    app.include_router(version_1)
    app.include_router(health.router)
    app.add_middleware(Door, max_body_bytes=settings.intake.max_body_bytes)
    return app


def _operation_id(route: APIRoute) -> str:
    return route.name
