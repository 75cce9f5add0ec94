"""The tables of a report on one run."""

from __future__ import annotations

from typing import Any

from fceval.report.document import Section, Table
from fceval.report.numbers import Numbers
from fceval.report.sections import ROWS_SHOWN, sections
from fceval.stats.latencies import latency_bins
from fceval.stats.metrics import measure
from tests.golden.rows import argument, call, score, tables
from tests.golden.runs import troubled_run


def _sections(*rows: Any) -> dict[str, Section]:  # noqa: ANN401 -- rows of three tables
    of = tables(*rows)
    numbers = Numbers(measure(of.scores, of.calls, of.arguments))
    return {section.key: section for section in sections(numbers, latency_bins(of.scores))}


def _column(table: Table, label: str) -> list[object]:
    at = [column.label for column in table.columns].index(label)
    return [row[at] for row in table.rows]


def test_outcomes_are_in_order_and_apart() -> None:
    """The model's outcomes in their precedence, then what was not measured, each without zeros."""
    found = _sections([score("a", "wrong_value"), score("b", "refused"), score("c"), score("d", "not_run")])
    model, not_measured = found["outcomes"].tables
    assert _column(model, "Outcome") == ["refused", "wrong value", "passed"]
    assert _column(not_measured, "Outcome") == ["not run"]


def test_sections_without_content_are_left_out() -> None:
    """No tags, turns, tools and faults: no chapters on them. That nothing was odd is worth a line."""
    chapters = ["categories", "outcomes", "quality", "conformance", "latency", "pace"]
    assert list(_sections([score("a")])) == chapters
    assert list(_sections([score("a", attempts=0)])) == chapters[:3]


def test_metrics_without_observation_are_left_out() -> None:
    """A run that has no irrelevance cases does not tell of them."""
    (table,) = _sections([score("a")])["quality"].tables
    assert "irrelevance accuracy" not in _column(table, "Metric")


def test_faults_are_ordered_by_count() -> None:
    """The most frequent fault stands first, with tool and argument."""
    faults = [argument(str(n), "days", fault="wrong_type") for n in range(3)] + [argument("0", fault="wrong_value")]
    found = _sections([score(str(n), "wrong_type") for n in range(3)], [call(str(n)) for n in range(3)], faults)
    (table,) = found["faults"].tables
    assert table.rows == (("get_weather.days", "wrong type", 3), ("get_weather.city", "wrong value", 1))


def test_tools_are_ordered_by_wrong_calls() -> None:
    """Two wrong calls of four come before one of one, and before none; equals by name."""
    wrong = {"arguments_ok": False, "fault": "wrong_value"}
    calls = [
        call("0", "never"),
        call("0", "always", pair=1, **wrong),
        *(call(str(n), "often", pair=2, **(wrong if n < 2 else {})) for n in range(4)),
        call("0", "a-never", pair=3),
    ]
    (table,) = _sections([score(str(n)) for n in range(4)], calls)["tools"].tables
    assert _column(table, "Tool") == ["often", "always", "a-never", "never"]


def test_long_tables_are_cut_and_say_so() -> None:
    """A thousand tags are not printed; where they are is."""
    (table,) = _sections([score(str(n), tags=[f"t{n:04}"]) for n in range(ROWS_SHOWN + 7)])["tags"].tables
    assert len(table.rows) == ROWS_SHOWN
    assert table.note == f"The first {ROWS_SHOWN} of {ROWS_SHOWN + 7} rows; the rest is in metrics.parquet."


def test_every_row_fits_its_columns() -> None:
    """No table has a row of another length, in a run with every chapter in it."""
    run = troubled_run()
    for section in sections(Numbers(run.metrics()), latency_bins(run.tables.scores)):
        for table in section.tables:
            assert {len(row) for row in table.rows} == {len(table.columns)}
