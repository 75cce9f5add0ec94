"""BFCL's table as a chapter."""

from __future__ import annotations

from fceval.report.bfcl import bfcl_section
from fceval.stats.bfcl import Count, bfcl_tables

FULL = bfcl_tables({"simple_python": Count(1, 3), "multiple": Count(2, 2), "live_relevance": Count(0, 16)})
EMPTY = bfcl_tables({})


def test_single_variant_has_its_accuracy() -> None:
    """BFCL's columns with its two decimals, and `N/A` where nothing was evaluated."""
    section = bfcl_section({"default": FULL})
    overall, non_live, live = section.tables
    assert (section.key, section.title) == ("bfcl", "As BFCL counts")
    assert [table.title for table in section.tables] == ["Overall", "Non-live", "Live"]
    assert [column.label for column in overall.columns] == ["Column", "Accuracy"]
    assert {
        ("Non-Live Multiple AST", "100.00%"),
        ("Non-Live Parallel AST", "N/A"),
        ("Relevance Detection", "0.00%"),
    } <= set(overall.rows)
    assert ("Python Simple AST", "33.33%") in non_live.rows
    assert ("Relevance Detection", "0.00%") in live.rows


def test_columns_stand_in_bfcls_order() -> None:
    """Every one of them, as BFCL prints them."""
    section = bfcl_section({"default": FULL})
    for name, table in zip(("overall", "non_live", "live"), section.tables, strict=True):
        assert [row[0] for row in table.rows] == list(FULL[name])


def test_each_variant_is_a_column() -> None:
    """By its name, in the order in which they are given."""
    overall = bfcl_section({"b": FULL, "a": EMPTY}).tables[0]
    assert [column.label for column in overall.columns] == ["Column", "b", "a"]
    assert ("Non-Live Multiple AST", "100.00%", "N/A") in overall.rows


def test_weights_are_told() -> None:
    """With what a run of single turns can reach at most."""
    text = bfcl_section({"default": EMPTY}).text
    assert "10% non-live, 10% live, 10% irrelevance, 30% multi-turn, 40% agentic" in text
    assert "30% at most" in text
