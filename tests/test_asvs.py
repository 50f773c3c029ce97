"""The checklist of OWASP ASVS 5.0.0 is whole, and whatever it names is there."""

import ast
import csv
import re
from collections import Counter
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs/asvs.md").read_text("utf-8")
NUMBERS = ROOT / "tests/data/asvs/requirements-5.0.0.csv"
STATES = {"met", "does not apply", "for whoever runs it", "not met"}


class Row(NamedTuple):
    """What the page says of one requirement."""

    requirement: str
    asks: str
    how: str
    shown_by: str

    @property
    def state(self) -> str:
        """What stands in front of how it is met."""
        return self.how.partition(":")[0].strip("*")


ROWS = [
    Row(*(cell.strip() for cell in line.strip("|").split("|")))
    for line in PAGE.splitlines()
    if re.match(r"\| V\d", line)
]
REFERENCES = sorted({one for row in ROWS for one in re.findall(r"`([^`]+)`", row.shown_by)})


def levels() -> Mapping[str, str]:
    """The level of every requirement up to the second."""
    with NUMBERS.open(encoding="utf-8", newline="") as lines:
        return {
            row["requirement"]: row["level"] for row in csv.DictReader(lines) if row["level"] < "3"
        }


@cache
def names_in(file: Path) -> frozenset[str]:
    """The names of the functions in a file."""
    tree = ast.parse(file.read_text("utf-8"))
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef))


def test_every_requirement_has_its_row() -> None:
    """One, in the standard's order, and no other."""
    assert [row.requirement for row in ROWS] == list(levels())


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.requirement)
def test_a_row_says_how(row: Row) -> None:
    """What is met is shown by something; what is left to operators tells them where to look."""
    assert row.asks
    assert row.state in STATES
    assert len(row.how) > len(row.state) + 10
    if row.state == "met":
        assert row.shown_by
    if row.state == "for whoever runs it":
        assert "](" in row.shown_by


@pytest.mark.parametrize("reference", REFERENCES)
def test_what_is_named_is_there(reference: str) -> None:
    """A file, or a test in one."""
    path, _, test = reference.partition("::")

    file = ROOT / path
    assert file.is_file()
    assert not test or test in names_in(file)


def test_the_counts_are_right() -> None:
    """At the top of the page, by state."""
    told = dict(re.findall(rf"^\| ({'|'.join(sorted(STATES))}) \| (\d+) \|$", PAGE, re.MULTILINE))

    assert told == {state: str(n) for state, n in Counter(row.state for row in ROWS).items()}


def test_what_is_not_met_stands_at_the_top() -> None:
    """With its level, where nobody overlooks it."""
    told = re.findall(r"^- \*\*(V[\d.]+)\*\* \(level (\d)\)", PAGE, re.MULTILINE)

    known = levels()
    assert told == [
        (row.requirement, known[row.requirement]) for row in ROWS if row.state == "not met"
    ]
