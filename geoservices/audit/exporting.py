"""Redacted entries as files: CSV (RFC 4180) for spreadsheets, JSON for programs."""

import csv
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, fields
from enum import StrEnum
from io import StringIO

from geoservices.audit.redacting import RedactedEntry


class ExportFormat(StrEnum):
    """What an export is written as."""

    CSV = "csv"
    JSON = "json"


HEADER = [field.name for field in fields(RedactedEntry)]


def written(entries: Iterable[RedactedEntry], as_: ExportFormat) -> Iterator[str]:
    """Yield a file's text, some of it at a time."""
    return csv_text(entries) if as_ is ExportFormat.CSV else json_text(entries)


def csv_text(entries: Iterable[RedactedEntry]) -> Iterator[str]:
    """Yield a line of names, and one for each entry; several subjects are parted by spaces."""
    yield _line(HEADER)
    for entry in entries:
        told = asdict(entry) | {
            "rights": " ".join(entry.rights),
            "subjects": " ".join(subject.replace(" ", "-") for subject in entry.subjects),
        }
        yield _line([told[name] for name in HEADER])


def json_text(entries: Iterable[RedactedEntry]) -> Iterator[str]:
    """Yield an array with an object for each entry."""
    before = "["
    for entry in entries:
        yield before + json.dumps(asdict(entry), ensure_ascii=False)
        before = ",\n"
    yield "]\n" if before != "[" else "[]\n"


def _line(values: Sequence[object]) -> str:
    line = StringIO()
    csv.writer(line).writerow(values)
    return line.getvalue()
