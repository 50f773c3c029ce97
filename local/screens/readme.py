"""The pictures of the README: phones side by side, small enough to lie in the repository."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from PIL import Image

from local.configuration import CHECKOUT

FOLDER = CHECKOUT / "docs" / "screens"
PICTURES: Mapping[str, Sequence[str]] = {
    "citizen": (
        "nearMe-found-citizen-phone-light",
        "place-checked-in-citizen-phone-light",
        "choices-first-citizen-phone-dark",
    ),
    "staff": ("tasks-all-staff-phone-light", "task-begun-staff-phone-dark"),
}
"""Which screens stand side by side, by the name of the file."""
WIDTH, HEIGHT = 390, 844
GAP = 24
QUALITY = 60
AT_MOST_BYTES = 60_000


def write_readme_pictures(taken: Path) -> None:
    """Put the README's pictures together of those that were taken.

    Raises:
        ValueError: One has become too large to lie in the repository.
    """
    FOLDER.mkdir(exist_ok=True)
    for name, screens in PICTURES.items():
        size = (len(screens) * (WIDTH + GAP) - GAP, HEIGHT)
        # See-through, so that it goes with whatever it stands on.
        whole = Image.new("RGBA", size)
        for number, screen in enumerate(screens):
            with Image.open(taken / f"{screen}.png") as picture:
                whole.paste(picture.crop((0, 0, WIDTH, HEIGHT)), (number * (WIDTH + GAP), 0))
        file = FOLDER / f"{name}.webp"
        whole.save(file, quality=QUALITY, method=6)
        if (size_now := file.stat().st_size) > AT_MOST_BYTES:
            raise ValueError(f"{file} has {size_now} bytes.")
