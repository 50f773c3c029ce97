"""The sheet to look all pictures through on."""

from collections.abc import Iterable
from html import escape
from pathlib import Path

STYLE = """
body { margin: 2rem; background: #777; color: #fff; font: 1rem system-ui; }
section > div { display: flex; flex-wrap: wrap; gap: 1rem; align-items: start; }
img { height: 26rem; object-fit: cover; object-position: top; }
"""


def write_sheet(folder: Path, pictures: Iterable[tuple[str, Iterable[Path]]]) -> Path:
    """Write the page that shows all pictures, each state under its name."""
    states = "".join(
        f"<section><h2>{escape(name)}</h2><div>{''.join(map(_picture, taken))}</div></section>\n"
        for name, taken in pictures
    )
    sheet = folder / "index.html"
    sheet.write_text(
        f'<!doctype html><html lang="en-GB"><meta charset="utf-8"><title>Screens</title>'
        f"<style>{STYLE}</style>\n{states}</html>\n",
        "utf-8",
    )
    return sheet


def _picture(path: Path) -> str:
    name = escape(path.name)
    return f'<a href="{name}"><img src="{name}" alt="{name}" loading="lazy"></a>'
