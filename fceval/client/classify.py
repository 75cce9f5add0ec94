"""What an HTTP answer is: the model's message, or a failure of a class. Pure: status, headers and body in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fceval.client.envelope import read_envelope
from fceval.jsontext import JsonTextError
from fceval.records import Json, JsonObject, NotMeasured, Usage, json_text

_OK = range(200, 300)
_REDIRECTS = range(300, 400)
_ERRORS = range(400, 600)
_NOT_FOUND = 404
_TOO_MANY = 429
_RETRYABLE = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529, *range(520, 528)})
_REFUSED = frozenset({401, 402, 403})
_NO_ACCESS = frozenset(
    {
        "insufficient_quota",
        "insufficient_user_quota",
        "insufficient_balance",
        "billing_hard_limit_reached",
        "billing_not_active",
        "account_deactivated",
        "invalid_api_key",
    }
)
_FILTERED = frozenset(
    {
        "content_filter",
        "content_policy_violation",
        "data_inspection_failed",
        "prompt_blocked",
        "sensitive_words_detected",
    }
)
_HOPELESS = frozenset({"invalid_request_error", "context_length_exceeded", "model_not_found"})
_ABORTED = frozenset({"error", "abort"})
_STATUS = re.compile(r"[45]\d\d", re.ASCII)
_LONGEST_DETAIL = 300
_LARGEST_COUNT = 2**53


@dataclass(frozen=True, slots=True)
class Answered:
    """The model answered."""

    message: JsonObject
    """Verbatim."""
    finish_reason: str | None
    usage: Usage
    served_model: str | None
    irregularities: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Failed:
    """The model did not get to answer."""

    failure: NotMeasured
    detail: str
    """For a person, one line."""
    retryable: bool = False
    """The same request may succeed later."""
    stops_run: bool = False
    """No other request will fare better: authentication, quota."""
    wrong_address: bool = False
    """So answers something that is no endpoint; one that has answered before only stumbled."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Of the answer, names in lower case: they may ask for a pause."""


def classify(status: int, headers: Mapping[str, str], body: bytes) -> Answered | Failed:
    """Return what an answer is.

    Args:
        status: HTTP status.
        headers: Names in lower case.
        body: Decoded from its content encoding, whole.
    """
    if status in _REDIRECTS:
        target = headers.get("location", "elsewhere").partition("?")[0][:_LONGEST_DETAIL]
        detail = f"HTTP {status}: redirects to {target}, which is not followed: is the base URL right?"
        return Failed("endpoint_error", detail, wrong_address=True)
    try:
        value, irregularities = read_envelope(body)
    except JsonTextError as error:
        return _not_json(status, headers, body.decode("utf-8", "replace"), str(error))
    message, codes = error_of(value)
    if status not in _OK or message is not None:
        return _refusal(_told_status(status, value), headers, message or _first_line(value), codes)
    return _answer(value, irregularities)


def error_of(value: Json) -> tuple[str | None, frozenset[str]]:
    """Return (message, codes) of the error in a body; (None, no codes) where there is none.

    Reads OpenAI's `{"error": {...}}`, a bare string in its place, vLLM's flat `{"object": "error"}`, FastAPI's
    `detail`, the `{"code", "message"}` of several gateways, and an error inside of the first choice.
    """
    if not isinstance(value, Mapping):
        return None, frozenset()
    choice = _first_choice(value)
    for error in (value.get("error"), choice.get("error") if choice else None):
        if isinstance(error, Mapping) and (error.get("message") or error.get("code") or error.get("type")):
            codes = _codes(error)
            return _text(error.get("message")) or ", ".join(sorted(codes)), codes
        if error and not isinstance(error, Mapping | bool):
            return _text(error), frozenset({_text(error)})
    for name in ("detail", "message", "msg"):
        if value.get(name) and "choices" not in value:
            return _text(value[name]), _codes(value)
    return None, frozenset()


def _codes(error: JsonObject) -> frozenset[str]:
    return frozenset(_text(error[name]) for name in ("code", "type") if error.get(name))


