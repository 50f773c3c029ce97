"""What different devices show of a text before it is opened."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from geoservices.campaigns.definitions import Text
from geoservices.characters import cut


class Device(StrEnum):
    """What somebody reads a notification on."""

    ANDROID = "android"
    IPHONE = "iphone"
    WINDOWS = "windows"
    MACOS = "macos"


@dataclass(frozen=True, slots=True)
class Room:
    """About so many characters fit, with the size of letters that a device comes with."""

    title: int
    body: int


ROOM: Final[Mapping[Device, Room]] = {
    Device.ANDROID: Room(title=30, body=65),
    Device.IPHONE: Room(title=35, body=110),
    Device.WINDOWS: Room(title=54, body=121),
    Device.MACOS: Room(title=35, body=88),
}
"""The least of what different senders and browsers measured: who sees more of it sees it whole."""


@dataclass(frozen=True, slots=True)
class OnScreen:
    """What a device shows of a text."""

    device: Device
    text: Text


def on_screens(text: Text) -> list[OnScreen]:
    """Return what each kind of device shows of a text until somebody opens it."""
    return [
        OnScreen(
            device, Text(title=_fitted(text.title, room.title), body=_fitted(text.body, room.body))
        )
        for device, room in ROOM.items()
    ]


def _fitted(text: str, room: int) -> str:
    return text if len(text) <= room else cut(text, room - 1)
