"""How the latencies of a run are distributed."""

from __future__ import annotations

import math

import polars as pl

BINS = 12
"""At least so many bins from the quickest response to the slowest, where there are responses enough to fill them."""

_MOST_PER_DECADE = 80


def latency_bins(scores: pl.LazyFrame) -> pl.DataFrame:
    """Return how many measured responses took how long, in bins of equal width on a logarithmic scale.

    The edges are round powers of ten, the same for every variant and for runs of about the same speed.

    Args:
        scores: Rows of `fceval.rows.Score`.

    Returns:
        Columns `variant`, `low_s`, `high_s` and `responses`, sorted; a bin between others may be empty, and is there.
        No rows where nothing took a known time.
    """
    timed = scores.filter(pl.col("measured") & (pl.col("latency_s") > 0))
    ends = timed.select(pl.len(), pl.col("latency_s").min().alias("least"), pl.col("latency_s").max().alias("most"))
    number, quickest, slowest = ends.collect(engine="streaming").row(0)
    schema = {"variant": pl.String, "low_s": pl.Float64, "high_s": pl.Float64, "responses": pl.UInt32}
    if quickest is None:
        return pl.DataFrame(schema=schema)
    per_decade, wanted = 10, min(BINS, math.sqrt(number))
    while per_decade < _MOST_PER_DECADE and math.log10(slowest / quickest) * per_decade < wanted:
        per_decade *= 2
    nth = (pl.col("latency_s").log10() * per_decade).floor().cast(pl.Int64)
    counts = timed.group_by("variant", nth.alias("nth")).agg(pl.len().alias("responses")).collect(engine="streaming")
    found = {(variant, at): number for variant, at, number in counts.iter_rows()}
    rows = []
    for variant in sorted({variant for variant, _ in found}):
        places = [at for of, at in found if of == variant]
        for at in range(min(places), max(places) + 1):
            edges = (10 ** (at / per_decade), 10 ** ((at + 1) / per_decade))
            rows.append((variant, *edges, found.get((variant, at), 0)))
    return pl.DataFrame(rows, schema=schema, orient="row")
