"""BFCL's own table."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from fceval.stats.bfcl import CATEGORY_CASES, WEIGHTS, Count, bfcl_by_variant, bfcl_tables, counts_of, percent


def test_every_number_is_what_bfcl_prints(shared_data: Path) -> None:
    """All columns of all five tables, in their order, for complete and incomplete evaluations."""
    oracle = json.loads((shared_data / "bfcl" / "aggregation_oracle.json").read_text(encoding="utf-8"))
    assert len(oracle) == 60
    for wanted in oracle:
        counts = {name: Count(each["correct"], each["total"]) for name, each in wanted.pop("counts").items()}
        tables = bfcl_tables(counts)
        printed = {
            name: [(column, percent(value)) for column, value in table.items()] for name, table in tables.items()
        }
        assert printed == {name: list(table.items()) for name, table in wanted.items()}


def test_single_turn_categories_alone_reach_thirty_percent() -> None:
    """What was not evaluated counts as 0."""
    single = [name for name in CATEGORY_CASES if not name.startswith(("multi_turn", "web", "memory"))]
    tables = bfcl_tables({name: Count(CATEGORY_CASES[name], CATEGORY_CASES[name]) for name in single})
    assert tables["overall"]["Overall Acc"] == pytest.approx(0.3)
    assert tables["overall"]["Memory Acc"] is None
    assert sum(WEIGHTS.values()) == pytest.approx(1)


def test_part_of_live_is_weighed_against_all_of_it() -> None:
    """A live category that is missing counts with all of its cases."""
    tables = bfcl_tables({"live_parallel": Count(16, 16)})
    assert tables["live"]["Live Overall Acc"] == 16 / 1_351
    assert tables["live"]["AST Summary"] is None


def test_nothing_evaluated_is_zero_and_not_an_error() -> None:
    """No division by nothing."""
    tables = bfcl_tables({})
    assert (tables["overall"]["Overall Acc"], percent(tables["overall"]["Relevance Detection"])) == (0.0, "N/A")


def test_counts_come_from_what_was_measured() -> None:
    """Other categories, and answers that never came, are left out."""
    scores = pl.DataFrame(
        {
            "category": ["multiple", "multiple", "multiple", "live_simple", "weather"],
            "passed": [True, False, None, None, True],
            "measured": [True, True, False, False, True],
        }
    )
    assert counts_of(scores) == {"multiple": Count(1, 2)}


def test_each_variant_has_tables_of_its_own() -> None:
    """Nothing is pooled over variants, and they come in the order of their names."""
    scores = pl.LazyFrame(
        {
            "variant": ["b", "a", "a"],
            "category": ["multiple"] * 3,
            "passed": [False, True, None],
            "measured": [True, True, False],
        }
    )
    tables = bfcl_by_variant(scores)
    assert [(name, each["overall"]["Non-Live Multiple AST"]) for name, each in tables.items()] == [
        ("a", 1.0),
        ("b", 0.0),
    ]
