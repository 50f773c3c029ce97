"""What becomes of a device whose token was used after it had been exchanged."""

import structlog
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from api.cookies import drop_device, token_in
from api.problems import refusal
from geoservices import clock
from geoservices.accounts.device_tokens import TokenReplayed, revoke_replayed
from geoservices.database import transaction
from geoservices.scopes import open_wide

log = structlog.get_logger()


def install(app: FastAPI) -> None:
    """Revoke such devices, after whatever their requests did was undone."""

    @app.exception_handler(TokenReplayed)
    def _replayed(request: Request, error: TokenReplayed) -> JSONResponse:
        with transaction(app.state.sessions) as session:
            open_wide(session)
            revoke_replayed(session, error.device_id, at=clock.now())
        log.warning("device_token_replayed", device_id=str(error.device_id))
        answer = refusal(request, error)
        if token_in(request, "device"):
            drop_device(answer, app.state.settings)
        return answer
