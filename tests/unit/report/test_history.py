"""Histories told: several series, metrics without an interval, and runs that lack a metric."""

from __future__ import annotations

from dataclasses import replace

from fceval.report.document import Estimate
from fceval.report.history import LeftOut, PastRun, brief, history_report
from fceval.report.terminal import short_report
from fceval.rows import MetricRow
from fceval.stats.intervals import wilson
from fceval.stats.paired import ALPHA


def past(number: int, accuracy: float | None, *, series: str = "nightly", latency_s: float = 1.0) -> PastRun:
    """Return a run of 200 cases, named and timed by its number."""
    low, high = (None, None) if accuracy is None else wilson(accuracy, 200) or (None, None)
    rows = (
        MetricRow("default", "run", "", "accuracy", accuracy, 0 if accuracy is None else 200, low, high),
        MetricRow("default", "run", "", "latency_p50_s", latency_s, 200, None, None),
    )
    return PastRun(
        folder=f"run-{number}",
        series=series,
        started_at=f"2026-11-{number:02}T02:00:00+00:00",
        model="m",
        commit=None,
        config="0badcafe",
        changed=tuple(f"request.a{at}: 1 → 2" for at in range(6)) if number > 1 else (),
        metrics={row.metric: row for row in rows},
    )


def test_change_is_marked_where_it_begins() -> None:
    """In the trend, in the list of changes, in the headline and beside the figure."""
    runs = [past(at, 0.9 if at < 5 else 0.7) for at in range(1, 9)]
    report = history_report("History of nightly", runs, (), ("accuracy", "latency_p50_s"), ALPHA)
    assert "Accuracy fell from 90.0% to 70.0% with run-5 (2026-11-05 02:00)." in report.headline
    assert report.figures[0].note == "latest of 8 runs; changed once"
    trend = next(section for section in report.sections if section.key == "trend-accuracy")
    assert [row[4] != "" for row in trend.tables[0].rows] == [False] * 4 + [True] + [False] * 3
    assert [column.label for column in trend.tables[0].columns] == ["Started", "Run", "Value", "95% interval", "Change"]
    amount = next(section for section in report.sections if section.key == "trend-latency-p50-s")
    assert [column.label for column in amount.tables[0].columns] == ["Started", "Run", "Value", "Change"]
    assert amount.title == "Latency p50"


def test_runs_without_a_value_are_no_part_of_a_trend() -> None:
    """An outage is not an accuracy of 0; the run itself is listed."""
    report = history_report("h", [past(1, 0.9), past(2, None), past(3, 0.9)], (), ("accuracy",), ALPHA)
    trend = next(section for section in report.sections if section.key == "trend-accuracy")
    assert [row[1] for row in trend.tables[0].rows] == ["run-1", "run-3"]
    runs = next(section for section in report.sections if section.key == "runs")
    assert len(runs.tables[0].rows) == 3


def test_metric_that_no_run_has() -> None:
    """Is said, not divided by."""
    report = history_report("h", [past(1, 0.9)], (), ("pass@1",), ALPHA)
    assert "none has one of the metrics asked for" in report.headline


def test_long_lists_are_cut() -> None:
    """Settings that changed, and what a terminal shows of a long history."""
    runs = [past(at, 0.9) for at in range(1, 29)]
    report = history_report("h", runs, [LeftOut("broken", "torn")], ("accuracy",), ALPHA)
    table = next(section for section in report.sections if section.key == "runs").tables[0]
    assert str(table.rows[1][6]).endswith("request.a3: 1 → 2 and 2 more")
    text = short_report(brief(report), 100)
    assert "Accuracy (the last 15 of 28)" in text
    assert "run-28" in text
    assert "run-13" not in text
    assert "torn" in text


def test_every_metric_is_followed_unless_some_are_asked_for() -> None:
    """Headline metrics first; further ones are searched apart, and do not blunt the search of those."""
    runs = [past(at, 0.9 if at < 5 else 0.7) for at in range(1, 9)]
    counts = {
        f"outcome:{name}": MetricRow("default", "run", "", f"outcome:{name}", 3.0, 200, None, None) for name in "ab"
    }
    more = [replace(run, metrics={**run.metrics, **counts}) for run in runs]
    whole = history_report("h", more, (), (), ALPHA)
    keys = [section.key for section in whole.sections if section.key.startswith("trend")]
    assert keys == ["trend-accuracy", "trend-latency-p50-s", "trend-outcome-a", "trend-outcome-b"]
    assert [figure.label for figure in whole.figures] == ["Accuracy", "Latency p50"]
    changes = [section.tables for section in whole.sections if section.key == "changes"]
    asked = history_report("h", runs, (), ("accuracy", "latency_p50_s"), ALPHA)
    assert changes == [section.tables for section in asked.sections if section.key == "changes"]
    assert asked.headline == whole.headline


def test_every_trend_is_drawn() -> None:
    """With its intervals where it has any, and the run from which on it is another; one run alone is no line."""
    runs = [past(at, 0.9 if at < 5 else 0.7) for at in range(1, 9)]
    report = history_report("h", runs, (), ("accuracy", "latency_p50_s"), ALPHA)
    accuracy, latency = (chart for section in report.sections for chart in section.charts)
    assert [row[2] for row in accuracy.rows] == [0, 0, 0, 0, 1, 0, 0, 0]
    assert isinstance(accuracy.rows[0][1], Estimate)
    assert "95% interval" in accuracy.text
    assert latency.columns[1].kind == "seconds"
    assert "interval" not in latency.text
    alone = history_report("h", runs[:1], (), ("accuracy",), ALPHA)
    assert [section.charts for section in alone.sections if section.charts] == []
