"""Errors as endpoints and gateways tell them, and what class of failure each one is. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

from fceval.client.outcome import Failed
from fceval.records import Json, JsonObject, json_text

LONGEST_DETAIL = 300
"""Most characters of foreign text in a detail."""
RETRYABLE = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529, *range(520, 528)})
"""Statuses that may pass by themselves."""
REFUSED = frozenset({401, 402, 403})
"""Statuses that no other request will escape."""
_OK = range(200, 300)
_ERRORS = range(400, 600)
_NOT_FOUND = 404
_TOO_MANY = 429
_NO_ACCESS = frozenset(
    {
        "account_deactivated",
        "billing_hard_limit_reached",
        "billing_not_active",
        "insufficient_balance",
        "insufficient_quota",
        "insufficient_user_quota",
        "invalid_api_key",
        "pre_consume_token_quota_failed",
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
_LIMITED = frozenset({"rate_limit_error", "rate_limit_exceeded", "rate_limited", "too_many_requests"})
"""What stands in place of a status 429 where an error comes with status 200."""
_HOPELESS = frozenset({"context_length_exceeded", "invalid_request_error", "model_not_found"})
_STATUS = re.compile(r"[45]\d\d", re.ASCII)


def error_of(value: Json) -> tuple[str | None, frozenset[str]]:
    """Return (message, codes) of the error in a body; (None, no codes) where there is none.

    Reads OpenAI's `{"error": {...}}`, a bare string in its place, vLLM's flat `{"object": "error"}`, FastAPI's
    `detail`, the `{"code", "message"}` of several gateways, and an error inside of the first choice.
    """
    if not isinstance(value, dict):
        return None, frozenset()
    choice = first_choice(value)
    for error in (value.get("error"), choice.get("error") if choice else None):
        if error is None:
            continue
        if isinstance(error, dict) and (error.get("message") or error.get("code") or error.get("type")):
            codes = _codes(error)
            return text_of(error.get("message")) or ", ".join(sorted(codes)), codes
        if error and not isinstance(error, dict | bool):
            return text_of(error), frozenset({text_of(error)})
    if "choices" not in value and "output" not in value:
        for name in ("detail", "message", "msg"):
            if value.get(name):
                return text_of(value[name]), _codes(value)
    return None, frozenset()


def is_in_shape(value: Json) -> bool:
    """Whether an error body is of the contract's form: texts, and nothing but texts, where it wants them."""
    error = value.get("error") if isinstance(value, dict) else None
    if not isinstance(error, dict) or not isinstance(error.get("message"), str):
        return False
    return all(isinstance(error.get(name), str | None) for name in ("type", "param", "code"))


def told_status(status: int, value: Json) -> int:
    """Return the status that an error inside of a 200 gives for itself, as several gateways do."""
    error = value.get("error", value) if isinstance(value, dict) else None
    code = error.get("code") if isinstance(error, dict) else None
    told = int(code) if isinstance(code, int) or (isinstance(code, str) and _STATUS.fullmatch(code)) else 0
    return told if status in _OK and told in _ERRORS else status


def refusal(status: int, headers: Mapping[str, str], message: str, codes: frozenset[str]) -> Failed:
    """Return what a refusal is.

    Args:
        status: HTTP status, or the one that the error tells.
        headers: Names in lower case.
        message: Of the error.
        codes: Its `code` and `type`.
    """
    detail = f"HTTP {status}: {' '.join(message.split())}"[:LONGEST_DETAIL]
    if codes & _FILTERED:
        return Failed("content_filtered", detail)
    if codes & _NO_ACCESS or status in REFUSED:
        return Failed("endpoint_error", detail, stops_run=True)
    if status == _TOO_MANY or (status in _OK and codes & _LIMITED):
        return Failed("rate_limited", detail, retryable=True, headers=headers)
    if status == _NOT_FOUND:
        advice = "(is the base URL right, and the model's name?)"
        return Failed("endpoint_error", f"{detail} {advice}", wrong_address=True)
    retryable = status in RETRYABLE or (status in _OK and not codes & _HOPELESS)
    return Failed("endpoint_error", detail, retryable=retryable, headers=headers)


def first_choice(value: Json) -> JsonObject | None:
    """Return the first entry of `choices`; None where there is none."""
    choices = value.get("choices") if isinstance(value, dict) else None
    choice = choices[0] if isinstance(choices, list) and choices else None
    return choice if isinstance(choice, dict) else None


def text_of(value: Json) -> str:
    """Return a value as text that a table can hold."""
    if value is None or value is False:
        return ""
    if not isinstance(value, str):
        return json_text(value)
    return value if value.isascii() else value.encode("utf-8", "replace").decode()


def first_line(value: Json) -> str:
    """Return the first line of a body that tells no error by name."""
    line = text_of(value).strip("\ufeff \t\r\n").partition("\n")[0].strip()
    return line[:LONGEST_DETAIL] or "an empty body"


def _codes(error: JsonObject) -> frozenset[str]:
    return frozenset(text_of(error[name]) for name in ("code", "type") if error.get(name))
