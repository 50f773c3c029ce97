"""Records stored, chunk by chunk, and what there is to tell of it."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from geodata.records import Note, NoteKind, ReadFeature, Reading, read_feature
from geodata.sources.geojson import Located
from geoservices.database import SessionFactory, transaction
from geoservices.geofences.importing import import_places
from geoservices.geometry.areas import Polygonal
from geoservices.places import parents
from geoservices.places.service import Effect, PlaceRecord

CHUNK_RECORDS = 500
CHUNK_VERTICES = 200_000
"""A chunk of large polygons is stored earlier, so that its statement stays within memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where records go and how their geofences are drawn."""

    organisation_id: UUID
    source: str
    margin_m: float
    dwell_after: timedelta


@dataclass(slots=True)
class Report:
    """How many features were read, what became of them, and notes on some."""

    read: int = 0
    added: int = 0
    updated: int = 0
    unchanged: int = 0
    repaired: int = 0
    refused: int = 0
    warnings: int = 0
    notes: list[Note] = field(default_factory=list)

    @property
    def stored(self) -> int:
        """How many features the database holds now."""
        return self.added + self.updated + self.unchanged

    def count(self, effect: Effect) -> None:
        """Count what was done with a record."""
        setattr(self, effect.value, getattr(self, effect.value) + 1)

    def take(self, feature: ReadFeature) -> None:
        """Count a feature that was read, and keep its notes."""
        kinds = {note.kind for note in feature.notes}
        self.read += 1
        self.refused += NoteKind.REFUSED in kinds
        self.repaired += NoteKind.REPAIRED in kinds and NoteKind.REFUSED not in kinds
        self.warnings += NoteKind.WARNING in kinds and NoteKind.REFUSED not in kinds
        self.notes += feature.notes


@dataclass(frozen=True, slots=True)
class _Part:
    """A place that its source says is part of another, and the line that says so."""

    line: int
    external_id: str
    parent: str


def load(
    sessions: SessionFactory,
    features: Iterable[Located],
    *,
    reading: Reading,
    target: Target,
    at: datetime,
    dry_run: bool = False,
    told: Callable[[Report], None] = lambda _: None,
) -> Report:
    """Read features and store them as places with geofences, 500 to a transaction.

    If it is broken off, whole chunks have been stored, and running it again goes on: what is
    there already counts as unchanged. Which places are part of which is stored last, as a parent
    may come after its parts. A dry run does the same but for that and takes back each chunk, so
    that it can say what would happen.

    Args:
        sessions: Where transactions come from.
        features: In the order of the file.
        reading: How they are read.
        target: Where they go.
        at: The present.
        dry_run: Store nothing.
        told: Called after each chunk.
    """
    report = Report()
    parts: list[_Part] = []
    for chunk in _chunks(_records(features, reading, report, parts)):
        with sessions() as session:
            results = import_places(
                session,
                target.organisation_id,
                target.source,
                chunk,
                margin_m=target.margin_m,
                radius_m=reading.radius_m,
                dwell_after=target.dwell_after,
                at=at,
            )
            if dry_run:
                session.rollback()
            else:
                session.commit()
        for result in results:
            report.count(result.effect)
        told(report)
    if parts and not dry_run:
        _link(sessions, target, parts, report)
    return report


def _link(sessions: SessionFactory, target: Target, parts: Sequence[_Part], report: Report) -> None:
    wanted = {part.external_id: part.parent for part in parts}
    with transaction(sessions) as session:
        refused = parents.link(session, target.organisation_id, target.source, wanted)
    report.warnings += len(refused)
    report.notes += [
        Note(
            part.line,
            part.external_id,
            NoteKind.WARNING,
            "/properties/parent",
            f"{refused[part.external_id]}; the parent was left as it is",
        )
        for part in parts
        if part.external_id in refused
    ]


def _records(
    features: Iterable[Located], reading: Reading, report: Report, parts: list[_Part]
) -> Iterator[PlaceRecord]:
    lines: dict[str, int] = {}
    for located in features:
        feature = read_feature(located, reading)
        if feature.record is not None and feature.record.external_id in lines:
            first = lines[feature.record.external_id]
            feature.refuse(f"the feature of line {first} has the same id", "/id")
        report.take(feature)
        if feature.record is not None:
            lines[feature.record.external_id] = located.line
            if feature.record.parent is not None:
                parts.append(_Part(located.line, feature.record.external_id, feature.record.parent))
            yield feature.record


def _chunks(records: Iterable[PlaceRecord]) -> Iterator[list[PlaceRecord]]:
    chunk: list[PlaceRecord] = []
    vertices = 0
    for record in records:
        chunk.append(record)
        vertices += record.area.vertices if isinstance(record.area, Polygonal) else 1
        if len(chunk) == CHUNK_RECORDS or vertices >= CHUNK_VERTICES:
            yield chunk
            chunk, vertices = [], 0
    if chunk:
        yield chunk
