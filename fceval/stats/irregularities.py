"""How often each irregularity was seen: responses per code, as rows of the long table of metrics."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from fceval.rows import MetricRow

SCOPE = "irregularity"
"""Of these rows; their group is the code."""
METRIC = "responses"
"""Value: responses in which the code was seen. n: responses that an endpoint was asked for."""


def irregularity_rows(scores: pl.LazyFrame) -> Iterator[MetricRow]:
    """Yield a row per variant and code that was seen.

    Args:
        scores: Rows of `fceval.rows.Score`. Whether a response was measured does not matter here.
    """
    asked = scores.filter(pl.col("attempts") > 0)
    totals = dict(asked.group_by("variant").len().collect(engine="streaming").iter_rows())
    seen = asked.select("variant", code=pl.col("irregularities").list.unique()).explode("code").drop_nulls("code")
    counted = seen.group_by("variant", "code").len().sort("variant", "code").collect(engine="streaming")
    for variant, code, number in counted.iter_rows():
        yield MetricRow(variant, SCOPE, code, METRIC, float(number), totals[variant], None, None)
