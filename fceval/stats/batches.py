"""The tables of a run, some whole cases at a time: what is in memory does not grow with the run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import polars as pl

ROWS = 25_000
"""Rows of a table that are read at once."""


class Batch(NamedTuple):
    """What the tables of a run say of some cases, every row of them."""

    scores: pl.DataFrame
    calls: pl.DataFrame
    arguments: pl.DataFrame


def whole_cases(
    scores: pl.LazyFrame, calls: pl.LazyFrame, arguments: pl.LazyFrame, rows: int = ROWS
) -> Iterator[Batch]:
    """Yield the tables of a run in batches, no case in two of them.

    Args:
        scores: A row per response. Longer tables have all rows of a case together, and their cases in one order, as
            those of a run do.
        calls: Rows about the calls of these responses.
        arguments: Rows about their arguments.
        rows: How many are read at once; a batch has more where a case has more, and where calls have several arguments.
    """
    unread, *others = _Rows(scores, rows), _Rows(calls, rows), _Rows(arguments, rows)
    while not (some := unread.some_cases()).is_empty():
        cases = some["case_id"].unique()
        yield Batch(some, *(table.of(cases) for table in others))


class _Rows:
    """A table, read from its beginning to its end."""

    def __init__(self, table: pl.LazyFrame, rows: int) -> None:
        self._table = table
        self._rows = rows
        self._read = 0
        self._is_read = False
        """To its end."""
        self._kept = table.head(0).collect()
        """Rows that were read and not taken."""

    def some_cases(self) -> pl.DataFrame:
        """Take all rows of some cases; none where nothing is left."""
        while self._read_more():
            # The next rows may be about the last case as well.
            last = self._kept["case_id"].last()
            if self._kept["case_id"].first() != last:
                return self._take(pl.col("case_id") != last)
        return self._take(pl.lit(value=True))

    def of(self, cases: pl.Series) -> pl.DataFrame:
        """Take all rows of some cases."""
        while not self._kept.height or self._kept["case_id"].last() in cases:
            if not self._read_more():
                break
        return self._take(pl.col("case_id").is_in(cases.implode()))

    def _read_more(self) -> bool:
        """Read some rows, and return whether there may be more."""
        if not self._is_read:
            more = self._table.slice(self._read, self._rows).collect()
            self._read += more.height
            self._is_read = more.height < self._rows
            self._kept = pl.concat([self._kept, more])
        return not self._is_read

    def _take(self, which: pl.Expr) -> pl.DataFrame:
        taken, self._kept = self._kept.filter(which), self._kept.filter(~which)
        return taken
