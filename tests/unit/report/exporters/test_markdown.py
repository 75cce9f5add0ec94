"""Markdown in which foreign text stays text."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from fceval.report.document import Column, Pair, Report, Section, Table
from fceval.report.exporters.markdown import PLUGIN
from tests.golden.runs import troubled_run


def _render(table: Table) -> list[str]:
    report = Report("t", "h", True, (), (), (Section("s", "S", tables=(table,)),))
    return PLUGIN.render(report).decode().splitlines()


@pytest.mark.parametrize(
    ("name", "cell"),
    [
        ("plain", "`plain`"),
        ("a|b", r"`a\|b`"),
        ("`x`", "`` `x` ``"),
        ("``", "``` `` ```"),
        ("two\nlines", r"`two\nlines`"),
        (" spaced ", "`  spaced  `"),
        ("", ""),
    ],
)
def test_names_are_code(name: str, cell: str) -> None:
    """Whatever a name holds, it is one cell of one row."""
    assert f"| {cell} | 1 |" in _render(Table((Column("N", "name"), Column("C", "count")), ((name, 1),)))


def test_labels_are_escaped() -> None:
    """A variant's name in a head of a table cannot close it, link or mark up."""
    (head,) = [line for line in _render(Table((Column("a|<b>*[x](http://y)", "count"),), ())) if line.startswith("| a")]
    assert head == r"| a\|\<b\>\*\[x\](http:\//y) |"


def test_fences_are_longer_than_what_they_hold() -> None:
    """Backticks in a message do not end its block."""
    text = PLUGIN.render(troubled_run().report()).decode()
    fence = None
    for line in text.splitlines():
        found = re.match(r"(`{3,})(?:json)?$", line)
        if found:
            fence = None if fence == found[1] else fence or found[1]
        elif fence is None:
            outside = re.sub(r"(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)", "", line)
            assert "<script" not in outside
            assert "http" not in outside
            assert line != "# no heading"
    assert fence is None


def test_numbers_are_aligned_right() -> None:
    """And words left."""
    lines = _render(Table((Column("N", "name"), Column("C", "rate"), Column("T", "text")), ()))
    assert "| --- | ---: | --- |" in lines


def test_both_answers_of_a_pair_follow_its_question() -> None:
    """Which stands there once; a run that keeps no answers says so."""
    base = replace(troubled_run().report().examples[0], failure_detail=None)
    new = next(each for each in troubled_run().report().sections[-1].examples if each.case_id == "refund-value")
    pairs = (Pair("a|b", "base", "new", 1.0, 0.0, base, new), Pair("c", "base", "new", 1.0, 0.0, None, new))
    report = Report("t", "h", True, (), (), (Section("s", "S", pairs=pairs),))
    text = PLUGIN.render(report).decode()
    assert "### `a|b`: passed 100%, then 0%" in text
    first, second = text.split("### `c`")
    assert first.count("Tools on offer") == 1
    assert first.index("#### `base`: passed") < first.index("#### `new`: wrong value")
    assert "#### `base`: its answer is not kept" in second
