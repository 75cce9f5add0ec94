"""The rows of the tables: what is judged and counted, in the order in which it appears in the line.

response fact -> call fact -> argument fact -> score -> metric. All hold plain values, because `fceval.tables` derives
its schemas from them; and all are named tuples, because an answer has many, and a tuple is made and turned into columns
at a fraction of what a dataclass takes. The tables of responses begin alike: with the key, and the commonest group.
"""

from __future__ import annotations

from typing import NamedTuple


class ResponseFact(NamedTuple):
    """One row per response: what is known of it before its calls are compared."""

    case_id: str
    variant: str
    trial: int
    turn: int
    category: str
    tags: list[str]
    content_hash: str
    failure: str | None
    """Outcome of a response that was not measured; None where it was."""
    failure_detail: str | None
    """For a person: what went wrong on the wire, or why an attempted call is unusable."""
    wanted: str
    """`calls`, `none` or `any`."""
    alternative: int
    """Index of the expected call list that the answer was held against."""
    expected_calls: int
    predicted_calls: int
    unusable_calls: int
    """Calls whose arguments are no JSON object, and attempts that are no call at all."""
    refused: bool
    """The model refused in so many words, and called nothing."""
    cut_off: bool
    """The token limit ended the answer."""
    has_text: bool
    latency_s: float | None
    ttft_s: float | None
    prompt_tokens: int | None
    completion_tokens: int | None
    cost_usd: float | None
    attempts: int
    retried_429: int
    """Attempts that were answered with 429."""
    irregularities: list[str]
    served_model: str | None
    finish_reason: str | None
    bfcl_outcome: str | None = None
    bfcl_error_type: str | None = None
    """Both by BFCL's rules; None under the native ones."""
    first_call_s: float | None = None
    """Seconds to the first streamed piece of a tool call."""
    requests: int = 1
    """What `attempts` were made for: one request, more where the turn was asked in steps, 0 where none was sent."""


class CallFact(NamedTuple):
    """One row per pair of an expected and a predicted call, and per call that found no partner."""

    case_id: str
    variant: str
    trial: int
    turn: int
    category: str
    pair: int
    """Numbers the pairs of one response, from 0."""
    expected_index: int | None
    """Position in `expected`; None for an extra call."""
    predicted_index: int | None
    """Position in the answer; None for a missing call."""
    tool: str
    """The expected tool; the predicted one for an extra call."""
    predicted_tool: str | None
    fault: str | None
    """`missing_call`, `extra_call`, `unknown_tool`, `wrong_tool`, `unparsable_call`, or the first argument fault."""
    selected: bool
    """Expected and predicted name the same tool."""
    arguments_ok: bool | None
    """None unless `selected`."""
    strict_ok: bool | None
    """Arguments equal without any rule; None unless `selected`."""
    schema_valid: bool | None
    """The predicted arguments fit the tool's schema; None where there are none or the tool is unknown."""
    ignored: bool
    """An extra call that the case allows: not counted."""
    expected_arguments: str | None
    """JSON text."""
    predicted_arguments: str | None
    """Verbatim."""
    credit: float = 0.0
    """Share of its arguments that are right, in [0, 1]; 0 for another tool, or without a partner."""


class ArgumentFact(NamedTuple):
    """One row per argument of a pair that names the same tool."""

    case_id: str
    variant: str
    trial: int
    turn: int
    category: str
    pair: int
    tool: str
    argument: str
    path: str
    """JSON path of the first difference, or of the argument."""
    fault: str | None
    """`missing_argument`, `unexpected_argument`, `wrong_type`, `wrong_value`; None where it passed."""
    rule: str | None
    """What a pass needed: `exact`, or rules of leniency and matchers, joined by `+`; None where it failed."""
    expected: str | None
    """JSON text; None for an unexpected argument."""
    predicted: str | None
    """JSON text; None for a missing argument."""


class Score(NamedTuple):
    """One row per (case_id, variant, trial, turn): the verdict."""

    case_id: str
    variant: str
    trial: int
    turn: int
    category: str
    tags: list[str]
    content_hash: str
    outcome: str
    """The first that applies of `fceval.scoring.verdict.OUTCOMES`."""
    measured: bool
    """The model got to answer."""
    passed: bool | None
    """None where not measured."""
    passed_strict: bool | None
    """Passed without any rule of leniency; None where not measured."""
    selection_ok: bool | None
    """The right tools, each as often as wanted; None where not measured."""
    arguments_ok: bool | None
    """Every argument right; None where not measured or no pair names the same tool."""
    latency_s: float | None
    ttft_s: float | None
    prompt_tokens: int | None
    completion_tokens: int | None
    cost_usd: float | None
    irregularities: list[str]
    attempts: int
    retried_429: int
    expected_calls: int
    predicted_calls: int
    wanted: str
    alternative: int
    failure_detail: str | None
    served_model: str | None
    finish_reason: str | None
    bfcl_error_type: str | None
    first_call_s: float | None
    """Seconds to the first streamed piece of a tool call."""
    passed_repaired: bool | None
    """The verdict had `repairs` been made; `passed` where there are none, None where not measured."""
    repairs: list[str]
    """Codes of `fceval.irregularities` that repair would undo (or did, under `repair = "apply"`)."""
    requests: int
    """What `attempts` were made for: one request, more where the turn was asked in steps, 0 where none was sent."""


class MetricRow(NamedTuple):
    """One number of a report."""

    variant: str
    """What it is about; empty where it is about all variants of the run together."""
    scope: str
    """`run`, `category`, `tag`, `tool`, `argument` or `turn`."""
    group: str
    """The category, tag ... ; empty for scope `run`."""
    metric: str
    """A name of `fceval.stats.metrics`."""
    value: float | None
    """None where nothing was measured."""
    n: int
    """How many observations it rests on."""
    low: float | None
    """Lower end of the 95 % interval; None where the metric has none."""
    high: float | None
    """Upper end."""
