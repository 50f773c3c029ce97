"""What is sent as a photo is made anew from its pixels, so that nothing else of it is kept.

Pillow decodes it, turns it as the camera was held, makes it smaller, and encodes it as JPEG.
Whatever stood beside the pixels is gone: where and when it was taken and with what (EXIF, XMP,
IPTC), a thumbnail of what was cut off, comments, a second file behind the first.
"""

from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO

from PIL import Image, ImageOps

from geoservices.errors import ErrorKind, GeoservicesError

FORMATS = {"image/jpeg": "JPEG", "image/png": "PNG", "image/webp": "WEBP"}
"""What is taken: Pillow's names of the formats by their media types."""
KEPT_AS = "image/jpeg"
QUALITY = 85
"""Of the JPEG that is kept; a photo of 2,560 by 1,920 pixels has about 700 kB."""
HEIF_BRANDS = (b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1", b"avif")
"""What names itself so at its beginning is HEIF or AVIF (ISO/IEC 23008-12 annex B)."""
WHITE = (255, 255, 255)


class PhotoRefused(GeoservicesError):
    """What was sent is no photo that is taken; nothing was stored."""

    kind = ErrorKind.INVALID
    code = "photo-refused"
    title = "The photo is not taken"


@dataclass(frozen=True, slots=True, kw_only=True)
class Photo:
    """A photo as it is kept: a JPEG with nothing in it but pixels."""

    data: bytes
    width_px: int
    height_px: int

    @property
    def digest(self) -> bytes:
        """SHA-256 of it."""
        return sha256(self.data).digest()


def make_photo(data: bytes, media_type: str, *, max_pixels: int, side_px: int) -> Photo:
    """Make a photo from what was sent.

    Args:
        data: What was sent.
        media_type: What it was said to be, one of `FORMATS`.
        max_pixels: The most pixels it may have; they are counted before any is decoded.
        side_px: How long its longer side may be as it is kept.

    Raises:
        PhotoRefused: It is not what it was said to be, too large, or broken.
    """
    if data[4:8] == b"ftyp" and data[8:12] in HEIF_BRANDS:
        raise PhotoRefused(
            "It is HEIC or AVIF. Send it as JPEG; an iPhone takes those once Settings, Camera, "
            "Formats says Most Compatible."
        )
    try:
        return _make(data, media_type, max_pixels=max_pixels, side_px=side_px)
    except PhotoRefused:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _too_many(max_pixels) from error
    except Exception as error:  # Decoders raise whatever they meet in what they did not expect.
        raise PhotoRefused(
            "It is broken, or no JPEG, PNG or WebP at all. Take it again, or export it as JPEG."
        ) from error


def _make(data: bytes, media_type: str, *, max_pixels: int, side_px: int) -> Photo:
    # No other decoder than these three ever sees it.
    with Image.open(BytesIO(data), formats=tuple(FORMATS.values())) as sent:
        # A JPEG with further pictures in it, such as phones make, is an MPO to Pillow.
        found = "JPEG" if sent.format == "MPO" else sent.format
        if found != FORMATS[media_type]:
            raise PhotoRefused(f"It is {found}, and was sent as {media_type}. Say what it is.")
        if sent.width * sent.height > max_pixels:
            raise _too_many(max_pixels)
        # A JPEG is decoded at half its size or less where that is enough.
        sent.draft("RGB", (side_px, side_px))
        sent.load()
        # Before it is turned, which makes a copy.
        sent.thumbnail((side_px, side_px), Image.Resampling.LANCZOS, reducing_gap=2.0)
        upright = ImageOps.exif_transpose(sent)
    pixels = Image.new("RGB", upright.size, WHITE)
    seen = upright.convert("RGBA") if upright.has_transparency_data else upright.convert("RGB")
    pixels.paste(seen, mask=seen if seen.mode == "RGBA" else None)
    kept = BytesIO()
    # What is made here was never in the file that was sent, so that nothing of that comes along.
    pixels.save(kept, "JPEG", quality=QUALITY, optimize=True)
    return Photo(data=kept.getvalue(), width_px=pixels.width, height_px=pixels.height)


def _too_many(max_pixels: int) -> PhotoRefused:
    return PhotoRefused(
        f"It has more than {max_pixels // 1_000_000} million pixels. Send a smaller one."
    )
