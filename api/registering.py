"""Devices that introduce themselves, by whichever credential and in whosever name."""

from dataclasses import dataclass
from datetime import datetime

from fastapi import Request, Response
from sqlalchemy.orm import Session

from api.cookies import give_device
from api.csrf import csrf_token_after, refuse_other_sites
from api.schemas.accounts import CredentialOut, DeviceIn
from geoservices import welcoming
from geoservices.accounts import service as accounts
from geoservices.accounts.models import Device, Person
from geoservices.errors import ErrorKind, Forbidden, GeoservicesError
from geoservices.languages import preferred
from geoservices.scopes import everywhere
from geoservices.settings.service import Settings


class BrowserIsDevice(GeoservicesError):
    """The browser is a device already, which would be lost with its cookie; nothing was changed."""

    kind = ErrorKind.CONFLICT
    code = "browser-is-device"
    title = "This browser is a device already"

    def __init__(self) -> None:
        super().__init__(
            "Ask its user, and send `replaces_device` to end that device with this one.",
            field="/replaces_device",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """What a device says of itself, and what is known of who it is.

    `member` is who is signed in there; `there` is the device that the browser is already.
    """

    body: DeviceIn
    member: Person | None
    there: Device | None
    request: Request

    def check(self) -> None:
        """Refuse what would give a browser away, or lose what it is.

        Raises:
            CsrfRefused: Another site's page would have this browser become a device of its choice.
            BrowserIsDevice: The browser is a device, and it was not said that it shall end.
            Forbidden: A member would join somebody else's devices.
        """
        if self.body.credential == "cookie":
            refuse_other_sites(self.request)
            if self.there and not self.body.replaces_device:
                raise BrowserIsDevice
        if self.body.joining_code is not None and self.member:
            raise Forbidden("A joining code makes a citizen's device. Sign out before you use it.")

    def register(self, session: Session, *, at: datetime) -> tuple[Device, str]:
        """Make the device, and end the one that it takes the place of in the browser.

        Raises:
            JoiningCodeUnknown: The code is worthless.
            TooManyDevices: Its person has as many devices as one may have.
            TimeZoneUnknown: There is no such time zone.
        """
        made = self._join(session, at) or accounts.register_device(
            session,
            member=self.member,
            label=self.body.label,
            time_zone=self.body.time_zone,
            language=preferred(self.request.headers.get("accept-language", "")),
            places_only=self.body.places_only,
            at=at,
        )
        if self.there and self.body.credential == "cookie":
            # It is another person's than the new one is.
            with everywhere(session):
                accounts.revoke_device(self.there, at=at)
        return made

    def _join(self, session: Session, at: datetime) -> tuple[Device, str] | None:
        if self.body.joining_code is None:
            return None
        settings: Settings = self.request.app.state.settings
        return welcoming.join_device(
            session,
            self.body.joining_code,
            label=self.body.label,
            places_only=self.body.places_only,
            settings=settings,
            at=at,
        )


def hand_out(request: Request, response: Response, token: str, *, by_cookie: bool) -> CredentialOut:
    """Give a device its token, in the answer's body or in a cookie."""
    if not by_cookie:
        return CredentialOut(token=token, csrf_token=None)
    settings: Settings = request.app.state.settings
    give_device(response, token, settings)
    return CredentialOut(token=None, csrf_token=csrf_token_after(request, device=token))
