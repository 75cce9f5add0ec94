"""Two scored runs side by side: which cases they share, and what became of them. Pure.

Cases are joined by content, so a case that was renamed is the same and one that was changed is not. What only one
of the runs has is listed and never mixed in. A figure about a case is its mean over what was measured of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import polars as pl

from fceval.stats.paired import ALPHA, MATTERS, Paired, Verdict, holm, paired, verdict_of

By: TypeAlias = Literal["category", "tag", "tool", "argument"]
BYS: tuple[By, ...] = ("category", "tag", "tool", "argument")
"""What a comparison can be sliced by."""


@dataclass(frozen=True, slots=True)
class Side:
    """One variant of a scored run."""

    scores: pl.LazyFrame
    """Rows of `fceval.rows.Score`."""
    calls: pl.LazyFrame
    """Rows of `fceval.rows.CallFact`."""
    arguments: pl.LazyFrame
    """Rows of `fceval.rows.ArgumentFact`."""


@dataclass(frozen=True, slots=True)
class Matching:
    """Which cases of two runs are the same."""

    pairs: pl.DataFrame
    """`base_case` and `new_case`, sorted by the latter."""
    added: tuple[str, ...]
    """Cases of the new run only."""
    removed: tuple[str, ...]
    """Cases of the base run only."""
    changed: tuple[str, ...]
    """Cases of both by name whose content differs."""


@dataclass(frozen=True, slots=True)
class SliceComparison:
    """The comparison of one group of cases."""

    scope: By
    group: str
    found: Paired
    p_adjusted: float
    """Of `found`, adjusted for the number of groups in the scope (Holm)."""
    verdict: Verdict
    """By `p_adjusted`: where many groups are looked at, one of them always looks bad."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """What became of the cases that two runs share."""

    matching: Matching
    overall: Paired | None
    """None where no shared case was measured in both."""
    slices: tuple[SliceComparison, ...]
    flows: pl.DataFrame
    """`base_outcome`, `new_outcome`, `responses`: the same trial and turn in both."""
    flipped: pl.DataFrame
    """Shared cases whose mean changed, the worst fall first: `base_case`, `new_case`, `base_mean`, `new_mean`; then a
    pair of responses that shows it: `turn`, `base_trial`, `new_trial`, `base_outcome`, `new_outcome` (null where no
    two responses to one turn differ in this way)."""
    amounts: pl.DataFrame
    """`metric`, `base`, `new` over responses measured in both: latencies in seconds, tokens, costs in USD."""


def compare(base: Side, new: Side, by: Sequence[By] = (), alpha: float = ALPHA, matters: float = MATTERS) -> Comparison:
    """Compare two runs over the cases that they share.

    Args:
        base: What is compared with.
        new: What is compared.
        by: Scopes to compare group by group as well.
        alpha: Level of the verdicts.
        matters: What a comparison must be able to see not to be called underpowered, in [0, 1].
    """
    matching = match(base.scores, new.scores)
    means = _joined(_case_means(base.scores, "passed"), _case_means(new.scores, "passed"), matching)
    together = _responses(base.scores, new.scores, matching)
    return Comparison(
        matching=matching,
        overall=_paired(means, alpha, matters),
        slices=tuple(each for scope in by for each in _sliced(scope, base, new, matching, alpha, matters)),
        flows=_flows(together),
        flipped=_flipped(means, base.scores, new.scores),
        amounts=_amounts(together),
    )


def match(base: pl.LazyFrame, new: pl.LazyFrame) -> Matching:
    """Return which cases are the same: by content and name first, then by content in the order of names."""
    cases = [
        scores.select("case_id", "content_hash").unique().sort("case_id").collect(engine="streaming")
        for scores in (base, new)
    ]
    before, after = cases
    same = before.join(after, on=["case_id", "content_hash"]).select(
        "content_hash", base_case="case_id", new_case="case_id"
    )
    rest = [
        side.join(same, left_on=["case_id", "content_hash"], right_on=[name, "content_hash"], how="anti").with_columns(
            rank=pl.col("case_id").rank("ordinal").over("content_hash")
        )
        for side, name in ((before, "base_case"), (after, "new_case"))
    ]
    renamed = (
        rest[0]
        .join(rest[1], on=["content_hash", "rank"], suffix="_new")
        .select("content_hash", base_case="case_id", new_case="case_id_new")
    )
    pairs = pl.concat([same, renamed]).select("base_case", "new_case").sort("new_case")
    only_base = set(before["case_id"]) - set(pairs["base_case"])
    only_new = set(after["case_id"]) - set(pairs["new_case"])
    return Matching(
        pairs=pairs,
        added=tuple(sorted(only_new - only_base)),
        removed=tuple(sorted(only_base - only_new)),
        changed=tuple(sorted(only_base & only_new)),
    )


def _case_means(rows: pl.LazyFrame, hit: str, *groups: str) -> pl.LazyFrame:
    """Return the mean of a yes or no per case (and group); cases in which nothing was observed have none."""
    return (
        rows.group_by(*groups, "case_id")
        .agg(mean=pl.col(hit).mean(), observed=pl.col(hit).count())
        .filter(pl.col("observed") > 0)
        .drop("observed")
    )


def _joined(base: pl.LazyFrame, new: pl.LazyFrame, matching: Matching, *groups: str) -> pl.DataFrame:
    """Return `base_case`, `new_case`, `base_mean`, `new_mean` (and groups) of the cases observed in both."""
    return (
        matching.pairs.lazy()
        .join(base.rename({"mean": "base_mean"}), left_on="base_case", right_on="case_id")
        .join(new.rename({"mean": "new_mean"}), left_on=["new_case", *groups], right_on=["case_id", *groups])
        .sort(*groups, "new_case")
        .collect(engine="streaming")
    )


def _paired(means: pl.DataFrame, alpha: float, matters: float) -> Paired | None:
    if means.is_empty():
        return None
    return paired(means["base_mean"].to_list(), means["new_mean"].to_list(), alpha, matters)


def _sliced(  # noqa: PLR0913, PLR0917 -- a scope of a comparison, and the comparison's own arguments
    scope: By, base: Side, new: Side, matching: Matching, alpha: float, matters: float
) -> list[SliceComparison]:
    means = _joined(_grouped(scope, base), _grouped(scope, new), matching, "group")
    groups = means.partition_by("group", as_dict=True, maintain_order=True)
    found = [(str(group), each) for (group,), rows in groups.items() if (each := _paired(rows, alpha, matters))]
    adjusted = holm([each.p_value for _, each in found])
    return [
        SliceComparison(scope, group, each, p, verdict_of(each.difference, p, each.detectable, alpha, matters))
        for (group, each), p in zip(found, adjusted, strict=True)
    ]


def _grouped(scope: By, side: Side) -> pl.LazyFrame:
    """Return the means per case and group: of responses that passed, of expected calls or arguments that are right."""
    match scope:
        case "category":
            return _case_means(side.scores.with_columns(group="category"), "passed", "group")
        case "tag":
            tagged = side.scores.with_columns(group=pl.col("tags").list.unique()).explode("group").drop_nulls("group")
            return _case_means(tagged, "passed", "group")
        case "tool":
            wanted = side.calls.filter(pl.col("expected_index").is_not_null())
            rows = wanted.with_columns(group="tool", right=pl.col("fault").is_null())
        case "argument":
            name = pl.concat_str("tool", pl.lit("."), "argument")
            rows = side.arguments.with_columns(group=name, right=pl.col("fault").is_null())
    return _case_means(rows, "right", "group")


def _responses(base: pl.LazyFrame, new: pl.LazyFrame, matching: Matching) -> pl.LazyFrame:
    """Return the responses to shared cases side by side, by trial and turn; columns of the new run end in `_new`."""
    shared = base.join(matching.pairs.lazy(), left_on="case_id", right_on="base_case")
    on = ["trial", "turn"]
    return shared.join(new, left_on=["new_case", *on], right_on=["case_id", *on], suffix="_new")


def _flows(together: pl.LazyFrame) -> pl.DataFrame:
    return (
        together.group_by(base_outcome="outcome", new_outcome="outcome_new")
        .agg(responses=pl.len())
        .sort("responses", "base_outcome", "new_outcome", descending=[True, False, False])
        .collect(engine="streaming")
    )


def _flipped(means: pl.DataFrame, base: pl.LazyFrame, new: pl.LazyFrame) -> pl.DataFrame:
    change = pl.col("new_mean") - pl.col("base_mean")
    flipped = means.filter(change != 0)
    pairs = flipped.lazy().with_columns(fell=change < 0)
    for name, scores in (("base", base), ("new", new)):
        told = scores.filter("measured").select(
            "turn", **{f"{name}_{each}": each for each in ("case_id", "trial", "outcome", "passed")}
        )
        on = ["turn"] if name == "new" else []
        pairs = pairs.join(told, left_on=[f"{name}_case", *on], right_on=[f"{name}_case_id", *on])
    shown = (
        pairs.filter(pl.col("base_passed") == pl.col("fell"), pl.col("new_passed") != pl.col("fell"))
        .sort(pl.col("base_trial") != pl.col("new_trial"), "turn", "base_trial", "new_trial")
        .group_by("new_case", maintain_order=True)
        .first()
        .select("new_case", "turn", "base_trial", "new_trial", "base_outcome", "new_outcome")
        .collect()
    )
    return flipped.join(shown, on="new_case", how="left").sort(change, pl.col("new_case"))


def _amounts(together: pl.LazyFrame) -> pl.DataFrame:
    measured = together.filter(pl.col("measured") & pl.col("measured_new"))
    rows = []
    for metric, column, total in (
        ("latency_p50_s", "latency_s", False),
        ("ttft_p50_s", "ttft_s", False),
        ("prompt_tokens", "prompt_tokens", True),
        ("completion_tokens", "completion_tokens", True),
        ("cost_usd", "cost_usd", True),
    ):
        # What only one of them tells (a price, a token count) is no difference between them.
        told = measured.filter(pl.col(column).is_not_null() & pl.col(f"{column}_new").is_not_null())
        values = [pl.col(column), pl.col(f"{column}_new")]
        base, new, n = (
            told.select(*(value.sum() if total else value.median() for value in values), pl.len().alias("n"))
            .collect(engine="streaming")
            .row(0)
        )
        rows.append((metric, float(base) if n else None, float(new) if n else None, n))
    schema = {"metric": pl.String, "base": pl.Float64, "new": pl.Float64, "responses": pl.Int64}
    return pl.DataFrame(rows, schema=schema, orient="row")
