"""What an HTTP answer is: the model's message, or a failure of a class. Pure: status, headers and body in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from urllib.parse import urlsplit

from fceval.client import responses_api
from fceval.client.envelope import read_envelope
from fceval.client.outcome import BROKEN_ATTEMPTS, Answered, Failed
from fceval.client.refusal import (
    LONGEST_DETAIL,
    REFUSED,
    RETRYABLE,
    error_of,
    first_choice,
    first_line,
    is_in_shape,
    refusal,
    text_of,
    told_status,
)
from fceval.client.sse import Streamed
from fceval.dialects import Api
from fceval.jsontext import JsonTextError
from fceval.records import Json, JsonObject, Usage

__all__ = ["Answered", "Failed", "classify", "usage_of"]

_OK = range(200, 300)
_REDIRECTS = range(300, 400)
_BAD_REQUEST = frozenset({400, 422})
_PAGE = re.compile(r"\s*<(?:!doctype\s+html|html)\b", re.IGNORECASE)
_ABORTED = frozenset({"error", "abort"})
_STOPS = frozenset({"", "stop", "eos", "end_turn", "stop_sequence"})
_BESIDE_CONTENT = (
    *("refusal", "tool_calls", "function_call", "audio"),
    *("reasoning", "reasoning_content", "reasoning_details", "thinking"),
)
"""Members of a message that say something, too."""
_STREAM = "text/event-stream"
_ENCODINGS = frozenset({"", "identity", "gzip", "x-gzip", "deflate", "x-deflate"})
_UNICODE = frozenset({"", "utf-8", "utf8", "us-ascii"})
_LARGEST_COUNT = 2**53


def classify(
    status: int, headers: Mapping[str, str], body: bytes | Streamed, request_body: JsonObject, api: Api
) -> Answered | Failed:
    """Return what an answer is.

    Args:
        status: HTTP status.
        headers: Names in lower case.
        body: Decoded from its content encoding, whole; or the stream that it was.
        request_body: What was asked.
        api: Whose answers are expected.
    """
    if status in _REDIRECTS:
        target = _origin(headers.get("location", ""))
        detail = f"HTTP {status}: redirects to {target}, which is not followed: is the base URL right?"
        return Failed("endpoint_error", detail, wrong_address=True)
    if isinstance(body, Streamed):
        result = _of_stream(status, headers, body, api)
    else:
        result = _of_body(status, headers, body, api)
    codes = _around(status, headers, body, request_body, result)
    return _with_codes(result, codes) if codes else result


def _origin(location: str) -> str:
    """Return scheme, host and port of where a redirect points; the rest of it may be made of what was sent."""
    try:
        parts = urlsplit(location)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if not host:
        return "another path" if location else "nowhere"
    return f"{parts.scheme or 'http(s)'}://{host}{f':{port}' if port else ''}"[:LONGEST_DETAIL]


def _of_body(status: int, headers: Mapping[str, str], body: bytes, api: Api) -> Answered | Failed:
    if status in _OK and (not body or body.isspace()):
        return Failed("endpoint_error", f"HTTP {status} with an empty body", retryable=True, headers=headers)
    try:
        value, codes = read_envelope(body)
    except JsonTextError as error:
        return _not_json(status, headers, body.decode("utf-8", "replace"), str(error))
    return _of_value(status, headers, value, codes, api)


def _of_value(
    status: int, headers: Mapping[str, str], value: Json, codes: tuple[str, ...], api: Api
) -> Answered | Failed:
    message, error_codes = error_of(value)
    if status in _OK and message is not None and _is_page(message):
        # Who wrote the error speaks JSON, so the address may well be right: it is another one that answers with pages.
        detail = f"HTTP {status}: an error that holds a web page: is the base URL right, and the one that a relay asks?"
        found = {"error_in_200", "html_200", *([] if is_in_shape(value) else ["error_shape"])}
        return _with_codes(Failed("endpoint_error", detail, irregularities=codes), found)
    if status not in _OK or message is not None:
        refused = refusal(told_status(status, value), headers, message or first_line(value), error_codes)
        found = {"error_in_200"} if status in _OK else set()
        return _with_codes(refused, {*codes, *found, *([] if is_in_shape(value) else ["error_shape"])})
    result = responses_api.answer_of(value, codes) if api == "responses" else _answer(value, codes)
    return result if isinstance(result, Answered) or not result.retryable else result._replace(headers=headers)


def _of_stream(status: int, headers: Mapping[str, str], stream: Streamed, api: Api) -> Answered | Failed:
    codes = stream.irregularities
    if stream.terminal == "error_event" and error_of(stream.body)[0] is None:  # `event: error`, and no error we know
        result = refusal(status, headers, first_line(stream.body), frozenset())
        return _with_codes(result, {*codes, "error_shape", *(["error_in_200"] if status in _OK else [])})
    if stream.terminal in {"complete", "complete_no_done", "error_event"} or status not in _OK:
        return _of_value(status, headers, stream.body, codes, api)
    if stream.terminal == "empty" and _is_filtered(stream.body):
        return _no_message(stream.body, codes)
    detail = {
        "reset": "the connection broke in the middle of the stream",
        "empty": "the stream has no answer in it",
        "truncated": f"the stream cannot be read: {stream.problem}"
        if stream.problem
        else "the stream ended before the answer did: no finish reason came",
    }[stream.terminal]
    return Failed(
        "endpoint_error",
        detail[:LONGEST_DETAIL],
        retryable=True,
        headers=headers,
        irregularities=codes,
        broke_off="stream_truncated" in codes,
        most_attempts=BROKEN_ATTEMPTS,
    )


def _not_json(status: int, headers: Mapping[str, str], text: str, problem: str) -> Failed:
    is_page = _is_markup(text)
    if status in RETRYABLE or status in REFUSED or (status not in _OK and not is_page):
        result = refusal(status, headers, "a web page" if is_page else first_line(text), frozenset())
        return result._replace(irregularities=("error_shape",))
    if is_page:
        detail = f"HTTP {status}: a web page in place of JSON: is the base URL right (does it end in /v1)?"
        codes = ("html_200",) if status in _OK else ("error_shape",)
        return Failed("endpoint_error", detail, wrong_address=True, irregularities=codes)
    encoding = headers.get("content-encoding", "").strip().lower()
    if encoding not in _ENCODINGS:
        problem = f"in the encoding `{encoding}`, which was not asked for"
    return Failed(
        "endpoint_error",
        f"the body is {problem}"[:LONGEST_DETAIL],
        retryable=True,
        headers=headers,
        most_attempts=BROKEN_ATTEMPTS,
    )


def _is_markup(text: str) -> bool:
    return text.lstrip("\ufeff \t\r\n").startswith("<")


def _is_page(message: str) -> bool:
    """Whether the message of an error is a web page that somebody got in place of JSON."""
    return _PAGE.match(message) is not None


def _answer(value: Json, codes: tuple[str, ...]) -> Answered | Failed:
    choice = first_choice(value)
    message = choice.get("message") if choice else None
    if not isinstance(value, dict) or choice is None or not isinstance(message, dict):
        return _no_message(value, codes)
    finish_reason = _name(choice.get("finish_reason"))
    if finish_reason == "content_filter":
        return Failed("content_filtered", "the endpoint's content filter ended the answer", irregularities=codes)
    if finish_reason in _ABORTED:
        detail = f"the endpoint broke the answer off (`{finish_reason}`)"
        return Failed("endpoint_error", detail, retryable=True, irregularities=codes)
    usage = usage_of(value.get("usage"))
    if _says_nothing(message, finish_reason, usage):
        detail = "the answer is empty: neither text nor call nor tokens, and no error"
        return Failed("endpoint_error", detail, retryable=True, irregularities=(*codes, "empty_success"))
    return Answered(message, finish_reason, usage, _name(value.get("model")), codes)


def _no_message(value: Json, codes: tuple[str, ...]) -> Failed:
    if isinstance(value, dict) and not value.get("choices"):
        codes = (*codes, "choices_null_or_empty")
        if _is_filtered(value):
            return Failed("content_filtered", "the endpoint's content filter refused the prompt", irregularities=codes)
    return Failed("endpoint_error", "the answer has no `choices[0].message`", retryable=True, irregularities=codes)


def _is_filtered(value: Json) -> bool:
    """Whether a body says that the content filter refused the prompt."""
    return isinstance(value, Mapping) and _is_marked(value.get("prompt_filter_results"))


def _is_marked(results: Json) -> bool:
    """Whether Azure's `prompt_filter_results` say that something was filtered."""
    if isinstance(results, dict):
        return results.get("filtered") is True or any(map(_is_marked, results.values()))
    return isinstance(results, list) and any(map(_is_marked, results))


