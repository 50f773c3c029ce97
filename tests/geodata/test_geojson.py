"""Features and their lines, out of every shape of file."""

import gzip
import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geodata.sources import scanning
from geodata.sources.files import texts
from geodata.sources.geojson import Located, read_features
from geodata.sources.scanning import Repeated, Unreadable

GEOJSON = Path(__file__).parents[1] / "data" / "geojson"


def feature(name: str) -> dict[str, object]:
    """A feature."""
    return {"type": "Feature", "id": name, "properties": {"name": name}, "geometry": None}


A, B, C = (feature(name) for name in "abc")
PRETTY = json.dumps({"type": "FeatureCollection", "features": [A, B, C]}, indent=2)


def read(data: bytes | str) -> list[Located]:
    """Read a whole file."""
    content = data.encode() if isinstance(data, str) else data
    return list(read_features(texts(io.BytesIO(content))))


def lines_of(data: bytes | str) -> list[tuple[int, object]]:
    """The line and id of each feature; None for what is no feature."""
    return [
        (one.line, one.value.get("id") if isinstance(one.value, dict) else None)
        for one in read(data)
    ]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        pytest.param(PRETTY, [(4, "a"), (12, "b"), (20, "c")], id="pretty"),
        pytest.param(PRETTY.replace("\n", "\r\n"), [(4, "a"), (12, "b"), (20, "c")], id="CRLF"),
        pytest.param("\ufeff" + PRETTY, [(4, "a"), (12, "b"), (20, "c")], id="byte order mark"),
        pytest.param(
            json.dumps({"type": "FeatureCollection", "features": [A, B]}),
            [(1, "a"), (1, "b")],
            id="on one line",
        ),
        pytest.param(
            json.dumps({"features": [A, B], "type": "FeatureCollection"}),
            [(1, "a"), (1, "b")],
            id="type after the features",
        ),
        pytest.param('{"type":"FeatureCollection","features":[]}', [], id="no features"),
        pytest.param(json.dumps(A, indent=1), [(1, "a")], id="a single feature"),
        pytest.param(f"{json.dumps(A)}\n{json.dumps(B)}\n", [(1, "a"), (2, "b")], id="lines"),
        pytest.param(
            f"\n{json.dumps(A)}\r\n\r\n  \r\n{json.dumps(B)}",
            [(2, "a"), (5, "b")],
            id="blank lines, none at the end",
        ),
        pytest.param(
            f"\x1e{json.dumps(A)}\n\x1e{json.dumps(B, indent=1)}\n\x1e\x1e{json.dumps(C)}\n",
            [(1, "a"), (2, "b"), (10, "c")],
            id="record separators",
        ),
        pytest.param(gzip.compress(PRETTY.encode()), [(4, "a"), (12, "b"), (20, "c")], id="gzip"),
        pytest.param(
            f"{json.dumps(A)}\n{{not json}}\n[1]\n{json.dumps(C)}\n",
            [(1, "a"), (2, None), (3, None), (4, "c")],
            id="a bad line among good ones",
        ),
        pytest.param(
            f"{json.dumps(A)}\n{'[' * 100_000}\n{json.dumps(C)}",
            [(1, "a"), (2, None), (3, "c")],
            id="a deep hole among good lines",
        ),
        pytest.param(
            f"\x1e{json.dumps(A)}\n\x1e" + '{"type":\n"Fea\n' + f"\x1e{json.dumps(C)}\n",
            [(1, "a"), (3, None), (4, "c")],
            id="a text cut short between separators",
        ),
    ],
)
def test_features_come_with_their_lines(data: bytes | str, expected: list[object]) -> None:
    """Whatever the shape of the file."""
    assert lines_of(data) == expected


