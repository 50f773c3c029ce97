"""Photos are made anew from pixels: nothing else that was sent is kept, and nothing raises."""

from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from geoservices.files.photos import FORMATS, Photo, PhotoRefused, make_photo
from tests.picturing import HTML_BEHIND, REFUSED, SECRET, halves, jpeg, saved

GOOD = {
    "image/jpeg": jpeg(),
    "image/png": saved(halves(), "PNG"),
    "image/webp": saved(halves(), "WEBP"),
}


def made(data: bytes, media_type: str = "image/jpeg", *, side_px: int = 2560) -> Photo:
    """The photo of what is sent."""
    return make_photo(data, media_type, max_pixels=50_000_000, side_px=side_px)


def seen(photo: Photo) -> Image.Image:
    """A photo as it is seen, its orientation not heeded."""
    image = Image.open(BytesIO(photo.data))
    assert (image.format, image.size) == ("JPEG", (photo.width_px, photo.height_px))
    return image


def is_red(image: Image.Image, x: float, y: float) -> bool:
    """Tell whether an image is red there, in parts of its sides."""
    pixel = image.convert("RGB").getpixel((int(x * image.width), int(y * image.height)))
    assert isinstance(pixel, tuple)
    return pixel[0] > 200 and pixel[2] < 60


@pytest.mark.parametrize("media_type", FORMATS)
def test_what_phones_send_becomes_a_jpeg(media_type: str) -> None:
    """Each of the formats, with the same pixels."""
    image = seen(made(GOOD[media_type], media_type))

    assert image.size == (400, 300)
    assert is_red(image, 0.5, 0.2)
    assert not is_red(image, 0.5, 0.8)


def test_nothing_but_pixels_is_kept() -> None:
    """No position, no name, no comment, no profile, no thumbnail."""
    sent = jpeg()
    assert SECRET.encode() in sent
    assert Image.open(BytesIO(sent)).getexif().get_ifd(0x8825)

    photo = made(sent)

    assert not seen(photo).getexif()
    assert set(seen(photo).info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
    for piece in (b"Exif", b"Anna", b"ICC", b"<x>"):
        assert piece not in photo.data


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_photo_is_turned_as_the_camera_was_held(orientation: int) -> None:
    """All eight ways of TIFF 6.0, as Pillow's own function turns them."""
    sent = jpeg(orientation=orientation)
    upright = ImageOps.exif_transpose(Image.open(BytesIO(sent)))

    image = seen(made(sent))

    assert image.size == upright.size
    for x, y in ((0.2, 0.2), (0.8, 0.2), (0.2, 0.8), (0.8, 0.8)):
        assert is_red(image, x, y) == is_red(upright, x, y)


def test_what_lies_behind_the_image_is_gone() -> None:
    """A file that is an image and a page as well is only an image afterwards."""
    photo = made(jpeg() + HTML_BEHIND)

    assert b"<html" not in photo.data
    assert b"script" not in photo.data


def test_a_large_photo_is_made_smaller() -> None:
    """Its longer side, and the other one in proportion."""
    photo = made(jpeg(width=3000, height=2000), side_px=600)

    assert (photo.width_px, photo.height_px) == (600, 400)


def test_what_is_transparent_becomes_white() -> None:
    """A JPEG has no transparency."""
    photo = made(saved(Image.new("RGBA", (10, 10), (0, 0, 0, 0)), "PNG"), "image/png")

    assert seen(photo).getpixel((5, 5)) == (255, 255, 255)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_any_kind_of_png_is_taken(mode: str) -> None:
    """Black and white, grey, with a palette, of 16 bits."""
    photo = made(saved(Image.new(mode, (20, 10)), "PNG"), "image/png")

    assert (photo.width_px, photo.height_px) == (20, 10)


def test_the_same_photo_is_the_same_file() -> None:
    """So that one sent twice is kept once."""
    assert made(jpeg()).digest == made(jpeg()).digest


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_photo_is_refused(name: str) -> None:
    """Each with a sentence that says what to do."""
    media_type, make = REFUSED[name]

    with pytest.raises(PhotoRefused) as refused:
        made(make(), media_type)

    assert str(refused.value).endswith(".")


def test_heic_is_told_what_to_send() -> None:
    """An iPhone's own format, which no browser shows."""
    media_type, make = REFUSED["HEIC"]

    with pytest.raises(PhotoRefused, match="Most Compatible"):
        made(make(), media_type)


@given(
    media_type=st.sampled_from(sorted(FORMATS)),
    cuts=st.lists(st.tuples(st.integers(0, 4000), st.binary(max_size=6)), min_size=1, max_size=5),
)
@settings(max_examples=150)
def test_no_damage_raises_anything_else(media_type: str, cuts: list[tuple[int, bytes]]) -> None:
    """Whatever is wrong with a file, it is a photo or it is refused."""
    sent = bytearray(GOOD[media_type])
    for start, bytes_ in cuts:
        sent[start % len(sent) : start % len(sent) + len(bytes_)] = bytes_

    try:
        photo = made(bytes(sent), media_type)
    except PhotoRefused:
        return
    seen(photo).load()
