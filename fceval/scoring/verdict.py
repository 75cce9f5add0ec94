"""Fact tables to scores: the one chain that ranks outcomes.

A reader audits a verdict here: `OUTCOMES` is the order of precedence, `_OUTCOME` says when each of them holds.
"""

from __future__ import annotations

import polars as pl

from fceval.tables import KEY_COLUMNS, SCORES

NOT_MEASURED = ("endpoint_error", "timed_out", "rate_limited", "content_filtered", "not_run")
"""The model did not get to answer: neither right nor wrong."""

OUTCOMES = (
    *NOT_MEASURED,
    "truncated",
    "refused",
    "unparsable_call",
    "unexpected_call",
    "missing_call",
    "extra_call",
    "unknown_tool",
    "wrong_tool",
    "missing_argument",
    "unexpected_argument",
    "wrong_type",
    "wrong_value",
    "passed",
)
"""Every outcome; with several faults the first of them is the outcome of a response."""

_CALL_FAULTS = OUTCOMES[OUTCOMES.index("unexpected_call") : -1]


def _has(fault: str) -> pl.Expr:
    return pl.col(f"has_{fault}")


_ANSWERED = (
    pl.when(pl.col("unusable_calls") > 0)
    .then(pl.lit("unparsable_call"))
    .when(_has("unexpected_call"))
    .then(pl.lit("unexpected_call"))
    # "any": some call is wanted, and there is none.
    .when(_has("missing_call") | ((pl.col("wanted") == "any") & (pl.col("predicted_calls") == 0)))
    .then(pl.lit("missing_call"))
    .when(_has("extra_call"))
    .then(pl.lit("extra_call"))
    .when(_has("unknown_tool"))
    .then(pl.lit("unknown_tool"))
    .when(_has("wrong_tool"))
    .then(pl.lit("wrong_tool"))
    .when(_has("missing_argument"))
    .then(pl.lit("missing_argument"))
    .when(_has("unexpected_argument"))
    .then(pl.lit("unexpected_argument"))
    .when(_has("wrong_type"))
    .then(pl.lit("wrong_type"))
    .when(_has("wrong_value"))
    .then(pl.lit("wrong_value"))
    .otherwise(pl.lit("passed"))
)
"""The outcome of an answer by its calls alone."""

_SAID_NOTHING = ~pl.col("has_text") & (pl.col("predicted_calls") == 0)

_OUTCOME = (
    pl.when(pl.col("failure").is_not_null())
    .then(pl.col("failure"))
    .when(pl.col("bfcl_outcome").is_not_null())
    .then(pl.col("bfcl_outcome"))
    # A token limit that cut nothing which was asked for is no fault; one that left nothing at all is.
    .when(pl.col("cut_off") & ((pl.col("answered") != "passed") | _SAID_NOTHING))
    .then(pl.lit("truncated"))
    # Where no call is wanted, a refusal is a way of not calling.
    .when(pl.col("refused") & (pl.col("wanted") != "none"))
    .then(pl.lit("refused"))
    .otherwise(pl.col("answered"))
)
"""The one chain: what kept the model from answering, then what kept the answer from counting, then its calls."""


def scores_of(responses: pl.DataFrame, calls: pl.DataFrame) -> pl.DataFrame:
    """Return one score per response, in the order of `responses`.

    Args:
        responses: Schema `RESPONSE_FACTS`.
        calls: Schema `CALLS`, of the same responses.

    Returns:
        Schema `SCORES`.
    """
    keys = list(KEY_COLUMNS)
    counted = calls.group_by(keys).agg(
        *((pl.col("fault") == fault).any().alias(f"has_{fault}") for fault in _CALL_FAULTS),
        (~pl.col("selected") & ~pl.col("ignored")).any().alias("misselected"),
        pl.col("arguments_ok").all().alias("arguments_ok"),
        pl.col("arguments_ok").is_not_null().any().alias("has_arguments"),
        pl.col("strict_ok").all().alias("strict_ok"),
    )
    flags = [f"has_{fault}" for fault in _CALL_FAULTS]
    passed = pl.col("outcome") == "passed"
    return (
        responses.join(counted, on=keys, how="left", maintain_order="left")
        .with_columns(
            pl.col(*flags, "misselected", "has_arguments").fill_null(value=False),
            pl.col("strict_ok").fill_null(value=True),
        )
        .with_columns(_ANSWERED.alias("answered"))
        .with_columns(_OUTCOME.alias("outcome"), pl.col("failure").is_null().alias("measured"))
        .with_columns(
            pl.when("measured").then(passed).alias("passed"),
            pl.when("measured").then(passed & pl.col("strict_ok")).alias("passed_strict"),
            pl.when("measured").then(_selection_ok()).alias("selection_ok"),
            pl.when(pl.col("measured") & pl.col("has_arguments")).then("arguments_ok").alias("arguments_ok"),
        )
        .with_columns(pl.col("passed").alias("passed_repaired"), pl.lit([], pl.List(pl.String())).alias("repairs"))
        .select(SCORES.names())
        .cast(SCORES)
    )


def with_repairs(scores: pl.DataFrame, repairs: pl.DataFrame, *, applied: bool) -> pl.DataFrame:
    """Return scores that tell what repair would make of them, or did.

    Args:
        scores: As `scores_of` returns them.
        repairs: Key columns, `repairs` (codes) and `passed_repaired`: a row per response that can be repaired.
        applied: The scores are those of the repaired answers; a pass that needed repair is no strict one.

    Returns:
        Schema `SCORES`, in the order of `scores`.
    """
    joined = scores.drop("passed_repaired", "repairs").join(
        repairs, on=list(KEY_COLUMNS), how="left", maintain_order="left"
    )
    untouched = pl.col("repairs").is_null()
    return (
        joined.with_columns(
            pl.when(untouched).then("passed").otherwise("passed_repaired").alias("passed_repaired"),
            pl.col("passed_strict") & (untouched | pl.lit(not applied)),
        )
        .with_columns(pl.col("repairs").fill_null(pl.lit([], pl.List(pl.String()))))
        .select(SCORES.names())
        .cast(SCORES)
    )


def _selection_ok() -> pl.Expr:
    """The right tools, each as often as wanted; a call whose arguments are broken still chose its tool."""
    none_made = (pl.col("wanted") == "any") & (pl.col("predicted_calls") == 0)
    attempted = (pl.col("wanted") == "none") & (pl.col("unusable_calls") > 0)
    return ~(pl.col("misselected") | none_made | attempted)