@pytest.mark.parametrize(
    ("data", "line", "told"),
    [
        pytest.param("", 1, "empty", id="nothing"),
        pytest.param(" \n\n", 3, "empty", id="white space"),
        pytest.param("name,lon,lat\n", 1, "no GeoJSON", id="CSV"),
        pytest.param("[1, 2]", 1, "no GeoJSON", id="an array"),
        pytest.param("{]", 1, "not JSON", id="no JSON"),
        pytest.param('{"type": "Topology"}', 1, "not 'Topology'", id="TopoJSON"),
        pytest.param('\n{"a": 1}', 2, "without a type", id="other JSON"),
        pytest.param('{"type": "Polygon", "coordinates": []}', 1, "not 'Polygon'", id="geometry"),
        pytest.param('{"type":"FeatureCollection","features":null}', 1, "an array", id="null"),
        pytest.param(PRETTY[:-40], 25, "not JSON", id="cut short"),
        pytest.param(PRETTY + "\n{}", 30, "something follows", id="more after the end"),
        pytest.param(
            PRETTY.replace("},\n    {", "}\n    {", 1), 12, "expected", id="a comma missing"
        ),
        pytest.param(
            '{"type":"FeatureCollection","type":"FeatureCollection","features":[]}',
            1,
            "twice",
            id="type twice",
        ),
        pytest.param(
            '{"type":"FeatureCollection",\n"crs":{"properties":{"name":"EPSG:27700"}},'
            '"features":[]}',
            1,
            "WGS 84",
            id="another coordinate system",
        ),
        pytest.param('{"type":"FeatureCollection","bbox":[1],"features":[]}', 1, "bbox", id="bbox"),
        pytest.param('{"features":[],"type":"Feature"}', 1, "not 'Feature'", id="features of one"),
        pytest.param("{1: 2}", 1, "a member's name is a string", id="a number for a name"),
        pytest.param('{"a":' + "[" * 100_000, 1, "nested too deeply", id="a deep hole"),
        pytest.param(PRETTY.encode("utf-16"), 1, "not UTF-8", id="UTF-16"),
        pytest.param(PRETTY.replace('"c"', '"ç"').encode("latin-1"), 1, "not UTF-8", id="Latin-1"),
        pytest.param(gzip.compress(PRETTY.encode())[:-20], 1, "ends early", id="gzip cut short"),
        pytest.param(b"\x1f\x8b\x08broken", 1, "damaged", id="damaged gzip"),
    ],
)
def test_what_cannot_be_read_says_where(data: bytes | str, line: int, told: str) -> None:
    """With the line as far as it can be known."""
    with pytest.raises(Unreadable, match=told) as refused:
        read(data)

    assert refused.value.line == line


@pytest.mark.parametrize(
    "file",
    [
        pytest.param(file, id=f"{file.parent.name}-{file.stem}")
        for file in GEOJSON.glob("*/*.geojson")
    ],
)
def test_conformance_files_are_read_or_refused(file: Path) -> None:
    """Good features come out whole, the rest is refused; nothing else is raised."""
    content = file.read_bytes()
    try:
        found = read(content)
    except Unreadable as refused:
        is_feature = file.parent.name != "bad" and b'"Feature' in content
        assert not is_feature, refused  # noqa: PT017
    else:
        whole = json.loads(content)
        expected = whole.get("features", [whole])
        assert [one.value for one in found] == expected


def test_a_repeated_name_is_remembered() -> None:
    """Which of two values is meant, nobody can say."""
    (found,) = read('{"type":"Feature","id":1,"id":2,"properties":{},"geometry":null}')
    inner = read('{"type":"FeatureCollection","features":[{"a":1,"a":2}]}')[0]

    assert isinstance(found.value, Repeated)
    assert isinstance(inner.value, Repeated)


def test_an_endless_integer_is_no_trap() -> None:
    """Python refuses to convert 5,000 digits; here they are beyond all bounds instead."""
    (found,) = read('{"type":"FeatureCollection","features":[' + "9" * 5000 + "]}")

    assert found.value == float("inf")


def test_a_value_too_long_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory is bounded whatever the file says."""
    monkeypatch.setattr(scanning, "LARGEST_VALUE", 1000)

    def endless() -> Iterator[str]:
        yield '{"type":"FeatureCollection","features":["'
        while True:
            yield "x" * 100

    with pytest.raises(Unreadable, match="longer than 1,000 characters"):
        list(read_features(endless()))


@given(
    st.lists(st.integers(1, 40), min_size=1, max_size=30),
    st.sampled_from([None, 0, 2]),
    st.lists(
        st.dictionaries(st.text(max_size=4), st.floats(allow_nan=False) | st.text(max_size=9)),
        max_size=4,
    ),
)
def test_it_does_not_matter_how_the_text_is_cut(
    cuts: list[int], indent: int | None, properties: list[dict[str, object]]
) -> None:
    """Pieces of any size give the same features and lines."""
    whole = {"type": "FeatureCollection", "features": properties, "n": 12345}
    lines = "".join(f"\x1e{json.dumps(one, indent=indent)}\n" for one in properties) or "\x1e"
    for text in (json.dumps(whole, indent=indent, ensure_ascii=False), lines):
        found = list(read_features(_cut(text, cuts)))

        assert [one.value for one in found] == properties
        assert found == list(read_features(iter([text])))


def _cut(text: str, cuts: list[int]) -> Iterator[str]:
    at = 0
    while at < len(text):
        size = cuts[at % len(cuts)]
        yield text[at : at + size]
        at += size
