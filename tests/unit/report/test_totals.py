"""The keys of `summary.json`, which scripts rely on."""

from __future__ import annotations

import json
from typing import Any, cast

from fceval.report.totals import summary_document
from tests.golden.rows import score, tables
from tests.golden.runs import Run, troubled_run, variants_run

KEYS = [
    *("planned", "measured", "passed"),
    *("accuracy", "accuracy_low", "accuracy_high", "strict_accuracy", "repaired_accuracy"),
    *("coverage", "worst_case", "best_case", "outcomes", "irregularities", "metrics", "by_category"),
]


def _document(run: Run) -> dict[str, Any]:
    document = summary_document(run.meta, run.metrics())
    return cast("dict[str, Any]", json.loads(json.dumps(document, allow_nan=False)))


def test_keys_are_stable() -> None:
    """Those of the docstring, in its order."""
    document = _document(troubled_run())
    assert list(document) == ["format_version", "name", "model", "base_url", "started_at", *KEYS, "pace", "variants"]
    assert list(document["variants"][0]) == ["variant", *KEYS]


def test_numbers_of_one_variant_stand_at_the_top() -> None:
    """With the single variant's numbers again in its own object."""
    document = _document(troubled_run())
    assert (document["planned"], document["measured"], document["passed"]) == (12, 11, 5)
    assert document["accuracy"] == document["variants"][0]["accuracy"] == 5 / 11
    assert document["accuracy_low"] < 5 / 11 < document["accuracy_high"]
    assert document["outcomes"]["timed_out"] == 1
    assert document["by_category"]["simple"]["passed"] == 5
    assert document["metrics"]["retries"] == {"value": 2.0, "n": 12, "low": None, "high": None}


def test_irregularities_are_counted() -> None:
    """In responses, by code, and what repair would let pass beside the headline."""
    document = _document(troubled_run())
    assert list(document["irregularities"].items())[:3] == [
        *(("finish_stop_with_calls", 1), ("args_nested_string", 1), ("sse_comment", 1)),
    ]
    assert document["repaired_accuracy"] == 6 / 11
    assert document["variants"][0]["irregularities"] == document["irregularities"]
    several = _document(variants_run())
    assert several["irregularities"] == {"usage_absent": 8}
    assert [found["irregularities"] for found in several["variants"]] == [{}, {"usage_absent": 8}]


def test_pace_is_told_of_the_run_as_a_whole() -> None:
    """Over all variants, cost and tokens included; empty where no endpoint was asked."""
    pace = _document(troubled_run())["pace"]
    assert pace["requested_rpm"] == {"value": 600.0, "n": 1, "low": None, "high": None}
    assert pace["attempts"] == {"value": 9.0, "n": 9, "low": None, "high": None}
    assert pace["cost_usd"] == {"value": 0.00275, "n": 11, "low": None, "high": None}
    several = _document(variants_run())
    assert several["pace"]["prompt_tokens"]["value"] == 2400
    assert several["pace"]["cost_usd"] == {"value": None, "n": 0, "low": None, "high": None}
    assert _document(Run({}, tables([score("a", attempts=0)]), {}, {}))["pace"] == {}


def test_several_variants_have_sums_and_no_pooled_quality() -> None:
    """Counts add up; accuracies are null at the top and stand with their variants."""
    document = _document(variants_run())
    assert (document["planned"], document["passed"]) == (24, 18)
    assert document["accuracy"] is document["coverage"] is document["by_category"]["simple"]["accuracy"] is None
    assert document["metrics"] == {}
    assert [(found["variant"], found["passed"]) for found in document["variants"]] == [("polite", 10), ("terse", 8)]


def test_unknown_is_null() -> None:
    """Nothing measured, and no model named."""
    document = _document(Run({}, tables([score("a", "not_run")]), {}, {}))
    assert document["model"] is document["accuracy"] is document["accuracy_low"] is None
    assert document["coverage"] == 0
