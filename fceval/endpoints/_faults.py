"""Everything that the mock can get wrong as an endpoint, by name: where each fault can show, and what it is. Pure.

A fault has the name of the code that fceval reports for it, or, for what is wrong with the transport, a status or a
word. It is drawn for any request, and done only where it can show: elsewhere the answer is clean.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fceval.endpoints._contract import Refused
from fceval.endpoints._irregular import needs_none, needs_some, nests, sharing
from fceval.endpoints._irregular_streams import long_calls
from fceval.endpoints._situations import (
    ANYWHERE,
    CHAT,
    CUT_CALL,
    FORBIDDEN,
    FORCED,
    FREE,
    ONE_ALLOWED,
    STREAMED,
    TOOL_CALLS,
    UNNAMED,
    WHOLE,
    WITH_CALL,
    WITH_TWO_CALLS,
    WITH_USAGE,
    WITHOUT_CALL,
    Situation,
    Where,
    positions,
)
from fceval.irregularities import IRREGULARITIES

_PIECES = STREAMED & TOOL_CALLS & WITH_CALL
_NAME_IN_TWO = 3


def _long_names(this: Situation) -> bool:
    return all(len(call.name) >= _NAME_IN_TWO for call in this.answer.calls)


_SHOWS: Mapping[str, Where] = {
    "finish_stop_with_calls": TOOL_CALLS & WITH_CALL & UNNAMED,
    "finish_toolcalls_without_calls": CHAT & WITHOUT_CALL,
    "finish_hides_length": TOOL_CALLS & CUT_CALL & UNNAMED,
    "finish_nonstandard": CHAT & WHOLE,
    "required_ignored": WITH_CALL & FORCED,
    "none_ignored": FORBIDDEN,
    "none_400": FORBIDDEN & Where("in `tool_choice`", lambda this: this.asked.api != "functions"),
    "parallel_ignored": WITH_CALL & ONE_ALLOWED,
    "index_missing": _PIECES,
    "index_reused": _PIECES & WITH_TWO_CALLS,
    "same_call_multi_index": _PIECES,
    "name_repeated": _PIECES & Where("with arguments", lambda this: any(call.arguments for call in this.answer.calls)),
    "name_fragmented": _PIECES & Where("of tools with three letters or more", _long_names),
    "name_changed": _PIECES & Where("with arguments in several pieces", lambda this: bool(long_calls(this))),
    "name_null_entry": TOOL_CALLS & WITH_CALL,
    "id_missing": TOOL_CALLS & WITH_CALL,
    "id_not_unique": TOOL_CALLS
    & WITH_CALL
    & Where(
        "after another call, or beside one (in a stream: of another tool)",
        lambda this: bool(this.used_ids) or sharing(this) is not None,
    ),
    "args_object": TOOL_CALLS & WITH_CALL,
    "args_double_encoded": WITH_CALL,
    "args_nested_string": WITH_CALL
    & Where("with an object or array among the arguments", lambda this: bool(positions(this, nests))),
    "args_empty_string": WITH_CALL
    & Where("without arguments, of a tool that needs none", lambda this: bool(positions(this, needs_none))),
    "args_duplicated": WITH_CALL,
    "args_dropped": WITH_CALL & Where("of a tool that needs arguments", lambda this: bool(positions(this, needs_some))),
    "args_invalid_json": WITH_CALL,
    "args_trailing_ws_or_tokens": WITH_CALL,
    "call_in_content": WITH_CALL,
    "content_dup_of_args": WITH_CALL & Where("with arguments", lambda this: bool(this.arguments and this.arguments[0])),
    "call_in_reasoning": CHAT & WITH_CALL,
    "reasoning_field_variants": CHAT & WHOLE & Where("not in prompt mode", lambda this: this.native),
    "special_token_in_name": WITH_CALL,
    "unknown_tool": WITH_CALL,
    "opaque_required": TOOL_CALLS & WITH_CALL,
    "error_in_200": ANYWHERE,
    "html_200": ANYWHERE,
    "choices_null_or_empty": CHAT,
    "empty_success": WHOLE,
    "stream_truncated": STREAMED,
    "sse_comment": STREAMED,
    "data_comment": STREAMED,
    "sse_glued_frames": STREAMED,
    "usage_absent": WITH_USAGE,
    "usage_late": CHAT & STREAMED & WITH_USAGE,
    "usage_in_choice": CHAT & STREAMED & WITH_USAGE,
    "usage_after_done": CHAT & STREAMED & WITH_USAGE,
    "error_shape": Where("that are refused anyway", lambda _: False),
    "model_substituted": ANYWHERE,
    "stream_nonstream_disagree": STREAMED & WITH_CALL & FREE,
    "args_wrong_type": TOOL_CALLS & WITH_CALL,
    "message_in_chunk": CHAT & STREAMED,
    "done_missing": CHAT & STREAMED,
    "content_type": ANYWHERE,
    "stream_ignored": STREAMED,
    "duplicate_key": ANYWHERE,
    "invalid_number": ANYWHERE,
    "invalid_utf8": ANYWHERE,
    "key_echoed": Where("not streamed", lambda this: not this.asked.stream),
}
"""By code of `fceval.irregularities`; `error_shape` is seen to where requests are refused."""

_ERRORS: Mapping[str, tuple[int, str, str | None, str]] = {
    "429": (429, "requests", "rate_limit_exceeded", "Rate limit reached."),
    "500": (500, "server_error", None, "The server had an error while processing your request."),
    "401": (401, "invalid_request_error", "invalid_api_key", "Incorrect API key provided."),
    "402": (402, "billing_error", "billing_not_active", "Your account is not active."),
    "403": (403, "permission_error", None, "You have no access to this model."),
    "404": (404, "invalid_request_error", "model_not_found", "The model does not exist."),
    "408": (408, "timeout", None, "The request timed out."),
    "502": (502, "server_error", None, "Bad gateway."),
    "503": (503, "server_error", "server_is_overloaded", "The server is overloaded. Please try again later."),
    "504": (504, "server_error", None, "The gateway timed out."),
    "529": (529, "overloaded_error", None, "Overloaded."),
    "quota": (429, "insufficient_quota", "insufficient_quota", "You exceeded your current quota."),
}
"""Status, `type`, `code` and `message` of an error."""

TRANSPORT: Mapping[str, str] = {
    "hang": "no answer, until the client goes away",
    "reset": "the connection is reset before the answer",
    "cut": "the connection is closed in the middle of the answer",
    "slow": "the answer comes a byte now and then",
    "endless": "an answer, or a stream, without end",
    "oversized": "an answer of more than 8 MiB",
    "gzip_bomb": "a small compressed answer that becomes 64 MiB",
    "redirect": "307, to another host",
}
"""What else may be wrong with the way that an answer takes."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that an endpoint can get wrong."""

    meaning: str
    """For a person, one line."""
    where: Where
    """The requests for which it can be done."""


