"""How a metric becomes numbers: sums per group, added up over batches of cases.

A `Rate` is a yes or no per row. Its sums are taken per case first, because the case is the unit of the interval;
an `Amount` is a sum over rows; a `Quantile` is the one thing that does not add up. All sums are whole numbers, so that
neither the order of rows nor the size of batches changes a digit.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, TypeVar

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
    """A sum."""

    name: str
    """As in `metrics.parquet`."""
    doc: str
    """One line for the reader of a report."""
    table: TableName
    """Whose rows are observed."""
    total: pl.Expr
    """Adds up the rows of a group: a whole number."""
    n: pl.Expr
    """How many observations the sum rests on; where that is 0, there is no value."""
    unit: Unit = "count"
    parts: float = 1
    """How many in `total` are one in the value."""
    averaged: bool = False
    """Whether the value is the sum's share of each observation."""


@dataclass(frozen=True, slots=True)
class Quantile:
    """What so many of the observations are at most, with linear interpolation."""

    name: str
    """As in `metrics.parquet`."""
    doc: str
    """One line for the reader of a report."""
    table: TableName
    """Whose rows are observed."""
    of: pl.Expr
    """A number per row; null: the row is no observation."""
    share: float
    """In [0, 1]."""
    unit: Unit


Metric: TypeAlias = Rate | Amount | Quantile


@dataclass(frozen=True, slots=True)
class Slice:
    """One table seen by one scope."""

    scope: str
    table: TableName
    rows: pl.LazyFrame
    """Rows with `variant`, `group` and `case` (whatever tells cases apart) besides their own columns."""


class Sums:
    """The sums that rates and amounts are made of, by variant and group."""

    def __init__(self, metrics: Sequence[Metric]) -> None:
        """Take the metrics of all tables."""
        self._metrics = metrics
        self._rates: dict[tuple[str, TableName], pl.DataFrame] = {}
        self._amounts: dict[tuple[str, TableName], pl.DataFrame] = {}

    def add(self, slices: Sequence[Slice]) -> None:
        """Add what some cases come to; no other slices of the same scope and table have rows of these cases."""
        queries = [query for piece in slices for query in (self._rate_sums(piece), self._amount_sums(piece))]
        found = iter(pl.collect_all(queries))
        for piece in slices:
            for known in (self._rates, self._amounts):
                place = (piece.scope, piece.table)
                both = [known[place], next(found)] if place in known else [next(found)]
                known[place] = pl.concat(both).group_by("variant", "group").sum()

    def add_up(self, scope: str, whole: str) -> None:
        """Let the groups of a scope, each case in one of them, come to the one nameless group of another scope."""
        for known in (self._rates, self._amounts):
            of_scope = {table: sums for (name, table), sums in known.items() if name == scope}
            for table, sums in of_scope.items():
                known[whole, table] = sums.with_columns(group=pl.lit("")).group_by("variant", "group").sum()

    def rows(self) -> Iterator[MetricRow]:
        """Yield a row per slice, variant, group and metric."""
        for (scope, table), sums in self._rates.items():
            for row in sums.iter_rows(named=True):
                yield from (_rate_row(scope, rate, row) for rate in self._of(table, Rate))
        for (scope, table), sums in self._amounts.items():
            for row in sums.iter_rows(named=True):
                yield from (_amount_row(scope, amount, row) for amount in self._of(table, Amount))

    def _of(self, table: TableName, kind: type[Kind]) -> list[Kind]:
        return [metric for metric in self._metrics if isinstance(metric, kind) and metric.table == table]

    def _rate_sums(self, piece: Slice) -> pl.LazyFrame:
        rates = self._of(piece.table, Rate)
        per_case = piece.rows.group_by("variant", "group", "case").agg(
            *(rate.hit.sum().cast(pl.Int64).alias(f"x {rate.name}") for rate in rates),
            *(rate.hit.count().cast(pl.Int64).alias(f"m {rate.name}") for rate in rates),
        )
        sums = []
        for rate in rates:
            x, m = pl.col(f"x {rate.name}"), pl.col(f"m {rate.name}")
            sums += [
                (m > 0).sum().cast(pl.Int64).alias(f"cases {rate.name}"),
                x.sum(),
                m.sum(),
                (x * x).sum().alias(f"xx {rate.name}"),
                (x * m).sum().alias(f"xm {rate.name}"),
                (m * m).sum().alias(f"mm {rate.name}"),
            ]
        return per_case.group_by("variant", "group").agg(*sums)

    def _amount_sums(self, piece: Slice) -> pl.LazyFrame:
        sums = []
        for amount in self._of(piece.table, Amount):
            sums += [
                amount.total.cast(pl.Int64).alias(f"total {amount.name}"),
                amount.n.cast(pl.Int64).alias(f"n {amount.name}"),
            ]
        return piece.rows.group_by("variant", "group").agg(*sums)


Kind = TypeVar("Kind", Rate, Amount)


def _rate_row(scope: str, rate: Rate, row: dict[str, Any]) -> MetricRow:
    sums = ClusterSums(*(row[f"{part} {rate.name}"] for part in ("cases", "x", "m", "xx", "xm", "mm")))
    n = sums.observations
    low, high = (clustered_wilson(sums) if rate.estimated else None) or (None, None)
    value = sums.hits / n if n else None
    return MetricRow(row["variant"], scope, row["group"], rate.name, value, n, low, high)


def _amount_row(scope: str, amount: Amount, row: dict[str, Any]) -> MetricRow:
    n = row[f"n {amount.name}"]
    whole = amount.parts * n if amount.averaged else amount.parts
    value = row[f"total {amount.name}"] / whole if n else None
    return MetricRow(row["variant"], scope, row["group"], amount.name, value, n, None, None)


def quantile_rows(piece: Slice, metrics: Sequence[Metric]) -> Iterator[MetricRow]:
    """Yield a row per variant, group and quantile of all rows of a table."""
    for quantile in metrics:
        if not isinstance(quantile, Quantile) or quantile.table != piece.table:
            continue
        # One at a time, and none that has no number: each holds all of its rows until it is known.
        has_number = piece.rows.select(quantile.of.count() > 0).collect(engine="streaming").item()
        value = quantile.of.quantile(quantile.share, interpolation="linear") if has_number else pl.lit(None, pl.Float64)
        found = piece.rows.group_by("variant", "group").agg(value=value, n=quantile.of.count().cast(pl.Int64))
        for row in found.collect(engine="streaming").iter_rows(named=True):
            told = (row["group"], quantile.name, row["value"], row["n"], None, None)
            yield MetricRow(row["variant"], piece.scope, *told)
