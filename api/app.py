"""The HTTP application, made from what it is given."""

from collections.abc import Iterable
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from starlette.middleware.cors import CORSMiddleware
from starlette.types import Receive, Scope, Send
from typing_extensions import override

from api import problems, reference, replays, web
from api.auditing import note_refusal
from api.committing import Committer
from api.darkroom import Darkroom
from api.express import Express
from api.hashing import Hashing
from api.headers import of_service
from api.middleware import AT_ONCE, FORM_TYPES, JSON_TYPES, Bodies, Door
from api.oidc import MAX_LOGOUT_BYTES
from api.openapi import complete
from api.routers import (
    agendas,
    audit,
    browsers,
    campaign_replays,
    campaigns,
    channels,
    checkins,
    codes,
    consents,
    devices,
    email,
    events,
    explanations,
    feeds,
    geofences,
    health,
    imports,
    interests,
    joining,
    keys,
    listings,
    me,
    members,
    notifications,
    offers,
    oidc,
    organisation,
    osmand,
    outcomes,
    overland,
    owntracks,
    pages,
    passwords,
    phones,
    photos,
    pings,
    places,
    receipts,
    redemptions,
    reviews,
    runs,
    second_factor,
    sensitivity,
    sharing,
    shifts,
    sign_ins,
    statistics,
    subscriptions,
    task_series,
    tasks,
    tiles,
    visits,
    watching,
)
from api.routers import problems as problem_pages
from api.schemas.receipts import MAX_BODY_BYTES
from api.task_files import MEDIA_TYPES as TASK_FILE_TYPES
from api.throttling import Throttle
from geoservices.database import SessionFactory
from geoservices.files.photos import FORMATS
from geoservices.files.store import FileStore
from geoservices.geofences.live import LiveGeofences
from geoservices.limiting.limiter import Limiter
from geoservices.oidc.service import make_providers
from geoservices.push.vapid import vapid_public_key
from geoservices.settings.service import Settings
from geoservices.tiles.service import Tiles

NOUNS = (
    browsers,
    devices,
    joining,
    consents,
    phones,
    owntracks,
    overland,
    osmand,
    subscriptions,
    shifts,
    places,
    sensitivity,
    watching,
    geofences,
    tiles,
    organisation,
    outcomes,
    members,
    interests,
    keys,
    sharing,
    pings,
    visits,
    statistics,
    codes,
    checkins,
    # Before what has a task's id in its place.
    imports,
    task_series,
    photos,
    listings,
    events,
    feeds,
    agendas,
    offers,
    redemptions,
    tasks,
    campaigns,
    campaign_replays,
    reviews,
    runs,
    notifications,
    receipts,
    channels,
    email,
    explanations,
    me,
    oidc,
    sign_ins,
    passwords,
    second_factor,
    audit,
)


UNVERSIONED = (health.router, pages.router, problem_pages.router)
"""What has an address that must never change."""


class Application(FastAPI):
    """FastAPI, with a short way in front, and an OpenAPI document that tells of every refusal."""

    express: Express

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer by the short way what can be."""
        await self.express(scope, receive, send)

    async def answer_fully(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer by the long way."""
        await super().__call__(scope, receive, send)

    @override
    def openapi(self) -> dict[str, Any]:
        """Return the OpenAPI document, made once."""
        if self.openapi_schema is None:
            routers = [*(noun.router for noun in NOUNS), *UNVERSIONED]
            routes = [
                route
                for router in routers
                for route in router.routes
                if isinstance(route, APIRoute)
            ]
            self.openapi_schema = complete(super().openapi(), routes, self.state.settings)
        return self.openapi_schema


def create_app(
    sessions: SessionFactory,
    settings: Settings,
    *,
    intake: SessionFactory | None = None,
    limiting: SessionFactory | None = None,
    at_once: int = AT_ONCE,
) -> FastAPI:
    """Make the application.

    Args:
        sessions: Where requests get their sessions.
        settings: The service's.
        intake: Where groups of pings get theirs, if from elsewhere.
        limiting: Where what counts requests gets its own. A request that holds a connection may ask
            it, so with the same few connections all could wait for each other.
        at_once: How many requests are answered at once, at most as many as there are connections.
    """
    app = Application(
        title="geoservices",
        version="1",
        summary="Check in at public places, and be told what matters there.",
        generate_unique_id_function=_operation_id,
        docs_url=None,
        redoc_url=None,
        # A redirect would go to whatever the Host header says, and lose bodies on the way.
        redirect_slashes=False,
    )
    app.state.sessions = sessions
    app.state.settings = settings
    app.state.live = LiveGeofences()
    app.state.limiter = Limiter(limiting or sessions, settings)
    app.state.throttle = Throttle(app.state.limiter)
    app.state.committer = Committer(intake or sessions, app.state.live, settings)
    app.state.providers = make_providers(settings.oidc, public_url=settings.public_url)
    app.state.hashing = Hashing(settings.sign_in)
    app.state.tiles = Tiles(most_bytes=settings.maps.tile_cache_bytes)
    app.state.store = FileStore(settings.files)
    app.state.darkroom = Darkroom(settings.files)
    app.state.push_key = vapid_public_key(settings.push)
    app.state.migration_heads = health.migration_heads()
    app.state.readiness = health.Readiness()
    problems.install(app, refused=note_refusal)
    replays.install(app)
    reference.install(app)
    version_1 = APIRouter(prefix="/v1")
    for noun in NOUNS:
        version_1.include_router(noun.router)
    app.include_router(version_1)
    for router in UNVERSIONED:
        app.include_router(router)
    pages.install(app)
    web.install(app, map_origin=settings.maps.base_origin)
    app.add_middleware(
        Door,
        usual=Bodies(max_bytes=settings.intake.max_body_bytes),
        taken_at=_taken_at(settings, app.state.providers),
        headers=of_service(settings.public_url),
        at_once=at_once,
    )
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
            allow_headers=["Authorization", "Content-Type", "If-Match"],
            expose_headers=["ETag", "Location", "Retry-After", "X-Request-Id"],
        )
    app.express = Express(app.answer_fully, app.state, settings)
    return app


def _taken_at(settings: Settings, providers: Iterable[str]) -> dict[str, Bodies]:
    """Return what bodies are taken where they are others than usual."""
    usual = settings.intake.max_body_bytes
    forms = (*JSON_TYPES, *FORM_TYPES)
    logout = Bodies(max_bytes=min(MAX_LOGOUT_BYTES, usual), media_types=forms)
    return {
        # Other people's programs send forms.
        **dict.fromkeys(
            ("/v1/osmand", "/v1/email/unsubscribe"), Bodies(max_bytes=usual, media_types=forms)
        ),
        **{f"/v1/oidc/{slug}/logout": logout for slug in providers},
        "/v1/receipts": Bodies(max_bytes=min(MAX_BODY_BYTES, usual)),
        "/v1/tasks/imports": Bodies(
            max_bytes=settings.imports.max_bytes, media_types=TASK_FILE_TYPES
        ),
        "/v1/tasks/*/photos": Bodies(
            max_bytes=settings.files.max_bytes, media_types=tuple(FORMATS)
        ),
    }


def _operation_id(route: APIRoute) -> str:
    return route.name
