"""Irregularities, counted in responses."""

from __future__ import annotations

from fceval.rows import MetricRow
from fceval.stats.irregularities import irregularity_rows
from tests.golden.rows import score, tables


def test_each_response_counts_once_a_code() -> None:
    """Per variant, measured or not; answers made elsewhere were asked of nobody."""
    scores = [
        score("a", irregularities=["usage_absent", "sse_comment"]),
        score("b", "timed_out", irregularities=["usage_absent", "usage_absent"]),
        score("c"),
        score("d", attempts=0, irregularities=["usage_absent"]),
        score("a", variant="terse", irregularities=["id_missing"]),
    ]
    assert list(irregularity_rows(tables(scores).scores)) == [
        MetricRow("default", "irregularity", "sse_comment", "responses", 1.0, 3, None, None),
        MetricRow("default", "irregularity", "usage_absent", "responses", 2.0, 3, None, None),
        MetricRow("terse", "irregularity", "id_missing", "responses", 1.0, 1, None, None),
    ]


def test_nothing_odd_has_no_rows() -> None:
    """A code that was not seen is not told."""
    assert list(irregularity_rows(tables([score("a")]).scores)) == []
