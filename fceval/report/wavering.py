"""The chapter on cases whose trials disagree: they are what makes two equal runs differ."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import polars as pl

from fceval.report.document import Column, Section, Table
from fceval.report.wording import counted

ROWS_SHOWN = 100
"""Longer tables are cut, and say so."""

_TEXT = (
    "Trials of these cases disagree within one run; the flake rate is the chance that two of them do. A gate leaves "
    "out those that are on its list (`gate.flaky`)."
)


def wavering_section(of: Iterable[tuple[str, pl.DataFrame]], title: str = "Cases that waver") -> Section:
    """Return the chapter; it has no tables where no case wavers.

    Args:
        of: What a run or variant is called, empty for the only one, and its cases as `fceval.stats.repeats.flakes`
            returns them.
        title: Of the chapter.
    """
    return Section("wavering", title, _TEXT, tables=tuple(_tables(of)))


def _tables(of: Iterable[tuple[str, pl.DataFrame]]) -> Iterator[Table]:
    columns = (
        Column("Case", "name"),
        Column("Trials", "count"),
        Column("Passed", "count"),
        Column("Flake rate", "rate"),
    )
    for label, flakes in of:
        note = f"The first {ROWS_SHOWN} of {counted(flakes.height, 'case')}." if flakes.height > ROWS_SHOWN else ""
        if flakes.height:
            yield Table(columns, tuple(flakes.head(ROWS_SHOWN).iter_rows()), label, note)
