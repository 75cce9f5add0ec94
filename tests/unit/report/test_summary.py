"""The finding in a sentence, and the report around it."""

from __future__ import annotations

import pytest

from fceval.report.document import Estimate, Report
from fceval.report.summary import summarise
from fceval.rows import Score
from fceval.stats.metrics import measure
from tests.golden.rows import score, tables
from tests.golden.runs import troubled_run, variants_run


def _report(scores: list[Score], limit: int = 200) -> Report:
    of = tables(scores)
    metrics = measure(of.scores, of.calls, of.arguments)
    return summarise({"name": "x"}, metrics, of.scores, of.calls, of.arguments, {}, {}, limit=limit)


def test_complete_run() -> None:
    """Everything measured: the finding, its interval, and that it is whole."""
    report = _report([score("a"), score("b"), score("c", "wrong_value")])
    assert report.headline == (
        "2 of 3 measured cases passed: accuracy 66.7% (95% interval 20.8–93.9%); everything planned was measured."
    )
    assert report.complete


def test_incomplete_run_says_so_first() -> None:
    """Coverage, and how far the accuracy could be off."""
    report = _report([score("a"), score("b", "wrong_value"), score("c", "timed_out"), score("d")])
    assert report.headline == (
        "INCOMPLETE: only 3 of 4 cases were measured (coverage 75.0%); 2 of 3 measured cases passed: "
        "accuracy 66.7% (95% interval 20.8–93.9%; worst case 50.0%, best case 75.0%)."
    )
    assert not report.complete


def test_nothing_measured_has_no_accuracy() -> None:
    """Not 0 %."""
    report = _report([score("a", "endpoint_error"), score("b", "not_run")])
    assert report.headline == "INCOMPLETE: none of 2 cases was measured, so there is no accuracy (n/a)."
    assert report.figures[0].value is None


def test_variants_are_told_side_by_side() -> None:
    """Each has its accuracy; nothing is pooled."""
    report = variants_run().report()
    assert report.headline == (
        "Accuracy of 2 variants: polite 83.3% (95% interval 41.9–97.2%), terse 66.7% (95% interval 25.7–92.0%); "
        "everything planned was measured."
    )
    categories = next(section for section in report.sections if section.key == "categories")
    assert [column.label for column in categories.tables[0].columns] == ["Category", "polite", "terse", "Planned"]


def test_many_variants_tell_best_and_worst() -> None:
    """A headline does not list ten of them."""
    scores = [
        score(f"{n}", "passed" if n < good else "refused", variant=f"v{good}") for good in range(1, 6) for n in range(5)
    ]
    headline = _report(scores).headline
    assert headline.startswith("Best and worst accuracy of 5 variants: v5 100%")
    assert "v1 20.0%" in headline
    assert "v3" not in headline


def test_a_variant_without_answers_does_not_hide() -> None:
    """Its accuracy is n/a beside the other's."""
    headline = _report([score("a", variant="x"), score("a", "timed_out", variant="y")]).headline
    assert headline.startswith("INCOMPLETE: only 1 of 2 responses were measured")
    assert "y n/a" in headline


@pytest.mark.parametrize(
    ("limit", "words"),
    [(200, "3 responses did not pass"), (2, "2 of 3 are shown"), (0, "0 of 3 are shown")],
)
def test_cut_is_told(limit: int, words: str) -> None:
    """Whoever reads a shortened list knows."""
    failures = _report([score("a", "refused"), score("b", "refused"), score("c", "timed_out")], limit).sections[-1]
    assert failures.text.startswith(words)
    assert len(failures.examples) == min(limit, 3)


def test_nothing_failed() -> None:
    """Says so."""
    assert _report([score("a")]).sections[-1].text == "Nothing failed."


def test_trials_are_counted_as_responses() -> None:
    """Two trials of one case are two responses, not two cases."""
    assert "2 measured responses" in _report([score("a"), score("a", trial=1)]).headline


def test_figures_of_an_incomplete_run() -> None:
    """Accuracy with interval first, then how much it can be relied on."""
    figures = {figure.label: figure for figure in troubled_run().report().figures}
    assert list(figures) == [
        *("Accuracy", "Coverage", "Worst case", "Best case", "Strict accuracy"),
        *("Accuracy after repair", "Latency p50"),
    ]
    assert isinstance(figures["Accuracy"].value, Estimate)
    assert figures["Coverage"].note == "11 of 12 measured"


def test_meta_keeps_its_order() -> None:
    """What was run is told as the caller ordered it, names as words."""
    report = troubled_run().report()
    assert report.meta[3] == ("started at", "2026-11-23T02:00:00Z")
    assert report.title == "Function calling: support nightly"
