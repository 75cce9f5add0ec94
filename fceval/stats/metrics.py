"""Every metric: one named polars expression and one line that says what it means.

Whether the model was right is asked of measured responses only: what the endpoint did not answer is in no numerator
and no denominator of a quality metric, and shows as coverage. A metric without an observation has no value.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import polars as pl

from fceval.rows import MetricRow
from fceval.scoring.verdict import OUTCOMES
from fceval.stats.aggregate import Amount, Metric, Quantile, Rate, Slice, Sums, TableName, quantile_rows
from fceval.stats.batches import ROWS, Batch, whole_cases
from fceval.stats.irregularities import irregularity_rows
from fceval.stats.pace import VARIANT as ALL_VARIANTS
from fceval.stats.repeats import repeat_rows
from fceval.tables import KEY_COLUMNS, METRICS, frame

SCOPES = ("run", "category", "tag", "tool", "argument", "turn", "irregularity")
"""What the rows of `metrics.parquet` are about, in their order."""

CALL_FAULTS = ("unparsable_call", "unexpected_call", "missing_call", "extra_call", "unknown_tool", "wrong_tool")
ARGUMENT_FAULTS = ("missing_argument", "unexpected_argument", "wrong_type", "wrong_value")

_measured = pl.col("measured")
_passed = pl.col("passed")
_latency = pl.col("latency_s").filter(_measured)
_ttft = pl.col("ttft_s").filter(_measured)
_first_call = pl.col("first_call_s").filter(_measured)
_sent = pl.col("attempts") > 0
# Floating-point sums depend on the order of the rows; whole trillionths of a dollar do not.
_TRILLION = 1e12
_trillionths_usd = (pl.col("cost_usd") * _TRILLION).round().cast(pl.Int64)
_PARTS = 1e11  # nor do parts as small as these of a call's credit; 64 bits hold the sum of 90 million calls
_credit_parts = (pl.col("credit") * _PARTS).round().cast(pl.Int64)

# Columns that `_judged_calls` adds.
_wanted = pl.col("is_expected")
_made = pl.col("is_predicted")
_right = pl.col("is_right")


def _when(condition: pl.Expr, hit: pl.Expr) -> pl.Expr:
    return pl.when(condition).then(hit)


def _quantiles(name: str, of: str, seconds: pl.Expr) -> tuple[Quantile, ...]:
    return tuple(
        Quantile(
            f"{name}_p{percent}_s",
            f"{of}: {percent}% of measured responses were at least this fast",
            "scores",
            seconds,
            percent / 100,
            "seconds",
        )
        for percent in (50, 90, 99)
    )


TABLE: tuple[Metric, ...] = (
    Rate("accuracy", "Share of measured responses that passed", "scores", _when(_measured, _passed)),
    Rate(
        "strict_accuracy",
        "Share of measured responses that passed without any rule of leniency",
        "scores",
        _when(_measured, pl.col("passed_strict")),
    ),
    Rate(
        "repaired_accuracy",
        "Share of measured responses that pass once the flaws are undone that repair can undo",
        "scores",
        _when(_measured, pl.col("passed_repaired")),
    ),
    Rate(
        "dialogue_accuracy",
        "Share of dialogues that passed in every turn, of those measured in every turn",
        "dialogues",
        _when(_measured, _passed),
    ),
    Rate("coverage", "Share of planned responses that were measured", "scores", _measured, estimated=False),
    Rate(
        "worst_case",
        "Accuracy if every response that was not measured had failed",
        "scores",
        _measured & _passed.fill_null(value=False),
        estimated=False,
    ),
    Rate(
        "best_case",
        "Accuracy if every response that was not measured had passed",
        "scores",
        ~_measured | _passed.fill_null(value=False),
        estimated=False,
    ),
    Amount("planned", "Responses that the run was to get", "scores", pl.len(), pl.len()),
    Amount("measured", "Responses in which the model got to answer", "scores", _measured.sum(), pl.len()),
    Amount("passed", "Responses that passed", "scores", (_measured & _passed).sum(), pl.len()),
    Rate(
        "tool_selection_accuracy",
        "Share of measured responses that call the right tools, each as often as wanted (none where none is)",
        "scores",
        _when(_measured, pl.col("selection_ok")),
    ),
    Rate(
        "tool_selection_accuracy_per_call",
        "Share of expected calls that were answered with a call of the same tool",
        "calls",
        _when(_wanted, pl.col("selected")),
    ),
    Rate(
        "argument_accuracy_per_call",
        "Share of calls of the right tool in which every argument is right",
        "calls",
        pl.col("arguments_ok"),
    ),
    Rate(
        "argument_accuracy_per_argument",
        "Share of arguments, expected or made up, that are right in calls of the right tool",
        "arguments",
        pl.col("fault").is_null(),
    ),
    Rate(
        "schema_valid_rate",
        "Share of calls of offered tools whose arguments fit the tool's schema",
        "calls",
        _when(_made, pl.col("schema_valid")),
    ),
    Rate("call_precision", "Share of predicted calls that are right", "calls", _when(_made, _right)),
    Rate("call_recall", "Share of expected calls that were made, and made right", "calls", _when(_wanted, _right)),
    Amount(
        "call_f1",
        "Harmonic mean of call precision and call recall",
        "calls",
        2 * _right.sum(),
        _made.sum() + _wanted.sum(),
        "rate",
        averaged=True,
    ),
    Amount(
        "partial_credit",
        "Share of the arguments that are right, averaged over calls; a call missing or too many has 0",
        "calls",
        _credit_parts.filter(_wanted | _made).sum(),
        (_wanted | _made).sum(),
        "rate",
        _PARTS,
        averaged=True,
    ),
    Amount("expected_calls", "Calls that the measured cases expect", "calls", _wanted.sum(), pl.len()),
    Amount("predicted_calls", "Calls that the model made", "calls", _made.sum(), pl.len()),
    Rate(
        "irrelevance_accuracy",
        "Share of measured responses that passed where no call is wanted",
        "scores",
        _when(_measured & (pl.col("wanted") == "none"), _passed),
    ),
    *_quantiles("latency", "Time to the whole response", _latency),
    *_quantiles("ttft", "Time to the first streamed token", _ttft),
    *_quantiles("first_call", "Time to the first streamed piece of a tool call", _first_call),
    *(
        Amount(
            f"{side}_tokens",
            f"{side.capitalize()} tokens, as far as the endpoint reported them",
            "scores",
            pl.col(f"{side}_tokens").sum(),
            pl.col(f"{side}_tokens").count(),
            "tokens",
        )
        for side in ("prompt", "completion")
    ),
    Amount(
        "cost_usd",
        "Cost of the responses whose price is known",
        "scores",
        _trillionths_usd.sum(),
        pl.col("cost_usd").count(),
        "usd",
        _TRILLION,
    ),
    Amount(
        "rate_limited_responses",
        "HTTP answers with status 429, retried ones included",
        "scores",
        pl.col("retried_429").filter(_sent).sum(),
        _sent.sum(),
    ),
    Amount(
        "retries",
        "HTTP attempts beyond the first of each request",
        "scores",
        (pl.col("attempts") - pl.col("requests")).filter(_sent).sum(),
        _sent.sum(),
    ),
    *(
        Amount(
            f"outcome:{outcome}",
            f"Responses with outcome {outcome}",
            "scores",
            (pl.col("outcome") == outcome).sum(),
            pl.len(),
        )
        for outcome in OUTCOMES
    ),
    *(
        Amount(f"fault:{fault}", f"Calls with fault {fault}", "calls", (pl.col("fault") == fault).sum(), pl.len())
        for fault in CALL_FAULTS
    ),
    *(
        Amount(
            f"fault:{fault}", f"Arguments with fault {fault}", "arguments", (pl.col("fault") == fault).sum(), pl.len()
        )
        for fault in ARGUMENT_FAULTS
    ),
)
"""Every metric but those of repeated trials, in the order of `metrics.parquet`."""

BY_NAME = {metric.name: metric for metric in TABLE}


_ADDED_UP = ("prompt_tokens", "completion_tokens", "cost_usd")
"""What is told of the run as a whole, too, where it was asked of an endpoint."""


def measure(
    scores: pl.LazyFrame,
    calls: pl.LazyFrame,
    arguments: pl.LazyFrame,
    *,
    pace: Sequence[MetricRow] = (),
    batch_rows: int = ROWS,
) -> pl.DataFrame:
    """Return every metric of a run, per variant: no accuracy is ever pooled over variants.

    Args:
        scores: Rows of `fceval.rows.Score`, one per (case_id, variant, trial, turn).
        calls: Rows of `fceval.rows.CallFact`.
        arguments: Rows of `fceval.rows.ArgumentFact`.
        pace: How the run was paced (`fceval.stats.pace`); empty where no endpoint was asked.
        batch_rows: As `fceval.stats.batches.whole_cases` has it; the numbers are the same whatever it is.

    Returns:
        Rows of `fceval.rows.MetricRow`, sorted by variant, scope, group and metric: scopes `run`, `category`,
        `tag`, `tool`, `argument` (its group is `tool.argument`), where there are several turns `turn`, and
        `irregularity` (its groups are codes of `fceval.irregularities`, its one metric is `responses`). Rows of the
        run as a whole come first: their variant is empty, and they are the pace, and tokens and cost added up.
    """
    most = scores.select(pl.col("trial", "turn").max(), tags=pl.col("tags").list.len().max())
    extent = most.collect(engine="streaming").row(0, named=True)
    scopes = ("category", *(("tag",) if extent["tags"] else ()), *(("turn",) if extent["turn"] else ()))
    sums = Sums(TABLE)
    for batch in whole_cases(scores.drop(_NOT_COUNTED), calls.drop(_SAID), arguments.drop(_COMPARED), batch_rows):
        sums.add(_slices(batch, scopes))
    sums.add_up("category", "run")
    rows = list(sums.rows())
    for scope in ("run", *scopes):
        rows += quantile_rows(_slice(scope, "scores", scores), TABLE)
    rows += _unobserved(rows)
    if pace:
        rows += [*pace, *_added_up(rows)]
    rows += irregularity_rows(scores)
    if extent["trial"]:
        for scope in ("run", "category", "tag"):
            rows += repeat_rows(scope, _grouped(scope, scores), extent["trial"] + 1)
    return _sorted(rows)


_NOT_COUNTED = ("content_hash", "irregularities", "failure_detail", "served_model", "finish_reason", "repairs")
_SAID = ("expected_arguments", "predicted_arguments")
_COMPARED = ("path", "rule", "expected", "predicted")
"""Columns that no metric looks at, and most of what the tables hold."""


def _slices(batch: Batch, scopes: Sequence[str]) -> list[Slice]:
    """Return some cases as all scopes see them."""
    scores = batch.scores.with_columns(_CASE, _KEY)
    measured = scores.filter("measured")
    calls, arguments = (_judged(facts, measured) for facts in (batch.calls, batch.arguments))
    if "tag" in scopes:
        calls, arguments = (facts.join(measured.select("key", "tags"), on="key") for facts in (calls, arguments))
    tables: dict[TableName, pl.LazyFrame] = {
        "scores": scores.lazy(),
        "calls": _counted_calls(calls, measured.filter(wanted="any")).lazy(),
        "arguments": arguments.lazy(),
        **({"dialogues": _dialogues(scores.lazy())} if "turn" in scopes else {}),
    }
    return [
        *(
            _slice(scope, name, rows)
            for name, rows in tables.items()
            for scope in scopes
            if f"{name} {scope}" != "dialogues turn"
        ),
        _slice("tool", "calls", _calls_by_tool(tables["calls"])),
        _slice("tool", "arguments", tables["arguments"]),
        _slice("argument", "arguments", tables["arguments"]),
    ]


_CASE = pl.col("case_id").hash().alias("case")
_KEY = pl.struct(KEY_COLUMNS).hash().alias("key")
"""Tell the cases and responses of a batch apart in less time than their names would."""


def _unobserved(rows: Sequence[MetricRow]) -> list[MetricRow]:
    """Return the metrics of whole runs that no row of a table speaks of, as where no call was wanted or made."""
    seen = {(row.variant, row.metric) for row in rows if row.scope == "run"}
    variants = sorted({variant for variant, _ in seen})
    return [
        MetricRow(variant, "run", "", name, None, 0, None, None)
        for variant in variants
        for name in BY_NAME
        if (variant, name) not in seen
    ]


def _added_up(rows: Sequence[MetricRow]) -> Iterator[MetricRow]:
    for name in _ADDED_UP:
        known = [row for row in rows if row.scope == "run" and row.metric == name and row.value is not None]
        total = math.fsum(row.value for row in known if row.value is not None) if known else None
        yield MetricRow(ALL_VARIANTS, "run", "", name, total, sum(row.n for row in known), None, None)


def _judged(facts: pl.DataFrame, measured: pl.DataFrame) -> pl.DataFrame:
    return facts.with_columns(_CASE, _KEY).filter(_is_of(measured)).drop("case_id", "trial")


def _counted_calls(calls: pl.DataFrame, any_wanted: pl.DataFrame) -> pl.DataFrame:
    # Where any call will do there are no expected calls to hold the predicted ones against.
    listed = ~_is_of(any_wanted)
    return calls.filter(~pl.col("ignored")).with_columns(
        is_expected=listed & pl.col("expected_index").is_not_null(),
        is_predicted=listed & pl.col("predicted_index").is_not_null(),
        is_right=listed & pl.col("selected") & pl.col("arguments_ok").fill_null(value=False),
    )


def _is_of(responses: pl.DataFrame) -> pl.Expr:
    return pl.col("key").is_in(responses["key"].implode())


def _dialogues(scores: pl.LazyFrame) -> pl.LazyFrame:
    """Return a row per dialogue: measured and passed where all of its turns are."""
    whole = pl.col("measured").all()
    return scores.group_by("case", "variant", "trial").agg(
        pl.col("category", "tags").first(), whole, (pl.col("passed").all() & whole)
    )


def _calls_by_tool(calls: pl.LazyFrame) -> pl.LazyFrame:
    """Return the calls with `tool` as the one they count for: a wrong tool is missed by one and made up by another."""
    same = pl.col("tool").eq_missing(pl.col("predicted_tool"))
    nothing = pl.lit(None, dtype=pl.Boolean)
    return pl.concat(
        [
            calls.with_columns(is_predicted=_made & same, schema_valid=_when(same, pl.col("schema_valid"))),
            calls.filter(~same & pl.col("predicted_tool").is_not_null()).with_columns(
                tool=pl.col("predicted_tool"),
                is_expected=pl.lit(value=False),
                arguments_ok=nothing,
                fault=pl.lit(None, dtype=pl.String),
            ),
        ]
    )


def _slice(scope: str, table: TableName, rows: pl.LazyFrame) -> Slice:
    return Slice(scope, table, _grouped(scope, rows))


def _grouped(scope: str, rows: pl.LazyFrame) -> pl.LazyFrame:
    """Return the rows with a column `group`; a response with several tags stands in each of their groups."""
    match scope:
        case "run":
            return rows.with_columns(group=pl.lit(""))
        case "tag":
            return rows.with_columns(group=pl.col("tags").list.unique()).explode("group").drop_nulls("group")
        case "argument":
            return rows.with_columns(group=pl.concat_str("tool", pl.lit("."), "argument"))
        case _:
            return rows.with_columns(group=pl.col(scope).cast(pl.String))


def _sorted(rows: Sequence[MetricRow]) -> pl.DataFrame:
    # Turns are numbers written as text: the longer is the greater.
    turn_digits = pl.when(pl.col("scope") == "turn").then(pl.col("group").str.len_bytes()).otherwise(0)
    order = {name: position for position, name in enumerate(BY_NAME)}
    position = pl.col("metric").replace_strict(order, default=len(order))
    scope = pl.col("scope").replace_strict({name: at for at, name in enumerate(SCOPES)})
    return frame(rows, METRICS).sort("variant", scope, turn_digits, "group", position, maintain_order=True)
