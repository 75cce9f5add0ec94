"""Cases whose trials disagree, told of runs with several trials."""

from __future__ import annotations

import polars as pl

from fceval.report.wavering import wavering_section
from tests.golden.runs import troubled_run, variants_run


def test_variants_have_a_table_each() -> None:
    """With the chance that two trials disagree; steady cases are not listed."""
    (chapter,) = [section for section in variants_run().report().sections if section.key == "wavering"]
    rows = {table.title: table.rows for table in chapter.tables}
    assert rows == {"polite": (("c", 3, 1, 2 / 3),), "terse": (("b", 3, 2, 2 / 3),)}


def test_one_trial_says_nothing() -> None:
    """There is no such chapter then."""
    assert "wavering" not in {section.key for section in troubled_run().report().sections}


def test_long_list_is_cut_and_says_so() -> None:
    """The rest is in the scores."""
    many = pl.DataFrame({"case_id": [f"c{at}" for at in range(130)], "trials": 2, "passed": 1, "flake_rate": 1.0})
    (table,) = wavering_section([("", many)]).tables
    assert (len(table.rows), table.note) == (100, "The first 100 of 130 cases.")
