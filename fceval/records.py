"""Every record of fceval, in the order in which it appears in the line.

case -> dialogue -> request -> attempt -> response -> tool call -> facts -> score -> metric.
All are frozen. The row records hold plain values, because `fceval.tables` derives its schemas from them.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

Json: TypeAlias = bool | int | float | str | Sequence["Json"] | Mapping[str, "Json"] | None
"""A decoded JSON value."""
JsonObject: TypeAlias = Mapping[str, Json]
"""A decoded JSON object."""
Expectation: TypeAlias = Json
"""What is acceptable for one argument: a literal, or ``{"$match": NAME, ...}`` (read by `fceval.scoring.matchers`)."""

_READABLE = json.JSONEncoder(ensure_ascii=False)  # `dumps` would make a new one for each value
_SURROGATES = re.compile("[\ud800-\udfff]")


def canonical_json(value: Json) -> str:
    """Return the one JSON text that equal values share: sorted keys, no spaces, ASCII only."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def json_text(value: Json) -> str:
    """Return JSON as people write it: key order kept, Unicode readable, lone surrogates escaped."""
    text = _READABLE.encode(value)
    return text if text.isascii() or not _SURROGATES.search(text) else json.dumps(value)


# --- read -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Tool:
    """A function that is offered to the model (an entry of OpenAI's `tools`)."""

    name: str
    """What a call names it by."""
    description: str | None
    """What the model is told about it."""
    parameters: JsonObject | None
    """JSON Schema of its arguments; None where the dataset has none (a tool without arguments)."""
    strict: bool | None
    """OpenAI's `strict`; None where the dataset does not say."""
    wire: JsonObject
    """The entry exactly as the dataset wrote it: what is sent."""


@dataclass(frozen=True, slots=True)
class ExpectedCall:
    """One tool call that the dataset wants."""

    name: str
    """The tool's name."""
    arguments: Mapping[str, Expectation]
    """Argument name to what is acceptable for it."""


Expected: TypeAlias = tuple[tuple[ExpectedCall, ...], ...] | Literal["any"]
"""Alternative call lists, one of which is wanted (`((),)`: no call is wanted); ``"any"``: some call is wanted."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What the user says, and what the model should then call."""

    messages: tuple[JsonObject, ...]
    """Messages that this turn adds to the conversation, as they are sent."""
    expected: Expected
    """The calls that are wanted."""
    tool_results: tuple[JsonObject, ...] = ()
    """Scripted answers to the turn's calls: objects with `name`, optional `arguments`, and `content`."""


@dataclass(frozen=True, slots=True)
class Case:
    """One row of a dataset."""

    case_id: str
    """Unique in its dataset."""
    category: str
    """A label for grouping; never decides logic."""
    tools: tuple[Tool, ...]
    """The tools on offer."""
    turns: tuple[Turn, ...]
    """One for a single-turn case."""
    tool_choice: Json
    """Sent as it is; None: not sent."""
    parallel_tool_calls: bool | None
    """Sent as it is; None: not sent."""
    request: JsonObject
    """Body fields that this case adds."""
    order: Literal["any", "strict"] | None
    """Whether calls must come in the order of `expected`; None: as the run's rules say."""
    extra_calls: Literal["forbid", "allow"] | None
    """Whether calls beyond the expected ones are faults; None: as the run's rules say."""
    tags: tuple[str, ...]
    """Labels for slices of a report."""
    fields: JsonObject
    """The row as it was read, unknown fields included: what writing the case back writes."""
    row: int
    """1-based row in its file, for messages."""
    strings: Literal["normalized", "exact"] | None = None
    """Whether case and white space count in free strings; None: as the run's rules say."""

    @property
    def content_hash(self) -> str:
        """Hex sha256 over everything that decides request and verdict; labels and provenance are left out."""
        names = (
            "messages tools expected expected_any_of turns tool_choice parallel_tool_calls request order extra_calls"
        )
        deciding = {
            name: self.fields[name] for name in (*names.split(), "strings") if self.fields.get(name) is not None
        }
        return hashlib.sha256(canonical_json(deciding).encode()).hexdigest()