def _says_nothing(message: JsonObject, finish_reason: str | None, usage: Usage) -> bool:
    """Whether an answer that claims to be complete has nothing in it: a server's fault, not a model's silence."""
    if usage.completion_tokens or (finish_reason or "").lower() not in _STOPS:
        return False
    content = message.get("content")
    said = content.strip() if isinstance(content, str) else content
    return not said and not any(message.get(name) for name in _BESIDE_CONTENT)


def _around(
    status: int,
    headers: Mapping[str, str],
    body: bytes | Streamed,
    request_body: JsonObject,
    result: Answered | Failed,
) -> set[str]:
    """Return the codes of what is off between request, headers and body."""
    codes: set[str] = set()
    asked, streamed = request_body.get("stream") is True, isinstance(body, Streamed)
    is_answer = streamed or isinstance(result, Answered)
    if status in _OK:
        if asked != streamed and is_answer:
            codes.add("stream_ignored")
        if isinstance(body, bytes) and (not body or body.isspace()):
            codes.add("stream_truncated" if asked else "choices_null_or_empty")
    elif status in _BAD_REQUEST and request_body.get("tool_choice") == "none":
        codes.add("none_400")
    if is_answer and not _is_honest(headers.get("content-type", ""), streamed=streamed):
        codes.add("content_type")
    return codes


