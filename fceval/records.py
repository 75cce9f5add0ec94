"""Every record of fceval, in the order in which it appears in the line.

case -> dialogue -> request -> attempt -> response -> tool call -> facts -> score -> metric.
All are frozen. What each case and each answer is made of are named tuples: a frozen dataclass takes several times as
long to make, and a run makes a dozen of them for each answer.
"""

from __future__ import annotations

import hashlib
import json
import re
from _json import encode_basestring, encode_basestring_ascii, make_encoder
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, TypeAlias

from fceval.identity import OfSame

Json: TypeAlias = bool | int | float | str | Sequence["Json"] | Mapping[str, "Json"] | None
"""A decoded JSON value."""
JsonObject: TypeAlias = Mapping[str, Json]
"""A decoded JSON object."""
Expectation: TypeAlias = Json
"""What is acceptable for one argument: a literal, or ``{"$match": NAME, ...}`` (read by `fceval.scoring.matchers`)."""


class _Encoder(json.JSONEncoder):
    """Keeps what it encodes with: the library makes that anew for each value, which takes as long as most values."""

    def __init__(self, **how: Any) -> None:  # noqa: ANN401 -- as the library has them
        super().__init__(check_circular=False, **how)  # no decoded value holds itself
        strings = encode_basestring_ascii if self.ensure_ascii else encode_basestring
        how_written = (self.key_separator, self.item_separator, self.sort_keys, self.skipkeys, self.allow_nan)
        self._pieces = make_encoder(None, self.default, strings, None, *how_written)

    def encode(self, o: Json) -> str:
        return "".join(self._pieces(o, 0))


_READABLE = _Encoder(ensure_ascii=False)
_CANONICAL = _Encoder(sort_keys=True, separators=(",", ":"))
_SENT = _Encoder(ensure_ascii=False, separators=(",", ":"))
_SENT_ESCAPED = _Encoder(separators=(",", ":"))
_WORDS = {True: "true", False: "false", None: "null"}
_SURROGATES = re.compile("[\ud800-\udfff]")


def canonical_json(value: Json) -> str:
    """Return the one JSON text that equal values share: sorted keys, no spaces, ASCII only."""
    return _CANONICAL.encode(value)


def json_text(value: Json) -> str:
    """Return JSON as people write it: key order kept, Unicode readable, lone surrogates escaped."""
    if type(value) is int:  # no bool, which is another word: plain values are most of what is written, and cost most
        return repr(value)
    if value is None or type(value) is bool:
        return _WORDS[value]
    text = encode_basestring(value) if isinstance(value, str) else _READABLE.encode(value)
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


class ExpectedCall(NamedTuple):
    """One tool call that the dataset wants."""

    name: str
    """The tool's name."""
    arguments: Mapping[str, Expectation]
    """Argument name to what is acceptable for it."""


Expected: TypeAlias = tuple[tuple[ExpectedCall, ...], ...] | Literal["any"]
"""Alternative call lists, one of which is wanted (`((),)`: no call is wanted); ``"any"``: some call is wanted."""


class Turn(NamedTuple):
    """What the user says, and what the model should then call."""

    messages: tuple[JsonObject, ...]
    """Messages that this turn adds to the conversation, as they are sent."""
    expected: Expected
    """The calls that are wanted."""
    tool_results: tuple[JsonObject, ...] = ()
    """Scripted answers to the turn's calls: objects with `content`, optional `name` (without one: for any
    call that has no other) and optional `arguments`."""


class Case(NamedTuple):
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
        return _content_hash(self)


def _hash_of_content(case: Case) -> str:
    # As `canonical_json` has all of it, but that tools, most of it, are written once for all cases that share them.
    fields = case.fields
    members = [canonical_json({name: fields[name] for name in _BEFORE_TOOLS if fields.get(name) is not None})[1:-1]]
    if fields.get("tools") is not None:
        members.append(f'"tools":{_canonical_tools(fields["tools"])}')
    if fields.get("turns") is not None:
        members.append(f'"turns":{canonical_json(fields["turns"])}')
    return hashlib.sha256(f"{{{','.join(filter(None, members))}}}".encode()).hexdigest()


_content_hash = OfSame(_hash_of_content)
"""Trials and variants of a case share it."""
_canonical_tools = OfSame[Json, str](canonical_json)
_BEFORE_TOOLS = (
    *("expected", "expected_any_of", "extra_calls", "messages", "order", "parallel_tool_calls", "request", "strings"),
    "tool_choice",
)
"""What decides beside tools and turns: what is before them in canonical JSON."""


