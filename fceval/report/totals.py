"""`summary.json`: the totals of a run, for scripts.

Keys at the top, stable within a format version: `format_version name model base_url started_at`, the numbers
`planned measured passed accuracy accuracy_low accuracy_high strict_accuracy repaired_accuracy coverage worst_case
best_case`, `outcomes` (name to count), `irregularities` (code to number of responses, those that were seen),
`metrics` (name to value, n, low, high), `by_category` (name to numbers and outcomes), and `variants`: a list of objects
with `variant` and all of these numbers. Where there are several variants the numbers at the top are sums of counts,
and null or empty for everything that must not be pooled. `pace`, at the top alone, is about the run as a whole: how it
was paced, and its tokens and cost over all variants (name to value, n, low, high; the names are those of
`fceval.stats.pace`); empty where no endpoint was asked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from fceval.irregularities import IRREGULARITIES
from fceval.records import Json, JsonObject
from fceval.report.numbers import Numbers
from fceval.scoring.verdict import OUTCOMES
from fceval.stats.irregularities import METRIC, SCOPE
from fceval.stats.pace import VARIANT as ALL_VARIANTS

FORMAT_VERSION = 1
"""Of `summary.json`."""

_RATES = ("strict_accuracy", "repaired_accuracy", "coverage", "worst_case", "best_case")


def summary_document(meta: Mapping[str, str], metrics: pl.DataFrame) -> JsonObject:
    """Return the totals of a run.

    Args:
        meta: What was run; `name`, `model`, `base_url` and `started_at` are taken from it, null where absent.
        metrics: As `fceval.stats.metrics.measure` returns them.
    """
    numbers = Numbers(metrics)
    return {
        "format_version": FORMAT_VERSION,
        **{name: meta.get(name) for name in ("name", "model", "base_url", "started_at")},
        **_totals(numbers, numbers.variants),
        "pace": {name: _metric(numbers, ALL_VARIANTS, name) for name in numbers.shared},
        "variants": [{"variant": variant, **_totals(numbers, [variant])} for variant in numbers.variants],
    }


def _totals(numbers: Numbers, variants: Sequence[str]) -> dict[str, Json]:
    return {
        **_counts_and_rates(numbers, variants, "run", ""),
        "irregularities": {
            code: count
            for code in sorted(numbers.groups(SCOPE), key=_position)
            if (count := sum(numbers.count(variant, METRIC, SCOPE, code) for variant in variants))
        },
        "metrics": {name: _metric(numbers, variants[0], name) for name in numbers.names} if len(variants) == 1 else {},
        "by_category": {
            category: _counts_and_rates(numbers, variants, "category", category)
            for category in numbers.groups("category")
        },
    }


def _counts_and_rates(numbers: Numbers, variants: Sequence[str], scope: str, group: str) -> dict[str, Json]:
    def total(metric: str) -> int:
        return sum(numbers.count(variant, metric, scope, group) for variant in variants)

    def rate(metric: str) -> float | None:
        return numbers.value(variants[0], metric, scope, group) if len(variants) == 1 else None

    accuracy = numbers.row(variants[0], "accuracy", scope, group) if len(variants) == 1 else None
    return {
        **{metric: total(metric) for metric in ("planned", "measured", "passed")},
        "accuracy": rate("accuracy"),
        "accuracy_low": accuracy.low if accuracy else None,
        "accuracy_high": accuracy.high if accuracy else None,
        **{metric: rate(metric) for metric in _RATES},
        "outcomes": {outcome: total(f"outcome:{outcome}") for outcome in OUTCOMES},
    }


_ORDER = {code: place for place, code in enumerate(IRREGULARITIES)}


def _position(code: str) -> tuple[int, str]:
    """Return what sorts codes as the table of irregularities does, those of another version of fceval last."""
    return _ORDER.get(code, len(_ORDER)), code


def _metric(numbers: Numbers, variant: str, name: str) -> JsonObject:
    row = numbers.row(variant, name)
    return {
        "value": row.value if row else None,
        "n": row.n if row else 0,
        "low": row.low if row else None,
        "high": row.high if row else None,
    }
