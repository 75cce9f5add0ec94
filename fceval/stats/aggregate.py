"""How a metric becomes numbers: aggregates per group, lazily, over tables of any length.

A `Rate` is a yes or no per row. Its sums are taken per case first, because the case is the unit of the interval;
an `Amount` is any other aggregate. Only the small tables of sums are ever collected.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import polars as pl

from fceval.rows import MetricRow
from fceval.stats.intervals import ClusterSums, clustered_wilson

TableName: TypeAlias = Literal["scores", "calls", "arguments", "dialogues"]
Unit: TypeAlias = Literal["rate", "count", "seconds", "tokens", "usd"]


@dataclass(frozen=True, slots=True)
class Rate:
    """A share of observations, in [0, 1]."""

    name: str
    """As in `metrics.parquet`."""
    doc: str
    """One line for the reader of a report."""
    table: TableName
    """Whose rows are observed."""
    hit: pl.Expr
    """Boolean per row; null: the row is no observation."""
    estimated: bool = True
    """Whether it estimates something beyond this run, and so has an interval."""
    unit: Unit = "rate"


@dataclass(frozen=True, slots=True)
class Amount:
    """Any other number."""

    name: str
    """As in `metrics.parquet`."""
    doc: str
    """One line for the reader of a report."""
    table: TableName
    """Whose rows are observed."""
    value: pl.Expr
    """Aggregates the rows of a group."""
    n: pl.Expr
    """How many observations `value` rests on; where that is 0, there is no value."""
    unit: Unit = "count"


Metric: TypeAlias = Rate | Amount


@dataclass(frozen=True, slots=True)
class Slice:
    """One table seen by one scope: rows with `variant`, `group` and `case_id` besides their own columns."""

    scope: str
    rows: pl.LazyFrame
    metrics: Sequence[Metric]


def measured_rows(slices: Sequence[Slice]) -> Iterator[MetricRow]:
    """Yield a row per slice, variant, group and metric."""
    for piece in slices:  # one query at a time: together they would need the memory of all
        for row in _rate_sums(piece).collect(engine="streaming").iter_rows(named=True):
            yield from (_rate_row(piece.scope, metric, row) for metric in _rates(piece.metrics))
        for row in _amounts(piece).collect(engine="streaming").iter_rows(named=True):
            yield from (_amount_row(piece.scope, metric, row) for metric in _others(piece.metrics))


def _rates(metrics: Iterable[Metric]) -> list[Rate]:
    return [metric for metric in metrics if isinstance(metric, Rate)]


def _others(metrics: Iterable[Metric]) -> list[Amount]:
    return [metric for metric in metrics if isinstance(metric, Amount)]


def _rate_sums(piece: Slice) -> pl.LazyFrame:
    rates = _rates(piece.metrics)
    per_case = piece.rows.group_by("variant", "group", "case_id").agg(
        *(rate.hit.sum().cast(pl.Int64).alias(f"x {rate.name}") for rate in rates),
        *(rate.hit.count().cast(pl.Int64).alias(f"m {rate.name}") for rate in rates),
    )
    sums = []
    for rate in rates:
        x, m = pl.col(f"x {rate.name}"), pl.col(f"m {rate.name}")
        sums += [
            (m > 0).sum().alias(f"cases {rate.name}"),
            x.sum(),
            m.sum(),
            (x * x).sum().alias(f"xx {rate.name}"),
            (x * m).sum().alias(f"xm {rate.name}"),
            (m * m).sum().alias(f"mm {rate.name}"),
        ]
    return per_case.group_by("variant", "group").agg(*sums)


def _rate_row(scope: str, rate: Rate, row: dict[str, Any]) -> MetricRow:
    sums = ClusterSums(*(row[f"{part} {rate.name}"] for part in ("cases", "x", "m", "xx", "xm", "mm")))
    n = sums.observations
    low, high = (clustered_wilson(sums) if rate.estimated else None) or (None, None)
    value = sums.hits / n if n else None
    return MetricRow(row["variant"], scope, row["group"], rate.name, value, n, low, high)


def _amounts(piece: Slice) -> pl.LazyFrame:
    aggregates = []
    for amount in _others(piece.metrics):
        aggregates += [
            amount.value.cast(pl.Float64).alias(f"value {amount.name}"),
            amount.n.cast(pl.Int64).alias(f"n {amount.name}"),
        ]
    return piece.rows.group_by("variant", "group").agg(*aggregates)


def _amount_row(scope: str, amount: Amount, row: dict[str, Any]) -> MetricRow:
    n = row[f"n {amount.name}"]
    value = row[f"value {amount.name}"] if n else None
    return MetricRow(row["variant"], scope, row["group"], amount.name, value, n, None, None)
