"""The pictures of the web app: which there are."""

from collections import Counter

from local.screens.readme import AT_MOST_BYTES, FOLDER, PICTURES
from local.screens.shots import SHOTS, read_addresses


def test_every_page_has_its_picture() -> None:
    """A page that is new, or is gone, is not overlooked; no picture takes the place of another."""
    addresses = read_addresses()

    assert {"nearMe", "place", "task"} <= addresses.keys()
    assert {shot.page for shot in SHOTS} == addresses.keys()
    assert [name for name, count in Counter(shot.name for shot in SHOTS).items() if count > 1] == []


def test_the_readmes_pictures_are_among_them_and_small() -> None:
    """They lie in the repository, so that they are made seldom and weigh little."""
    names = {f"{shot.name}-phone-{scheme}" for shot in SHOTS for scheme in ("light", "dark")}
    for name, screens in PICTURES.items():
        assert set(screens) <= names
        assert (FOLDER / f"{name}.webp").stat().st_size <= AT_MOST_BYTES
