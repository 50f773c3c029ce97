"""Reading QR codes as a phone does, from whatever they are drawn on."""

from io import BytesIO

import numpy as np
import numpy.typing as npt
import pypdfium2
import resvg_py
import zxingcpp
from PIL import Image

from api.qr import Run

Picture = npt.NDArray[np.uint8]


def scan(picture: Picture) -> str:
    """Return the text of the one QR code in a picture."""
    [found] = zxingcpp.read_barcodes(picture)
    assert found.format is zxingcpp.BarcodeFormat.QRCode
    return str(found.text)


def paint(size: int, runs: tuple[Run, ...], *, pixels: int = 4) -> Picture:
    """A QR code in so many pixels a module, white round it and black within."""
    picture = np.full((size, size), 255, dtype=np.uint8)
    for run in runs:
        picture[run.top, run.left : run.left + run.length] = 0
    return np.kron(picture, np.ones((pixels, pixels), dtype=np.uint8))


def paint_svg(svg: str, *, width: int = 800) -> Picture:
    """An SVG as a picture in grey."""
    with Image.open(
        BytesIO(bytes(resvg_py.svg_to_bytes(svg_string=svg, dpi=96, width=width)))
    ) as image:
        return np.asarray(image.convert("L"))


def paint_path(size: int, path: str) -> Picture:
    """A QR code that is told as a path, so many modules wide."""
    return paint_svg(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size} {size}">'
        f'<path fill="#fff" d="M0 0h{size}v{size}h-{size}z"/><path d="{path}"/></svg>'
    )


def paint_png(png: bytes) -> Picture:
    """What is seen on a screen, in grey."""
    with Image.open(BytesIO(png)) as image:
        return np.asarray(image.convert("L"))


def paint_pdf(pdf: bytes) -> Picture:
    """The only page of a PDF as a picture in grey, at 100 dots an inch."""
    document = pypdfium2.PdfDocument(pdf)
    [page] = document
    picture = np.asarray(page.render(scale=100 / 72).to_pil().convert("L"))
    document.close()
    return picture


def text_of_pdf(pdf: bytes) -> str:
    """The words of a PDF, as a reader that searches or reads aloud finds them."""
    document = pypdfium2.PdfDocument(pdf)
    text = "\n".join(str(page.get_textpage().get_text_bounded()) for page in document)
    document.close()
    return text
