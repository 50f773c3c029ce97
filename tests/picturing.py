"""Photos as phones send them, made by Pillow."""

import struct
import zlib
from collections.abc import Callable
from io import BytesIO
from typing import Any

from PIL import ExifTags, Image

EXETER_DMS = ((50.0, 43.0, 27.0), (3.0, 31.0, 48.0))
SECRET = "taken by Anna's phone"


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    """An image as a file."""
    file = BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def halves(width: int = 400, height: int = 300) -> Image.Image:
    """An image whose upper half is red, and whose lower half is blue."""
    image = Image.new("RGB", (width, height), (0, 0, 255))
    image.paste((255, 0, 0), (0, 0, width, height // 2))
    return image


def exif(*, orientation: int = 1) -> Image.Exif:
    """What a phone writes beside the pixels: where it was, whose it is, and how it was held."""
    told = Image.Exif()
    told[ExifTags.Base.Make] = SECRET
    told[ExifTags.Base.Orientation] = orientation
    north, west = EXETER_DMS
    told.get_ifd(ExifTags.IFD.GPSInfo).update(
        {
            ExifTags.GPS.GPSLatitudeRef: "N",
            ExifTags.GPS.GPSLatitude: north,
            ExifTags.GPS.GPSLongitudeRef: "W",
            ExifTags.GPS.GPSLongitude: west,
        }
    )
    return told


def jpeg(*, orientation: int = 1, width: int = 400, height: int = 300) -> bytes:
    """A JPEG with a position and a name in it."""
    return saved(
        halves(width, height),
        "JPEG",
        exif=exif(orientation=orientation),
        comment=SECRET.encode(),
        xmp=f"<x>{SECRET}</x>".encode(),
        icc_profile=SECRET.encode() * 10,
    )


def png_claiming(width: int, height: int) -> bytes:
    """A PNG of a few bytes that says it is so large."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", head), (b"IDAT", zlib.compress(b"\x00" * 1000)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )


HEIC = b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic" + b"\x00" * 100
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
HTML_BEHIND = b"<html><script>alert(1)</script></html>"
REFUSED: dict[str, tuple[str, Callable[[], bytes]]] = {
    "a drawing": ("image/png", lambda: SVG),
    "a page": ("image/jpeg", lambda: HTML_BEHIND),
    "HEIC": ("image/jpeg", lambda: HEIC),
    "nothing": ("image/jpeg", lambda: b""),
    "a GIF": ("image/png", lambda: saved(halves(), "GIF")),
    "a PNG called a JPEG": ("image/jpeg", lambda: saved(halves(), "PNG")),
    "a JPEG called a PNG": ("image/png", jpeg),
    "half a JPEG": ("image/jpeg", lambda: jpeg()[: len(jpeg()) // 2]),
    "half a PNG": ("image/png", lambda: saved(Image.effect_noise((300, 300), 50), "PNG")[:20_000]),
    "half a WebP": ("image/webp", lambda: saved(halves(), "WEBP")[:100]),
    "a bomb": ("image/png", lambda: png_claiming(60_000, 60_000)),
    "a smaller bomb": ("image/png", lambda: png_claiming(10_000, 10_000)),
    "an empty image": ("image/png", lambda: png_claiming(0, 0)),
}
"""What is no photo that is taken: what it is sent as, and it."""
