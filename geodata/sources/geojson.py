"""GeoJSON features with their line numbers, from any of the shapes files come in.

A FeatureCollection (RFC 7946) on one line or many; a single Feature; one Feature on each line
(newline-delimited); or texts that each begin with a record separator (RFC 8142). Only one
feature at a time is in memory.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from geodata.sources.scanning import Repeated, Scanner, Unreadable, decode
from geoservices.geometry.areas import AreaRefused, check_bbox, check_crs

RECORD_SEPARATOR = "\x1e"
COLLECTION = "FeatureCollection"
HANDED_OUT = object()
"""Stands for the features, which are not kept."""
FOREIGN_MEMBERS = ("coordinates", "geometries", "geometry", "properties")
"""Members that a FeatureCollection must not have (RFC 7946 section 7.1)."""


@dataclass(frozen=True, slots=True)
class Located:
    """Something that should be a Feature, and the line it begins on.

    `broken` says why it could not even be read as JSON.
    """

    line: int
    value: object
    broken: str | None = None


def read_features(texts: Iterator[str]) -> Iterator[Located]:
    """Yield what should be features, in the order of the file.

    In a file of one feature a line, a line that is not JSON is yielded as broken and the rest is
    read; in a FeatureCollection nothing can be trusted after such a place.

    Raises:
        Unreadable: The file is no GeoJSON, is damaged, or is on another coordinate system.
    """
    scanner = Scanner(texts)
    first = scanner.peek()
    if first == RECORD_SEPARATOR:
        scanner.skip(RECORD_SEPARATOR)
        yield from _sequence(scanner, RECORD_SEPARATOR)
        return
    if first != "{":
        what = "the file is empty" if not first else "this is no GeoJSON: it begins otherwise"
        raise Unreadable(scanner.line, f"{what}; a Feature or FeatureCollection is expected")
    yield from _document(scanner)


def _document(scanner: Scanner) -> Iterator[Located]:
    """Read an object, handing out its features as they come, then whatever follows it."""
    line = scanner.line
    members: dict[str, object] = {}
    repeated = False
    for name in scanner.members():
        repeated = repeated or name in members
        if name == "features" and scanner.peek() == "[":
            members[name] = HANDED_OUT
            _check_collection(line, members, whole=False)
            yield from (Located(at, value) for at, value in scanner.elements())
        else:
            members[name] = scanner.value()
    if members.get("type") == "Feature" and "features" not in members:
        yield Located(line, Repeated(members) if repeated else members)
        yield from _sequence(scanner, "\n")
        return
    if repeated:
        raise Unreadable(line, "the outermost object gives a name twice")
    _check_collection(line, members, whole=True)
    if scanner.peek():
        raise Unreadable(scanner.line, "something follows the end of the FeatureCollection")


def _sequence(scanner: Scanner, separator: str) -> Iterator[Located]:
    while scanner.peek():
        line, text = scanner.until(separator)
        if not text.strip():
            continue
        try:
            yield Located(line, decode(line, text))
        except Unreadable as error:
            yield Located(error.line, None, broken=error.reason)


def _check_collection(line: int, members: dict[str, object], *, whole: bool) -> None:
    """Refuse a file by its outermost members: all of them, or those before the features."""
    kind = members.get("type", None if whole else COLLECTION)
    if kind != COLLECTION:
        raise Unreadable(line, f"a {COLLECTION} or Feature is expected, not {_named(kind)}")
    if members.get("features") is not HANDED_OUT:
        raise Unreadable(line, f"a {COLLECTION} has an array of features")
    for name in FOREIGN_MEMBERS:
        if name in members:
            raise Unreadable(line, f"a {COLLECTION} has no member {name!r} (RFC 7946, 7.1)")
    try:
        if "crs" in members:
            check_crs(members["crs"], field="/crs")
        if "bbox" in members:
            check_bbox(members["bbox"], field="/bbox")
    except AreaRefused as error:
        raise Unreadable(line, str(error)) from error


def _named(kind: object) -> str:
    return repr(kind[:40]) if isinstance(kind, str) else "something without a type"
