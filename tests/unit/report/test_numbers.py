"""Looking metrics up."""

from __future__ import annotations

from fceval.report.document import Estimate
from fceval.report.numbers import Numbers
from fceval.rows import MetricRow
from fceval.tables import METRICS, frame

NUMBERS = Numbers(
    frame(
        [
            MetricRow("x", "run", "", "accuracy", 0.5, 2, 0.1, 0.9),
            MetricRow("x", "run", "", "planned", 2.0, 2, None, None),
            MetricRow("y", "run", "", "accuracy", None, 0, None, None),
            MetricRow("y", "run", "", "planned", 3.0, 3, None, None),
            *(MetricRow("y", "turn", str(turn), "accuracy", 1.0, 1, 0.2, 1.0) for turn in (10, 9)),
        ],
        METRICS,
    )
)


def test_cell_has_the_interval() -> None:
    """Where the metric has one; a count is a number, and nothing is nothing."""
    assert NUMBERS.cell("x", "accuracy") == Estimate(0.5, 0.1, 0.9)
    assert NUMBERS.cell("x", "planned") == 2.0
    assert NUMBERS.cell("y", "accuracy") is None
    assert NUMBERS.cell("x", "no such metric") is None


def test_totals_add_up_over_variants() -> None:
    """Counts may be added; a variant without the metric adds nothing."""
    assert NUMBERS.total("planned") == 5
    assert NUMBERS.total("retries") == 0


def test_groups_are_sorted() -> None:
    """Turns by number."""
    assert NUMBERS.groups("turn") == ("9", "10")
    assert NUMBERS.groups("tool") == ()
