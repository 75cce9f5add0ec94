"""Whole reports against expected files, for every exporter there is."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from fceval.report.exporters import load, names
from fceval.report.terminal import short_report
from fceval.report.totals import summary_document
from fceval.stats.metrics import measure
from tests.golden.runs import Run, troubled_run, variants_run

RUNS: dict[str, Callable[[], Run]] = {"troubled": troubled_run, "variants": variants_run}
Golden = Callable[[str, bytes], None]


@pytest.mark.parametrize("run", RUNS)
@pytest.mark.parametrize("format_name", names())
def test_report(run: str, format_name: str, golden: Golden) -> None:
    """The file is the expected one, byte for byte."""
    exporter = load(format_name)
    golden(f"{run}{exporter.suffix}", exporter.render(RUNS[run]().report()))


@pytest.mark.parametrize("run", RUNS)
def test_short_report(run: str, golden: Golden) -> None:
    """What a terminal of 100 columns shows."""
    golden(f"{run}.txt", short_report(RUNS[run]().report(), 100).encode())


@pytest.mark.parametrize("run", RUNS)
def test_summary_json(run: str, golden: Golden) -> None:
    """The totals for scripts."""
    made = RUNS[run]()
    metrics = measure(made.tables.scores, made.tables.calls, made.tables.arguments)
    golden(f"{run}.summary.json", (json.dumps(summary_document(made.meta, metrics), indent=1) + "\n").encode())


@pytest.mark.parametrize("format_name", names())
def test_same_run_same_bytes(format_name: str) -> None:
    """Rendering again changes nothing."""
    exporter = load(format_name)
    assert exporter.name == format_name
    assert exporter.render(troubled_run().report()) == exporter.render(troubled_run().report())