def _told_status(status: int, value: Json) -> int:
    """Return the status that an error inside of a 200 gives for itself, as several gateways do."""
    error = value.get("error", value) if isinstance(value, Mapping) else None
    code = error.get("code") if isinstance(error, Mapping) else None
    told = int(code) if isinstance(code, int) or (isinstance(code, str) and _STATUS.fullmatch(code)) else 0
    return told if status in _OK and told in _ERRORS else status


def _refusal(status: int, headers: Mapping[str, str], message: str, codes: frozenset[str]) -> Failed:
    detail = f"HTTP {status}: {' '.join(message.split())}"[:_LONGEST_DETAIL]
    if codes & _FILTERED:
        return Failed("content_filtered", detail)
    if codes & _NO_ACCESS or status in _REFUSED:
        return Failed("endpoint_error", detail, stops_run=True)
    if status == _TOO_MANY:
        return Failed("rate_limited", detail, retryable=True, headers=headers)
    if status == _NOT_FOUND:
        advice = "(is the base URL right, and the model's name?)"
        return Failed("endpoint_error", f"{detail} {advice}", wrong_address=True)
    retryable = status in _RETRYABLE or (status in _OK and not codes & _HOPELESS)
    return Failed("endpoint_error", detail, retryable=retryable, headers=headers)


def _not_json(status: int, headers: Mapping[str, str], text: str, problem: str) -> Failed:
    is_page = text.lstrip("\ufeff \t\r\n").startswith("<")
    if status in _RETRYABLE or status in _REFUSED:
        return _refusal(status, headers, "a web page" if is_page else _first_line(text), frozenset())
    if is_page:
        detail = f"HTTP {status}: a web page in place of JSON: is the base URL right (does it end in /v1)?"
        return Failed("endpoint_error", detail, wrong_address=True)
    if status not in _OK:
        return _refusal(status, headers, _first_line(text), frozenset())
    return Failed("endpoint_error", f"the body is {problem}"[:_LONGEST_DETAIL], retryable=True, headers=headers)


def _answer(value: Json, irregularities: tuple[str, ...]) -> Answered | Failed:
    choice = _first_choice(value)
    message = choice.get("message") if choice else None
    if choice is None or not isinstance(value, Mapping) or not isinstance(message, Mapping):
        return Failed("endpoint_error", "the answer has no `choices[0].message`", retryable=True)
    finish_reason = _name(choice.get("finish_reason"))
    if finish_reason == "content_filter":
        return Failed("content_filtered", "the endpoint's content filter ended the answer")
    if finish_reason in _ABORTED:
        return Failed("endpoint_error", f"the endpoint broke the answer off (`{finish_reason}`)", retryable=True)
    return Answered(message, finish_reason, usage_of(value.get("usage")), _name(value.get("model")), irregularities)


def _first_choice(value: Json) -> JsonObject | None:
    choices: Any = value.get("choices") if isinstance(value, Mapping) else None
    choice = choices[0] if isinstance(choices, list) and choices else None
    return choice if isinstance(choice, dict) else None


def usage_of(usage: Json) -> Usage:
    """Return the tokens of a `usage` object; None for what is not a number of them."""
    counts = usage if isinstance(usage, Mapping) else {}

    def count(name: str) -> int | None:
        tokens = counts.get(name)
        if isinstance(tokens, bool) or not isinstance(tokens, int | float) or not 0 <= tokens <= _LARGEST_COUNT:
            return None
        return int(tokens) if tokens == int(tokens) else None

    return Usage(count("prompt_tokens"), count("completion_tokens"))


def _name(value: Json) -> str | None:
    """Return a string that a table can hold, or None for anything else."""
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else None


def _text(value: Json) -> str:
    if value is None or value is False:
        return ""
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else json_text(value)


def _first_line(value: Json) -> str:
    line = _text(value).strip("\ufeff \t\r\n").partition("\n")[0].strip()
    return line[:_LONGEST_DETAIL] or "an empty body"