@lru_cache(maxsize=64)
def _is_honest(content_type: str, *, streamed: bool) -> bool:
    """Whether a content type fits its body; one that is not there says nothing false."""
    kind, _, parameters = content_type.lower().partition(";")
    _, _, charset = parameters.partition("charset=")
    if charset.partition(";")[0].strip(' "') not in _UNICODE:
        return False
    kind = kind.strip()
    return not kind or (kind == _STREAM if streamed else kind == "application/json" or kind.endswith("+json"))


def _with_codes(result: Answered | Failed, codes: set[str]) -> Answered | Failed:
    return result._replace(irregularities=tuple(sorted({*result.irregularities, *codes}))) if codes else result


def usage_of(usage: Json) -> Usage:
    """Return the tokens of a `usage` object; None for what is not a number of them."""
    counts = usage if isinstance(usage, dict) else {}
    return Usage(_count(counts.get("prompt_tokens")), _count(counts.get("completion_tokens")))


def _count(tokens: Json) -> int | None:
    if type(tokens) is int and 0 <= tokens <= _LARGEST_COUNT:  # no bool, which is a class of its own
        return tokens
    if isinstance(tokens, bool) or not isinstance(tokens, int | float) or not 0 <= tokens <= _LARGEST_COUNT:
        return None
    return int(tokens) if tokens == int(tokens) else None


def _name(value: Json) -> str | None:
    """Return a string that a table can hold, or None for anything else."""
    return text_of(value) if isinstance(value, str) else None
