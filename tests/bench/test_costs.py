"""The costs of a ping: measured once, kept, and told as a table."""

from pathlib import Path

import pytest

from bench.ingest_cases import COSTS, Case, cases_of
from bench.ingest_costs import cost_table, kept, missing, read_costs
from bench.report import Figure, pick


def figure(case: Case, value: float) -> Figure:
    """A cost as it is measured."""
    params = {"batch": case.size, "geofences": case.geofences}
    return Figure(case=case.name, value=value, unit="us/ping", params=params)


def test_a_run_that_was_stopped_goes_on_where_it_was(tmp_path: Path) -> None:
    """What the file has is not measured again, and all of it is in the table."""
    file = tmp_path / "cost.jsonl"
    told = list(kept((figure(case, 20.5) for case in reversed(COSTS[:6])), file))

    left = missing(COSTS, file)
    told += kept((figure(case, 1_234.5) for case in left), file)

    assert left == list(COSTS[6:])
    assert len(told) == len(COSTS) == 16
    assert missing(COSTS, file) == []
    rows = cost_table(read_costs(file)).splitlines()
    assert rows[0] == "| geofences | 1 a request | 10 a request | 100 a request | 1,000 a request |"
    assert rows[2] == "| 1,000 | 20.5 | 20.5 | 20.5 | 20.5 |"
    assert rows[3] == "| 10,000 | 20.5 | 20.5 | 1,230 | 1,230 |"
    assert rows[5] == "| 1,000,000 | 1,230 | 1,230 | 1,230 | 1,230 |"


def test_a_table_has_gaps_where_nothing_was_measured(tmp_path: Path) -> None:
    """Half a run can be looked at."""
    file = tmp_path / "cost.jsonl"
    list(kept([figure(COSTS[0], 300), figure(COSTS[5], 60)], file))

    assert cost_table(read_costs(file)).splitlines()[2:] == [
        "| 1,000 | 300 |  |",
        "| 10,000 |  | 60 |",
    ]


@pytest.mark.parametrize(
    ("wanted", "quick", "expected"),
    [
        ("ingest.batch100.100k", False, ["ingest.batch100.100k"]),
        ("ingest.batch100.100k.hard", True, ["ingest.batch100.100k.hard"]),
        ("ingest.batch100.1m", True, ["ingest.batch100.1m"]),
        ("ingest.single", True, ["ingest.single256", "ingest.single8_p99"]),
        (None, True, ["ingest.batch100.10k", "ingest.single8_p99"]),
        ("ingest.cost.1m.1", False, ["ingest.cost.1m.1"]),
    ],
)
def test_cases_are_chosen_by_name(wanted: str | None, *, quick: bool, expected: list[str]) -> None:
    """The case of that name, or all whose names start so; haste alone chooses the small ones."""
    assert [case.name for case in cases_of(wanted, quick=quick, costs=False)] == expected


def test_a_case_that_does_not_exist_is_said_to() -> None:
    """Rather than measuring nothing in silence."""
    with pytest.raises(SystemExit, match=r"match\.2k"):
        pick(["match.1k"], "match.2k")
