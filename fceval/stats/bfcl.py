"""BFCL's own table, version 4, from the counts of its categories.

Every number that BFCL prints, under the name of its column. A category that was not evaluated counts as 0, with all
of its cases, in every overall number; only the columns made of nothing else show that it is missing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

import polars as pl

CATEGORY_CASES: Mapping[str, int] = {
    "simple_python": 400,
    "simple_java": 100,
    "simple_javascript": 50,
    "multiple": 200,
    "parallel": 200,
    "parallel_multiple": 200,
    "irrelevance": 240,
    "live_simple": 258,
    "live_multiple": 1053,
    "live_parallel": 16,
    "live_parallel_multiple": 24,
    "live_irrelevance": 884,
    "live_relevance": 16,
    "multi_turn_base": 200,
    "multi_turn_miss_func": 200,
    "multi_turn_miss_param": 200,
    "multi_turn_long_context": 200,
    "web_search_base": 100,
    "web_search_no_snippet": 100,
    "memory_kv": 155,
    "memory_vector": 155,
    "memory_rec_sum": 155,
}
"""Number of cases in each category that BFCL scores."""

WEIGHTS: Mapping[str, float] = {"non_live": 0.1, "live": 0.1, "irrelevance": 0.1, "multi_turn": 0.3, "agentic": 0.4}
"""Share of each group in the overall accuracy; relevance has none."""

BfclTables: TypeAlias = dict[str, dict[str, float | None]]
"""Table name (`overall`, `non_live`, `live`, `multi_turn`, `agentic`) to column to accuracy in [0, 1]; None: N/A."""


@dataclass(frozen=True, slots=True)
class Count:
    """How one category went."""

    valid: int
    total: int
    """At least 1."""


@dataclass(frozen=True, slots=True)
class _Accuracy:
    """An accuracy in [0, 1], and whether all that belongs to it was evaluated."""

    value: float
    complete: bool

    @property
    def shown(self) -> float | None:
        """None where something is missing."""
        return self.value if self.complete else None


def counts_of(scores: pl.DataFrame) -> dict[str, Count]:
    """Return the counts of the BFCL categories among the scores of one variant.

    What was not measured is left out, where BFCL counts it as wrong (and, for irrelevance, as right).

    Args:
        scores: Columns `category`, `passed` and `measured`, a row per answer, judged by BFCL's rules.
    """
    counted = (
        scores.filter(pl.col("measured") & pl.col("category").is_in(list(CATEGORY_CASES)))
        .group_by("category", maintain_order=True)
        .agg(pl.col("passed").sum().alias("valid"), pl.len().alias("total"))
    )
    return {category: Count(valid, total) for category, valid, total in counted.iter_rows()}


def bfcl_tables(counts: Mapping[str, Count]) -> BfclTables:
    """Return BFCL's five tables.

    Args:
        counts: By category; one that was not evaluated is not there.
    """
    category = {name: _accuracy(counts.get(name)) for name in CATEGORY_CASES}
    group = _groups(counts, category)
    weighted = sum(weight * group[name].value for name, weight in WEIGHTS.items())
    return {
        "overall": _overall(weighted, category, group),
        "non_live": _non_live(category, group),
        "live": _live(category, group),
        "multi_turn": _multi_turn(category, group),
        "agentic": _agentic(category, group),
    }


def bfcl_by_variant(scores: pl.LazyFrame) -> dict[str, BfclTables]:
    """Return BFCL's tables for each variant of a run judged by BFCL's rules, in the order of their names."""
    rows = scores.select("variant", "category", "passed", "measured").collect(engine="streaming")
    variants = rows["variant"].unique().sort().to_list()
    return {name: bfcl_tables(counts_of(rows.filter(pl.col("variant") == name))) for name in variants}


def percent(accuracy: float | None) -> str:
    """Return an accuracy as BFCL prints it: `53.01%`, or `N/A`."""
    return "N/A" if accuracy is None else f"{accuracy * 100:.2f}%"


def _accuracy(count: Count | None) -> _Accuracy:
    return _Accuracy(count.valid / count.total, complete=True) if count else _Accuracy(0.0, complete=False)


def _groups(counts: Mapping[str, Count], category: Mapping[str, _Accuracy]) -> dict[str, _Accuracy]:
    def mean(*members: _Accuracy) -> _Accuracy:
        value = sum(member.value for member in members) / len(members)
        return _Accuracy(value, complete=all(member.complete for member in members))

    simple = mean(category["simple_python"], category["simple_java"], category["simple_javascript"])
    web_search = mean(category["web_search_base"], category["web_search_no_snippet"])
    memory = mean(category["memory_kv"], category["memory_vector"], category["memory_rec_sum"])
    return {
        "simple": simple,
        "non_live": mean(simple, category["multiple"], category["parallel"], category["parallel_multiple"]),
        "live": _pooled(counts, "live_simple", "live_multiple", "live_parallel", "live_parallel_multiple"),
        "irrelevance": mean(category["irrelevance"], category["live_irrelevance"]),
        "multi_turn": mean(
            category["multi_turn_base"],
            category["multi_turn_miss_func"],
            category["multi_turn_miss_param"],
            category["multi_turn_long_context"],
        ),
        "web_search": web_search,
        "memory": memory,
        "agentic": mean(web_search, memory),
    }


def _pooled(counts: Mapping[str, Count], *categories: str) -> _Accuracy:
    """Return the accuracy over all cases of some categories together."""
    found = [counts.get(name) or Count(0, CATEGORY_CASES[name]) for name in categories]
    value = sum(count.valid for count in found) / sum(count.total for count in found)
    return _Accuracy(value, complete=all(name in counts for name in categories))


def _overall(
    weighted: float, category: Mapping[str, _Accuracy], group: Mapping[str, _Accuracy]
) -> dict[str, float | None]:
    return {
        "Overall Acc": weighted,
        "Non-Live AST Acc": group["non_live"].shown,
        "Non-Live Simple AST": group["simple"].shown,
        "Non-Live Multiple AST": category["multiple"].shown,
        "Non-Live Parallel AST": category["parallel"].shown,
        "Non-Live Parallel Multiple AST": category["parallel_multiple"].shown,
        "Live Acc": group["live"].value,
        "Live Simple AST": category["live_simple"].shown,
        "Live Multiple AST": category["live_multiple"].shown,
        "Live Parallel AST": category["live_parallel"].shown,
        "Live Parallel Multiple AST": category["live_parallel_multiple"].shown,
        "Multi Turn Acc": group["multi_turn"].value,
        "Multi Turn Base": category["multi_turn_base"].shown,
        "Multi Turn Miss Func": category["multi_turn_miss_func"].shown,
        "Multi Turn Miss Param": category["multi_turn_miss_param"].shown,
        "Multi Turn Long Context": category["multi_turn_long_context"].shown,
        "Web Search Acc": group["web_search"].shown,
        "Web Search Base": category["web_search_base"].shown,
        "Web Search No Snippet": category["web_search_no_snippet"].shown,
        "Memory Acc": group["memory"].shown,
        "Memory KV": category["memory_kv"].shown,
        "Memory Vector": category["memory_vector"].shown,
        "Memory Recursive Summarization": category["memory_rec_sum"].shown,
        "Relevance Detection": category["live_relevance"].shown,
        "Irrelevance Detection": group["irrelevance"].shown,
    }


def _non_live(category: Mapping[str, _Accuracy], group: Mapping[str, _Accuracy]) -> dict[str, float | None]:
    return {
        "Non-Live Overall Acc": group["non_live"].value,
        "AST Summary": group["non_live"].shown,
        "Simple AST": group["simple"].shown,
        "Python Simple AST": category["simple_python"].shown,
        "Java Simple AST": category["simple_java"].shown,
        "JavaScript Simple AST": category["simple_javascript"].shown,
        "Multiple AST": category["multiple"].shown,
        "Parallel AST": category["parallel"].shown,
        "Parallel Multiple AST": category["parallel_multiple"].shown,
        "Irrelevance Detection": category["irrelevance"].shown,
    }


def _live(category: Mapping[str, _Accuracy], group: Mapping[str, _Accuracy]) -> dict[str, float | None]:
    return {
        "Live Overall Acc": group["live"].value,
        "AST Summary": group["live"].shown,
        "Python Simple AST": category["live_simple"].shown,
        "Python Multiple AST": category["live_multiple"].shown,
        "Python Parallel AST": category["live_parallel"].shown,
        "Python Parallel Multiple AST": category["live_parallel_multiple"].shown,
        "Irrelevance Detection": category["live_irrelevance"].shown,
        "Relevance Detection": category["live_relevance"].shown,
    }


def _multi_turn(category: Mapping[str, _Accuracy], group: Mapping[str, _Accuracy]) -> dict[str, float | None]:
    return {
        "Multi Turn Overall Acc": group["multi_turn"].value,
        "Base": category["multi_turn_base"].shown,
        "Miss Func": category["multi_turn_miss_func"].shown,
        "Miss Param": category["multi_turn_miss_param"].shown,
        "Long Context": category["multi_turn_long_context"].shown,
    }


def _agentic(category: Mapping[str, _Accuracy], group: Mapping[str, _Accuracy]) -> dict[str, float | None]:
    return {
        "Agentic Overall Acc": group["agentic"].value,
        "Web Search Summary": group["web_search"].shown,
        "Web Search Base": category["web_search_base"].shown,
        "Web Search No Snippet": category["web_search_no_snippet"].shown,
        "Memory Summary": group["memory"].shown,
        "Memory KV": category["memory_kv"].shown,
        "Memory Vector": category["memory_vector"].shown,
        "Memory Recursive Summarization": category["memory_rec_sum"].shown,
    }
