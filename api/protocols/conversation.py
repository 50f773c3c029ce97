"""What OwnTracks says and is told in answer, encrypted or not."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from api.problems import InvalidRequest
from api.protocols import owntracks
from api.protocols.owntracks import Message
from api.protocols.reading import Dropped, Said
from api.protocols.secretbox import is_sealed, seal, unseal
from api.protocols.taking import Taken
from geoservices.phones import queries
from geoservices.phones.service import Phone, key_of, regions_for
from geoservices.settings.presence import PhoneSettings

STALE_AFTER = timedelta(minutes=15)
"""A position older than this does not say which places are the nearest now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A message taken out of its envelope; `key` is what it was encrypted with, if it was."""

    message: object
    said: Said
    key: str | None = None


def open_message(body: object, phone: Phone, settings: PhoneSettings) -> Opened:
    """Open and read one message; an empty body says nothing.

    Raises:
        InvalidRequest: It is no object, so it does not come from OwnTracks.
    """
    if body is None:
        return Opened(message=None, said=Said())
    if not isinstance(body, dict):
        fault = {"field": "", "rule": "dict-type", "detail": "A message is a JSON object."}
        raise InvalidRequest([fault])
    if not is_sealed(body):
        return Opened(message=body, said=owntracks.read(body, device_id=phone.device.id))
    link = phone.link
    key = key_of(link.id, settings) if link and link.encrypted else None
    try:
        message = unseal(body, key)
    except Dropped as reason:
        return Opened(message=None, said=Said(dropped=Counter([str(reason)])))
    return Opened(message=message, said=owntracks.read(message, device_id=phone.device.id), key=key)


def reply(
    session: Session,
    phone: Phone,
    opened: Opened,
    taken: Taken,
    *,
    settings: PhoneSettings,
    at: datetime,
) -> list[Message] | Message:
    """Return what the phone is told, encrypted if what it said was."""
    messages = _messages(session, phone, opened, taken, settings=settings, at=at)
    return seal(messages, opened.key) if opened.key else messages


def _messages(
    session: Session,
    phone: Phone,
    opened: Opened,
    taken: Taken,
    *,
    settings: PhoneSettings,
    at: datetime,
) -> list[Message]:
    if not taken.agreed:
        given = queries.forget_marks(session, phone.device.id)
        return owntracks.watch(()) if given else []
    said = opened.said
    if said.position is None or said.told_at is None:
        return []
    regions = None
    if abs(at - said.told_at) <= STALE_AFTER:
        regions = regions_for(
            session,
            phone,
            said.position,
            again=taken.again or said.asked,
            settings=settings,
            at=at,
        )
    places = queries.places_of(session, phone.device.id)
    return owntracks.answer(owntracks.tid_of(opened.message), places, regions)
