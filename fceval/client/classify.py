"""What an HTTP answer is: the model's message, or a failure of a class. Pure: status, headers and body in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fceval.jsontext import JsonTextError, read_json
from fceval.records import Json, JsonObject, NotMeasured, Usage

_OK = 200
_TOO_MANY = 429
_RETRYABLE = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529, *range(520, 528)})
_REFUSED = frozenset({401, 403})
_NO_MONEY = frozenset(
    {"insufficient_quota", "billing_hard_limit_reached", "insufficient_user_quota", "billing_not_active"}
)
_LONGEST_DETAIL = 300


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
    """No other request will fare better: authentication, quota, wrong URL."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Of the answer, names in lower case: they may ask for a pause."""


def classify(status: int, headers: Mapping[str, str], body: bytes) -> Answered | Failed:
    """Return what an answer is.

    Args:
        status: HTTP status.
        headers: Names in lower case.
        body: Decoded from its content encoding, whole.
    """
    text = body.decode("utf-8", "replace").removeprefix("\ufeff")
    if status in range(300, 400):
        target = headers.get("location", "elsewhere").partition("?")[0]
        detail = f"HTTP {status}: redirects to {target}, which is not followed: is the base URL right?"
        return Failed("endpoint_error", detail, stops_run=True)
    try:
        value: Any = read_json(text) if text.strip() else None
    except JsonTextError as error:
        return _not_json(status, headers, text, str(error))
    message, code = error_of(value)
    if status != _OK or message is not None:
        return _refusal(status, headers, message or _first_line(text), code)
    return _answer(value)


def error_of(value: Json) -> tuple[str | None, str]:
    """Return (message, code) of the error in a body; (None, "") where there is none.

    Reads OpenAI's `{"error": {...}}`, a bare string in its place, vLLM's flat `{"object": "error"}`, FastAPI's
    `detail` and the `{"code", "message"}` of several gateways.
    """
    if not isinstance(value, Mapping) or value.get("choices"):
        return None, ""
    error = value.get("error")
    if isinstance(error, Mapping):
        code = error.get("code") or error.get("type") or ""
        return str(error.get("message") or code or "an error without a message"), str(code)
    if isinstance(error, str) and error:
        return error, ""
    for name in ("detail", "message", "msg"):
        if value.get(name) and "choices" not in value:
            return str(value[name]), str(value.get("code") or value.get("type") or "")
    return None, ""


def _refusal(status: int, headers: Mapping[str, str], message: str, code: str) -> Failed:
    detail = f"HTTP {status}: {message}"[:_LONGEST_DETAIL]
    if code in _NO_MONEY:
        return Failed("endpoint_error", detail, stops_run=True)
    if status in _REFUSED:
        return Failed("endpoint_error", detail, stops_run=True)
    if code == "content_filter":
        return Failed("content_filtered", detail)
    if status == _TOO_MANY:
        return Failed("rate_limited", detail, retryable=True, headers=headers)
    if status == 404:  # noqa: PLR2004 -- Not Found
        return Failed("endpoint_error", f"{detail} (is the base URL right, and the model's name?)", stops_run=True)
    retryable = status in _RETRYABLE or (status == _OK and code != "invalid_request_error")
    return Failed("endpoint_error", detail, retryable=retryable, headers=headers)


def _not_json(status: int, headers: Mapping[str, str], text: str, problem: str) -> Failed:
    if status in _RETRYABLE:
        failure: NotMeasured = "rate_limited" if status == _TOO_MANY else "endpoint_error"
        return Failed(failure, f"HTTP {status}: {_first_line(text)}", retryable=True, headers=headers)
    if re.match(r"\s*<(!doctype|html|head|body)", text, re.IGNORECASE):
        detail = f"HTTP {status}: a web page in place of JSON: is the base URL right (does it end in /v1)?"
        return Failed("endpoint_error", detail, stops_run=True)
    if status != _OK:
        return Failed(
            "endpoint_error",
            f"HTTP {status}: {_first_line(text)}"[:_LONGEST_DETAIL],
            stops_run=status in _REFUSED or status == 404,  # noqa: PLR2004 -- Not Found
        )
    return Failed("endpoint_error", f"the body is {problem}"[:_LONGEST_DETAIL], retryable=True)


def _answer(value: Any) -> Answered | Failed:  # noqa: ANN401 -- decoded JSON of any shape
    choices = value.get("choices") if isinstance(value, dict) else None
    choice = choices[0] if isinstance(choices, list) and choices else None
    message = choice.get("message") if isinstance(choice, dict) else None
    if not isinstance(choice, dict) or not isinstance(message, dict):
        return Failed("endpoint_error", "the answer has no `choices[0].message`", retryable=True)
    finish_reason = choice.get("finish_reason")
    if finish_reason == "content_filter":
        return Failed("content_filtered", "the endpoint's content filter ended the answer")
    return Answered(
        message=message,
        finish_reason=finish_reason if isinstance(finish_reason, str) else None,
        usage=usage_of(value.get("usage")),
        served_model=value["model"] if isinstance(value.get("model"), str) else None,
    )


def usage_of(usage: Json) -> Usage:
    """Return the tokens of a `usage` object; None for what is not a number."""
    counts = usage if isinstance(usage, Mapping) else {}

    def count(name: str) -> int | None:
        tokens = counts.get(name)
        return tokens if isinstance(tokens, int) and not isinstance(tokens, bool) and tokens >= 0 else None

    return Usage(count("prompt_tokens"), count("completion_tokens"))


def _first_line(text: str) -> str:
    line = text.strip().partition("\n")[0].strip()
    return line[:_LONGEST_DETAIL] or "an empty body"
