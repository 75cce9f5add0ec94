"""Which charts a run has, and what is in them."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from fceval.report.document import Chart, Estimate
from fceval.report.numbers import Numbers
from fceval.report.run_charts import (
    LEAST,
    argument_charts,
    group_charts,
    latency_charts,
    outcome_charts,
    variant_charts,
)
from fceval.rows import ArgumentFact, Score
from fceval.stats.latencies import latency_bins
from fceval.stats.metrics import measure
from tests.golden.rows import argument, score, tables


def _numbers(scores: Sequence[Score], arguments: Sequence[ArgumentFact] = ()) -> Numbers:
    of = tables(scores, [], arguments)
    return Numbers(measure(of.scores, of.calls, of.arguments))


def _bins(scores: Sequence[Score]) -> pl.DataFrame:
    return latency_bins(tables(scores).scores)


def _many(number: int = LEAST) -> list[Score]:
    outcomes = ["passed", "wrong_value", "wrong_value", "missing_call"]
    return [score(str(at), outcomes[at % 4], category=f"c{at % 2}", latency_s=0.1 * (at + 1)) for at in range(number)]


def test_few_responses_have_no_charts() -> None:
    """They are better read one by one."""
    numbers = _numbers(_many(LEAST - 1))
    bins = _bins(_many(LEAST - 1))
    assert (
        *group_charts("category", "Category", numbers),
        *outcome_charts(numbers),
        *latency_charts(bins, numbers),
    ) == ()


def test_groups_have_their_interval() -> None:
    """One group alone has no chart: the headline says it."""
    (chart,) = group_charts("category", "Category", _numbers(_many(20)))
    assert [row[0] for row in chart.rows] == ["c0", "c1"]
    assert isinstance(chart.rows[0][1], Estimate)
    assert group_charts("category", "Category", _numbers([score(str(at)) for at in range(20)])) == ()


def test_too_many_groups_are_cut_and_said_to_be() -> None:
    """Those with the most responses stay, in their own order."""
    scores = [score(str(at), category=f"c{min(at // 2, 39):02}") for at in range(82)]
    (chart,) = group_charts("category", "Category", _numbers(scores))
    assert len(chart.rows) == 30
    assert chart.rows[-1][0] == "c39"
    assert "The 30 groups with the most responses" in chart.text


def test_outcomes_are_those_that_did_not_pass() -> None:
    """The most frequent first; what passed is in the text."""
    (chart,) = outcome_charts(_numbers(_many(20)))
    assert chart.rows == (("wrong value", 10), ("missing call", 5))
    assert chart.text == "15 responses of 20; the other 5 passed."


def test_arguments_by_tool_and_fault() -> None:
    """The worst first, and no column in which nothing is."""
    faults = [("city", "wrong_value"), ("city", "wrong_value"), ("unit", "missing_argument"), ("day", None)]
    arguments = [argument(str(at), name, fault=fault) for at, (name, fault) in enumerate(faults)]
    (chart,) = argument_charts(_numbers(_many(), arguments))
    assert [column.label for column in chart.columns] == ["Tool", "Argument", "missing argument", "wrong value"]
    assert chart.rows == (("get_weather", "city", 0, 2), ("get_weather", "unit", 1, 0))


def test_latencies_are_counted_with_their_quantiles() -> None:
    """In a table of the chart's own, as no other has them."""
    scores = _many(20)
    (chart,) = latency_charts(_bins(scores), _numbers(scores))
    assert sum(int(str(row[2])) for row in chart.rows) == 20
    assert [mark.label.partition(" ")[0] for mark in chart.marks] == ["50%", "90%", "99%"]
    assert not chart.in_tables


def test_variants_stand_beside_each_other() -> None:
    """In one chart of all, by group, and in a chart each where counts are shown."""
    scores = [
        score(str(at), outcome, variant=variant, category=f"c{at % 2}")
        for variant in ("a", "b")
        for at, outcome in enumerate(["passed", "wrong_value", "missing_call"] * 4)
    ]
    numbers = _numbers(scores)
    (variants,) = variant_charts(numbers)
    assert [row[0] for row in variants.rows] == ["a", "b"]
    (groups,) = group_charts("category", "Category", numbers)
    assert [row[0] for row in groups.rows] == ["c0, a", "c0, b", "c1, a", "c1, b"]
    titles: list[Chart] = list(outcome_charts(numbers))
    assert [chart.title for chart in titles] == ["What did not pass, a", "What did not pass, b"]