def _table() -> Mapping[str, Fault]:
    errors = {name: Fault(f"{status} {code or kind}", ANYWHERE) for name, (status, kind, code, _) in _ERRORS.items()}
    transport = {name: Fault(meaning, ANYWHERE) for name, meaning in TRANSPORT.items()}
    # The first three were there first: what is drawn of them must stay what it was.
    first = {"429": errors["429"], "500": errors["500"], "hang": transport["hang"]}
    irregular = {code: Fault(IRREGULARITIES[code].meaning, where) for code, where in _SHOWS.items()}
    return {**first, **errors, **transport, **irregular}


FAULTS = _table()
"""Every fault by name, in the order of their shares."""


def refusal(fault: str, retry_after_s: float) -> Refused | None:
    """Return the error that a fault answers with; None for a fault of another kind."""
    if fault == "none_400":
        msg = "Invalid value for 'tool_choice': 'none' is not supported."
        return Refused(400, msg, param="tool_choice", code="invalid_value", planned=True)
    if fault not in _ERRORS:
        return None
    status, kind, code, message = _ERRORS[fault]
    headers = {}
    if fault == "429":
        message = f"{message} Please try again in {retry_after_s:g}s."
        headers = {"Retry-After": f"{retry_after_s:g}"}
    return Refused(status, message, kind=kind, code=code, headers=headers, planned=True)


def misshapen(refused: Refused, number: int) -> object:
    """Return the body of an error in a shape that is not OpenAI's: vLLM's old one, a string, or FastAPI's."""
    message = str(refused)
    flat = {"object": "error", "message": message, "type": "BadRequestError", "param": None, "code": refused.status}
    return (flat, {"error": message}, {"detail": message})[number % 3]
