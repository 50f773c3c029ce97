"""Where photos are made from what was sent: a few at a time in each process.

To decode one takes up to 4 bytes for each of its pixels, and a core for a fraction of a second.
"""

from threading import BoundedSemaphore
from typing import Annotated

from fastapi import Depends, Request

from api.problems import Unavailable
from geoservices.files.photos import Photo, make_photo
from geoservices.settings.storing import FileSettings

AT_ONCE = 2
LONGEST_WAIT_S = 5.0
"""Who has waited for this long is told to come back."""


class Darkroom:
    """Makes photos, never more than a few at a time."""

    def __init__(self, settings: FileSettings) -> None:
        self.settings = settings
        self._places = BoundedSemaphore(AT_ONCE)

    def make(self, data: bytes, media_type: str) -> Photo:
        """Make a photo of what was sent.

        Raises:
            PhotoRefused: It is none that is taken.
            Unavailable: Too many are being made.
        """
        if not self._places.acquire(timeout=LONGEST_WAIT_S):
            raise Unavailable
        try:
            return make_photo(
                data,
                media_type,
                max_pixels=self.settings.max_pixels,
                side_px=self.settings.side_px,
            )
        finally:
            self._places.release()


def get_darkroom(request: Request) -> Darkroom:
    """Where this process makes photos."""
    darkroom: Darkroom = request.app.state.darkroom
    return darkroom


DarkroomDep = Annotated[Darkroom, Depends(get_darkroom)]
