"""Every way off the contract that fceval knows by name: what it is, and what it does to a verdict.

A code says what was on the wire; it is attached to the response, counted per run and shown in the report's table of
conformance, apart from accuracy. Who finds it: `fceval.client` while the bytes are read (streams, envelopes, errors),
the dialects while calls are read (notes of a call or a message), and `fceval.client.conformance`, which holds the
answer against its request. The numbers are those of the survey of public bug reports that the table began with;
codes without one were found since.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Effect: TypeAlias = Literal["none", "noted", "repairable", "fails", "not_measured"]
"""What an irregularity does to a verdict.

`none`: it is read as what it stands for. `noted`: the calls decide, as always, and the code says whose fault it may
be. `repairable`: the call fails, and a second figure says what would have passed had it been repaired. `fails`: the
call is unusable. `not_measured`: the model did not get to answer.
"""


@dataclass(frozen=True, slots=True)
class Irregularity:
    """One way off the contract."""

    code: str
    number: int | None
    """In the survey; None for what is not in it. A row of it with several forms has several codes."""
    effect: Effect
    meaning: str
    """For a person, one line."""


_TABLE: tuple[tuple[int | None, str, Effect, str], ...] = (
    # What the answer says of its own end
    (1, "finish_stop_with_calls", "none", "calls are there, but the finish reason is `stop`"),
    (2, "finish_toolcalls_without_calls", "none", "the finish reason is `tool_calls`, but there is no call"),
    (3, "finish_hides_length", "fails", "the token limit cut a call off, but the finish reason is not `length`"),
    (4, "finish_nonstandard", "none", "the finish reason is none of the contract's, or missing"),
    # What was asked for and not obeyed
    (5, "required_ignored", "noted", "`tool_choice` demanded a call, and there is none (or of another tool)"),
    (6, "none_ignored", "noted", "`tool_choice: none` forbade calls, and there is one"),
    (6, "none_400", "not_measured", "`tool_choice: none` was refused as a bad request"),
    (7, "parallel_ignored", "noted", "`parallel_tool_calls: false` allowed one call, and there are more"),
    # Calls in a stream
    (8, "index_missing", "none", "a piece of a call has no `index`"),
    (9, "index_reused", "none", "different calls share an `index`"),
    (10, "same_call_multi_index", "none", "one call came at several indexes, with one id; it counts once"),
    (11, "name_repeated", "none", "the tool's whole name came again with later pieces"),
    (12, "name_fragmented", "none", "the tool's name came in pieces"),
    (13, "name_null_entry", "fails", "an entry of `tool_calls` has no name"),
    # Ids
    (14, "id_missing", "none", "a call has no id"),
    (15, "id_not_unique", "none", "an id names two calls of a conversation"),
    # Arguments
    (16, "args_object", "none", "arguments are a JSON object, not its text"),
    (17, "args_double_encoded", "repairable", "arguments are the text of a JSON text"),
    (18, "args_nested_string", "repairable", "an object or array inside of the arguments is the text of one"),
    (19, "args_empty_string", "none", "arguments are empty text for a tool that needs none"),
    (20, "args_duplicated", "repairable", "the arguments came twice, one after the other"),
    (21, "args_dropped", "fails", "arguments are empty for a tool that needs some"),
    (22, "args_invalid_json", "fails", "arguments are not valid JSON"),
    (23, "args_trailing_ws_or_tokens", "repairable", "white space (harmless) or special tokens around the arguments"),
    # Calls and thoughts in the wrong place
    (24, "call_in_content", "repairable", "a call came as text in the content"),
    (25, "content_dup_of_args", "none", "the content repeats the arguments of a call"),
    (26, "call_in_reasoning", "fails", "a call stands in the reasoning only"),
    (27, "reasoning_field_variants", "none", "reasoning came in a field of its own or within `<think>`"),
    # Names
    (28, "special_token_in_name", "repairable", "a tool's name with special tokens, a prefix or a suffix around it"),
    (29, "unknown_tool", "fails", "a call of a tool that was not offered"),
    (30, "opaque_required", "none", "the message holds a field that must be sent back as it is"),
    # Answers that are none
    (31, "error_in_200", "not_measured", "an error with status 200, or in the stream"),
    (32, "html_200", "not_measured", "a web page with status 200"),
    (33, "choices_null_or_empty", "not_measured", "`choices` is null, empty or missing"),
    (34, "empty_success", "not_measured", "neither text nor call nor completion tokens, and no error"),
    # Streams
    (35, "stream_truncated", "not_measured", "the stream ended without a finish reason"),
    (36, "sse_comment", "none", "comments between the events"),
    (36, "data_comment", "none", "comments or nothing where an event's data should be"),
    (37, "sse_glued_frames", "not_measured", "two events on one line, the first one cut"),
    (38, "usage_absent", "none", "no token counts"),
    (38, "usage_late", "none", "token counts came with a choice, not in a chunk of their own"),
    (38, "usage_in_choice", "none", "token counts stand inside of a choice"),
    (38, "usage_after_done", "none", "token counts came after the end marker"),
    # Errors, models, and answers that differ
    (39, "error_shape", "none", 'an error is not of the form `{"error": {"message", "type", "param", "code"}}`'),
    (40, "model_substituted", "noted", "the model that answered is not the one that was asked for"),
    (41, "stream_nonstream_disagree", "noted", "the same request, streamed and not, gave different kinds of answers"),
    # Beyond the survey
    (None, "args_wrong_type", "fails", "arguments are neither text nor an object"),
    (None, "name_changed", "fails", "a call's name changed after its arguments had begun"),
    (None, "message_in_chunk", "none", "a chunk of the stream holds a `message` in place of a `delta`"),
    (None, "done_missing", "none", "the stream ended without its end marker"),
    (None, "content_type", "none", "the content type is not that of the body"),
    (None, "stream_ignored", "none", "a stream was asked for and the answer came whole, or the other way round"),
    (None, "duplicate_key", "none", "an object of the envelope names a member twice"),
    (None, "invalid_number", "none", "the envelope holds a number that JSON does not know, or one too long to read"),
    (None, "invalid_utf8", "none", "the body is not UTF-8"),
    (None, "key_echoed", "none", "the endpoint wrote the key into its answer; it is hidden there"),
)

IRREGULARITIES = {code: Irregularity(code, number, effect, meaning) for number, code, effect, meaning in _TABLE}
"""By code, in the order in which tables show them."""