# --- speak and ask --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, order=True)
class Key:
    """Names one model call; the join key of every table."""

    case_id: str
    variant: str
    """Name of a model x prompt x parameters combination; `default` where the run has one."""
    trial: int
    """Independent repetition of the case, from 0."""
    turn: int
    """User turn within the case, from 0."""
    step: int
    """Model call within the turn, from 0."""


@dataclass(frozen=True, slots=True)
class Request:
    """One question to the endpoint."""

    key: Key
    body: JsonObject
    """The JSON body as it is sent."""

    def fingerprint(self, base_url: str) -> str:
        """Return the hex sha256 of (trial, base URL, body): what must agree for an answer to be used again."""
        return hashlib.sha256(canonical_json([self.key.trial, base_url, self.body]).encode()).hexdigest()


NotMeasured: TypeAlias = Literal["endpoint_error", "timed_out", "rate_limited", "content_filtered", "not_run"]
"""Why the model did not get to answer."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One HTTP try."""

    started_at: str
    """UTC, ISO 8601."""
    latency_s: float
    """From just before the request was written to the last byte of the answer."""
    ttft_s: float | None
    """To the first streamed token; None where nothing was streamed."""
    status: int | None
    """HTTP status; None where no answer came."""
    failure: NotMeasured | None
    """None where the model answered."""
    detail: str = ""
    """For a person: what went wrong."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens as the endpoint reported them; None where it did not."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Response:
    """The final outcome of one request. `message is None` if and only if it was not measured."""

    key: Key
    fingerprint: str
    message: JsonObject | None
    """The assistant message, verbatim."""
    finish_reason: str | None
    """Verbatim; None where absent."""
    usage: Usage
    served_model: str | None
    """The model that the endpoint says answered."""
    irregularities: tuple[str, ...]
    """Codes of what was off on the wire, sorted."""
    attempts: tuple[Attempt, ...]
    """In order; the last one decided. Empty for predictions made elsewhere."""

    @property
    def failure(self) -> NotMeasured | None:
        """Why it was not measured; None where it was."""
        if self.message is not None:
            return None
        return (self.attempts[-1].failure if self.attempts else None) or "not_run"


# --- judge and count ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One call that the model made, decoded as far as it could be."""

    call_id: str | None
    name: str
    arguments: str
    """The arguments as JSON text, verbatim."""
    value: Json
    """The decoded arguments; None with a problem where they could not be decoded."""
    problem: str | None = None
    """Why the call is unusable; None where its arguments are a JSON object."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """An assistant message as calls and text."""

    calls: tuple[ToolCall, ...]
    text: str
    """Content for the user; empty where there is none."""
    refusal: str = ""
    """OpenAI's `refusal`; empty where there is none."""
    problems: tuple[str, ...] = ()
    """Attempts to call that are no usable call and not in `calls`."""


@dataclass(frozen=True, slots=True)
class Row:
    """What every row of a table of responses begins with: its key, and the commonest group."""

    case_id: str
    variant: str
    trial: int
    turn: int
    category: str


@dataclass(frozen=True, slots=True)
class ResponseFact(Row):
    """One row per response: what is known of it before its calls are compared."""

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


@dataclass(frozen=True, slots=True)
class CallFact(Row):
    """One row per pair of an expected and a predicted call, and per call that found no partner."""

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


@dataclass(frozen=True, slots=True)
class ArgumentFact(Row):
    """One row per argument of a pair that names the same tool."""

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


@dataclass(frozen=True, slots=True)
class Score(Row):
    """One row per (case_id, variant, trial, turn): the verdict."""

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
    bfcl_error_type: str | None = None


@dataclass(frozen=True, slots=True)
class MetricRow:
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
