"""The short report for a terminal."""

from __future__ import annotations

import unicodedata

import pytest
from rich.cells import cell_len

from fceval.report.terminal import short_report
from tests.golden.runs import troubled_run, variants_run


@pytest.mark.parametrize("width", [40, 80, 200])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    """Chinese characters count for two columns."""
    assert max(map(cell_len, short_report(troubled_run().report(), width).splitlines())) <= width


def test_no_control_character_reaches_the_terminal() -> None:
    """Hostile categories are shown as text, line feeds are ours."""
    text = short_report(troubled_run().report())
    assert {c for c in text if unicodedata.category(c) in {"Cc", "Cf"}} == {"\n"}
    assert r"\x1b[2J" in text.replace("\n", "")


def test_markup_is_text() -> None:
    """What looks like rich's markup is neither obeyed nor an error."""
    assert "[/red]" in short_report(troubled_run().report(), 200)


def test_headline_comes_first() -> None:
    """Then the tables by category and by outcome."""
    text = short_report(variants_run().report(), 120)
    assert text.startswith("Accuracy of 2 variants: polite 83.3%")
    assert text.index("Category") < text.index("Outcome")
    assert "Latency" not in text
