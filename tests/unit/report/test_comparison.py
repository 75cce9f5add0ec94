"""Comparisons told: the verdict in words, several at once, and what a terminal gets of it."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl
import pytest

from fceval.report.comparison import brief, comparison_report
from fceval.report.differences import Caution, Compared
from fceval.report.document import Report
from fceval.report.terminal import short_report
from fceval.rows import Score
from fceval.stats.compare import Side, compare
from fceval.stats.paired import ALPHA, MATTERS
from fceval.stats.repeats import flakes
from tests.golden.rows import score, tables
from tests.golden.runs import HOSTILE


def side(scores: Sequence[Score]) -> Side:
    """Return one side of a comparison."""
    made = tables(scores)
    return Side(made.scores, made.calls, made.arguments)


def compared(
    passed: int, failed: int, *, new: str = "new", prefix: str = "c", cautions: tuple[Caution, ...] = ()
) -> Compared:
    """Return the comparison of a run in which all cases passed with one in which some failed."""
    rows = [(f"{prefix}{n:03}", "passed" if n < passed else "wrong_value") for n in range(passed + failed)]
    base = side([score(case, content_hash=case, latency_s=1.0) for case, _ in rows])
    after = side([score(case, outcome, content_hash=case, latency_s=1.5) for case, outcome in rows])
    found = compare(base, after, ["category"])
    assert found.overall is not None
    return Compared(
        base="base",
        new=new,
        found=found,
        overall=found.overall,
        p_adjusted=found.overall.p_value,
        flips=(),
        cautions=cautions,
        base_flakes=flakes(base.scores),
        new_flakes=flakes(after.scores),
    )


def told(*each: Compared) -> Report:
    """Return the report on comparisons."""
    return comparison_report(each, {"base": "base: m"}, ALPHA, MATTERS)


HEADLINES = {
    (90, 10): (
        "Regressed: accuracy 100% before, 90.0% now over 100 shared cases (−10.0 points, 95% interval −17.4 to −4.2; "
        "p = 0.002); 10 cases got worse, 0 better."
    ),
    (999, 1): (
        "No evidence of a difference: accuracy 100% before, 99.9% now over 1,000 shared cases (−0.1 points, "
        "95% interval −0.6 to +0.3; p = 1); 1 case got worse, 0 better. "
        "A drop of 0.6 points or more would probably have been seen."
    ),
    (8, 2): (
        "Underpowered, too few cases to tell: accuracy 100% before, 80.0% now over 10 shared cases (−20.0 points, "
        "95% interval −51.0 to +11.2; p = 0.5); 2 cases got worse, 0 better. "
        "Only a drop of 50.1 points or more would probably have been seen: add cases or trials."
    ),
    (1, 0): (
        "Nothing changed: accuracy 100% over 1 shared case, the same in every case. "
        "Only a drop of 100.0 points or more would probably have been seen: add cases or trials."
    ),
}


@pytest.mark.parametrize(("passed", "failed"), HEADLINES)
def test_headline_says_the_verdict_and_what_could_have_been_seen(passed: int, failed: int) -> None:
    """In words and in numbers; the interval is that of the difference."""
    assert told(compared(passed, failed)).headline == HEADLINES[passed, failed]


def test_chapters_of_several_comparisons_are_told_apart() -> None:
    """By number in the key, by run in the title."""
    report = told(compared(90, 10, new="one"), compared(99, 1, new="two"))
    keys = [section.key for section in report.sections]
    assert keys[0] == "verdict"
    assert len(keys) == len(set(keys))
    assert {"slices-1", "flips-1", "slices-2", "flips-2"} <= set(keys)
    assert (
        next(each.title for each in report.sections if each.key == "flips-2") == "Cases that got worse or better, two"
    )


def test_terminal_gets_the_first_cases_and_how_many_there_are() -> None:
    """And nothing that a hostile name could steer it with."""
    report = told(compared(50, 30, prefix=HOSTILE[:60]))
    text = short_report(brief(report), 100)
    assert "Got worse (12 of 30)" in text
    assert "\x1b" not in text
    assert "Got worse (the first 12)" in short_report(brief(told(compared(150, 120))), 100)
    several = short_report(brief(told(compared(9, 1, new="one"), compared(9, 1, new="two"))), 100)
    assert "one" in several
    assert "Got worse" not in several


def test_cautions_stand_once() -> None:
    """What several comparisons have in common is said once."""
    caution = Caution("rules.strings", "exact", "normalized", "score both again")
    report = told(compared(9, 1, cautions=(caution,)), compared(8, 2, cautions=(caution,)))
    (section,) = [each for each in report.sections if each.key == "cautions"]
    assert section.tables[0].rows == (("rules.strings", "exact", "normalized", "score both again"),)


def test_latency_is_told_with_its_change() -> None:
    """Only what both runs tell of; nothing of tokens here."""
    (section,) = [each for each in told(compared(3, 0)).sections if each.key == "amounts"]
    assert [table.rows for table in section.tables] == [(("Latency p50", 1.0, 1.5, 0.5, 3),)]


def test_long_tables_are_cut_and_say_so() -> None:
    """The rest is in the tables of the run."""
    (section,) = [each for each in told(compared(10, 150)).sections if each.key == "flips"]
    assert (len(section.tables[0].rows), section.tables[0].note) == (100, "The first 100 of 150 cases.")
    assert isinstance(compared(1, 0).base_flakes, pl.DataFrame)


def test_what_became_of_accuracy_is_drawn() -> None:
    """A row for each run that is compared, with its interval beside where it was."""
    each = compared(3, 1)
    report = told(each, compared(5, 1))
    (chart,) = next(section.charts for section in report.sections if section.key == "verdict")
    found = each.overall
    assert chart.kind == "changes"
    assert len(chart.rows) == 2
    assert chart.rows[0][1:] == (found.base, found.new, found.base + found.low, found.base + found.high)
