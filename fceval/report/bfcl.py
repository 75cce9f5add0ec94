"""BFCL's own table as a chapter of the report: its columns, its weights, its two decimals."""

from __future__ import annotations

from collections.abc import Mapping

from fceval.report.document import Column, Section, Table
from fceval.stats.bfcl import WEIGHTS, BfclTables, percent

_TITLES = {"overall": "Overall", "non_live": "Non-live", "live": "Live"}
"""The tables of a single-turn run; the others would be empty."""


def bfcl_section(tables: Mapping[str, BfclTables]) -> Section:
    """Return the chapter.

    Args:
        tables: By variant, as `fceval.stats.bfcl.bfcl_tables` returns them.
    """
    weights = ", ".join(f"{weight:.0%} {group.replace('_', '-')}" for group, weight in WEIGHTS.items())
    return Section(
        "bfcl",
        "As BFCL counts",
        f"BFCL v4 weighs {weights}. A group that was not evaluated counts as 0, so that single-turn cases alone reach "
        "30% at most. What was not measured is left out here, and shows in the coverage above.",
        tables=tuple(_table(name, title, tables) for name, title in _TITLES.items()),
    )


def _table(name: str, title: str, tables: Mapping[str, BfclTables]) -> Table:
    variants = tuple(tables)
    labels = ("Accuracy",) if len(variants) == 1 else variants
    columns = tables[variants[0]][name]
    return Table(
        title=title,
        columns=(Column("Column", "text"), *(Column(label, "text") for label in labels)),
        rows=tuple((column, *(percent(tables[variant][name][column]) for variant in variants)) for column in columns),
    )