# --- speak and ask --------------------------------------------------------------------------------------------


class Key(NamedTuple):
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
    tools: tuple[Tool, ...] = ()
    """What is on offer, however the body writes it."""
    _fingerprints: dict[str, str] = field(default_factory=dict, compare=False, repr=False)
    """By base URL: it is asked for more than once."""

    def encoded(self) -> bytes:
        """Return the body as it is sent: JSON without spaces, in UTF-8."""
        try:
            return _object_text(self.body, _SENT, _sent_tools).encode()
        except UnicodeEncodeError:  # a lone surrogate: only its escaped form is UTF-8
            return _SENT_ESCAPED.encode(self.body).encode()

    def fingerprint(self, base_url: str) -> str:
        """Return the hex sha256 of (trial, base URL, body): what must agree for an answer to be used again."""
        known = self._fingerprints.get(base_url)
        if known is None:
            body = _object_text(dict(sorted(self.body.items())), _CANONICAL, _canonical_tools)
            text = f"[{self.key.trial},{canonical_json(base_url)},{body}]"
            known = self._fingerprints[base_url] = hashlib.sha256(text.encode()).hexdigest()
        return known


_sent_tools = OfSame[Json, str](_SENT.encode)


def _object_text(members: JsonObject, encoder: json.JSONEncoder, of_tools: OfSame[Json, str]) -> str:
    """Return what an encoder makes of an object; its tools, most of most bodies, are encoded once for all cases."""
    texts: list[str] = []
    others: dict[str, Json] = {}
    for name, value in members.items():
        if name in _TOOL_LISTS:
            if others:
                texts.append(encoder.encode(others)[1:-1])
                others = {}
            texts.append(f'"{name}":{of_tools(value)}')
        else:
            others[name] = value
    if others:
        texts.append(encoder.encode(others)[1:-1])
    return f"{{{','.join(texts)}}}"


_TOOL_LISTS = frozenset({"tools", "functions"})
"""Members of a body that list tools; dialects write equal lists for cases that share their tools."""


NotMeasured: TypeAlias = Literal["endpoint_error", "timed_out", "rate_limited", "content_filtered", "not_run"]
"""Why the model did not get to answer."""


class Attempt(NamedTuple):
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
    irregularities: tuple[str, ...] = ()
    """Codes of what was off in this try, sorted."""
    first_call_s: float | None = None
    """To the first streamed piece of a tool call; None where none was streamed."""
    waited_s: Mapping[str, float] = {}
    """Seconds for which it held up the whole run before it was sent, by cause: `pause`, `rpm`, `tpm`."""
    broke_off: bool = False
    """It was sent, and no whole answer came back: the endpoint may have made one all the same, and charge for it."""


class Usage(NamedTuple):
    """Tokens as the endpoint reported them; None where it did not."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None


class Response(NamedTuple):
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
    """Codes of `fceval.irregularities`: what was off in any attempt, sorted."""
    attempts: tuple[Attempt, ...]
    """In order; the last one decided. Empty for predictions made elsewhere."""

    @property
    def failure(self) -> NotMeasured | None:
        """Why it was not measured; None where it was."""
        if self.message is not None:
            return None
        return (self.attempts[-1].failure if self.attempts else None) or "not_run"


# --- judge and count ------------------------------------------------------------------------------------------


class ToolCall(NamedTuple):
    """One call that the model made, decoded as far as it could be."""

    call_id: str | None
    name: str
    arguments: str
    """The arguments as JSON text, verbatim."""
    value: Json
    """The decoded arguments; None with a problem where they could not be decoded."""
    problem: str | None = None
    """Why the call is unusable; None where its arguments are a JSON object."""
    notes: tuple[str, ...] = ()
    """Codes of `fceval.irregularities`: how the call was off the dialect."""


class Parsed(NamedTuple):
    """An assistant message as calls and text."""

    calls: tuple[ToolCall, ...]
    text: str
    """Content for the user; empty where there is none."""
    refusal: str = ""
    """OpenAI's `refusal`; empty where there is none."""
    problems: tuple[str, ...] = ()
    """Attempts to call that are no usable call and not in `calls`."""
    notes: tuple[str, ...] = ()
    """Codes of `fceval.irregularities`: how the message, apart from its calls, was off the dialect."""
    leaked: tuple[ToolCall, ...] = ()
    """Calls that can be read from where no call should be: what repair would make of `problems`."""
