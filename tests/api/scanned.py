"""What phones find when they scan, made as the service makes it."""

from datetime import datetime

from geoservices.codes import links, service
from geoservices.codes.models import Code
from geoservices.settings.service import Settings


def static_link(code: Code, settings: Settings) -> str:
    """What is on the poster."""
    return service.link_of(code, settings=settings)


def screen_link(code: Code, settings: Settings, at: datetime) -> str:
    """What is on the screen at an instant."""
    return service.link_of(code, settings=settings, step=links.step_at(at))


def screen_secret(code: Code, settings: Settings) -> str:
    """What stands behind the # of the screen's address."""
    return links.make_screen_token(settings.codes.secret, code.id)
