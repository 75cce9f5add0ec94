"""A good answer held against its request: every deviation from the contract, by its code. Pure.

Whether a model called is told by its calls alone; the finish reason is only held against them. Each deviation gets
one code, the most exact one: a call that leaked into the text is no ignored `required` as well.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from fceval.client.model_names import is_same_model
from fceval.client.outcome import Answered
from fceval.flaws import offered_name, unnested
from fceval.records import Json, JsonObject, Parsed, Request, Tool, ToolCall, Usage
from fceval.toolschema import ToolSchema, compile_tool, compile_tools

_CUT_OFF = frozenset({"length", "max_output_tokens"})
_SAYS_CALLS = frozenset({"tool_calls", "function_call"})
_CHAT_REASONS = frozenset({"stop", "content_filter", *_SAYS_CALLS, *_CUT_OFF})
_RESPONSES_REASONS = frozenset({"completed", "incomplete", "content_filter", *_CUT_OFF})
_ATTEMPTS = frozenset({"call_in_content", "call_in_reasoning", "name_null_entry"})
"""Notes that say that the model did try to call."""
_OF_CUT_ARGUMENTS = frozenset({"args_invalid_json", "args_empty_string", "args_dropped"})
_LIMITS = ("max_tokens", "max_completion_tokens", "max_output_tokens")
_OPAQUE = frozenset({"extra_content", "thought_signature", "encrypted_content"})
_NESTING = re.compile(r'"(?:[^"\\]|\\.)*+("?)|([\[{])|([\]}])', re.DOTALL)


def deviations(request: Request, answer: Answered, parsed: Parsed) -> frozenset[str]:
    """Return the codes of everything in an answer that is off the contract.

    Args:
        request: What was asked. Tools are those of `request.tools`, or of the body where there are none.
        answer: What came.
        parsed: Its message as the dialect of the request reads it.
    """
    offered = _offered(request)
    demand = _demand(request.body)
    found = set(parsed.notes)
    if _is_bare_call(parsed, offered):
        found.add("call_in_content")
    limit = _token_limit(request.body, answer, parsed.calls)
    found.update(_of_end(answer, demand, parsed, found, limit))
    found.update(_of_demand(request.body, demand, parsed, found, offered, limit))
    for place, call in enumerate(parsed.calls, 1):
        notes = set(_of_call(call, offered))
        found |= notes - _OF_CUT_ARGUMENTS if limit and place == len(parsed.calls) else notes
    if "name_changed" in answer.irregularities:
        found.discard("unknown_tool")  # it is no name that the model made up
    if _is_native(answer.message):
        found.update(_of_native_calls(request.body, parsed))
    if _holds_opaque(answer.message):
        found.add("opaque_required")
    found.update(_of_envelope(request.body, answer))
    return frozenset(found)


# --- what was asked -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Demand:
    """What a request says about calling."""

    mode: Literal["auto", "none", "required"]
    names: frozenset[str] = frozenset()
    """Tools that a demanded call must be of; empty: any."""
    is_named: bool = False
    """One tool is demanded by its name: OpenAI itself then ends with `stop`."""


_AUTO = _Demand("auto")
_CHOICES: Mapping[Json, _Demand] = {
    "none": _Demand("none"),
    "required": _Demand("required"),
    "any": _Demand("required"),
}


def _demand(body: JsonObject) -> _Demand:
    choice = body.get("tool_choice", body.get("function_call"))
    if not isinstance(choice, dict):
        return _CHOICES.get(choice, _AUTO) if isinstance(choice, str) else _AUTO
    if choice.get("type") == "allowed_tools":
        allowed = _object(choice.get("allowed_tools")) or choice
        names = frozenset(map(_name, _array(allowed.get("tools"))))
        return _Demand("required", names) if allowed.get("mode") == "required" else _AUTO
    name = _name(choice)
    return _Demand("required", frozenset({name}), is_named=True) if name else _AUTO


def _offered(request: Request) -> Mapping[str, ToolSchema]:
    if request.tools:
        return compile_tools(request.tools)
    entries = [*_array(request.body.get("tools")), *_array(request.body.get("functions"))]
    return {tool.name: compile_tool(tool) for entry in entries if (tool := _tool(entry)).name}


def _tool(entry: Json) -> Tool:
    wire = _object(entry)
    function = _object(wire.get("function")) or wire
    return Tool(_name(entry), None, _object(function.get("parameters")), None, wire)


def _name(entry: Json) -> str:
    """Return the tool that an entry of `tools` or a `tool_choice` names, in any of the ways of writing it."""
    wire = _object(entry)
    name = (_object(wire.get("function")) or wire).get("name")
    return name if isinstance(name, str) else ""


def _object(value: Json) -> JsonObject:
    return value if isinstance(value, dict) else {}


def _array(value: Json) -> Sequence[Json]:
    return value if isinstance(value, list | tuple) else ()


# --- how it ended ---------------------------------------------------------------------------------------------


def _token_limit(body: JsonObject, answer: Answered, calls: Sequence[ToolCall]) -> Literal["", "told", "hidden"]:
    """Return whether the token limit ended the answer: as the finish reason says, or as a broken last call shows."""
    if answer.finish_reason in _CUT_OFF:
        return "told"
    if not calls or calls[-1].problem is None or not _limit_is_reached(body, answer.usage):
        return ""
    return "hidden" if _is_unfinished(calls[-1].arguments) else ""


def _limit_is_reached(body: JsonObject, usage: Usage) -> bool:
    limits = [limit for name in _LIMITS if isinstance(limit := body.get(name), int)]
    return bool(limits) and (usage.completion_tokens is None or usage.completion_tokens >= min(limits))


def _is_unfinished(text: str) -> bool:
    """Whether JSON text ends before its last bracket or quote is closed."""
    depth = 0
    for found in _NESTING.finditer(text):
        if found.group().startswith('"'):
            if not found.group(1):
                return True
        else:
            depth += 1 if found.group(2) else -1
    return depth > 0


def _of_end(answer: Answered, demand: _Demand, parsed: Parsed, found: set[str], limit: str) -> Iterator[str]:
    reason = answer.finish_reason
    if reason not in (_RESPONSES_REASONS if "output" in answer.message else _CHAT_REASONS):
        yield "finish_nonstandard"
    elif limit == "hidden":
        yield "finish_hides_length"
    elif parsed.calls and reason == "stop" and not demand.is_named and _is_native(answer.message):
        yield "finish_stop_with_calls"
    elif reason in _SAYS_CALLS and not parsed.calls and not parsed.problems and not found & _ATTEMPTS:
        yield "finish_toolcalls_without_calls"


def _of_demand(  # noqa: PLR0913, PLR0917 -- what was asked, and all that may explain why it is not there
    body: JsonObject,
    demand: _Demand,
    parsed: Parsed,
    found: set[str],
    offered: Mapping[str, ToolSchema],
    limit: str,
) -> Iterator[str]:
    calls = parsed.calls
    if len(calls) > 1 and body.get("parallel_tool_calls") is False:
        yield "parallel_ignored"
    if calls and demand.mode == "none":
        yield "none_ignored"
    if demand.mode != "required":
        return
    if not calls:
        if not (limit or parsed.refusal or parsed.problems or found & _ATTEMPTS):
            yield "required_ignored"
    elif demand.names and all(call.name in offered and call.name not in demand.names for call in calls):
        yield "required_ignored"


# --- its calls ------------------------------------------------------------------------------------------------


def _is_bare_call(parsed: Parsed, offered: Mapping[str, ToolSchema]) -> bool:
    """Whether the text is nothing but the JSON of calls of tools on offer."""
    return bool(parsed.leaked and not parsed.calls and all(call.name in offered for call in parsed.leaked))


def _of_call(call: ToolCall, offered: Mapping[str, ToolSchema]) -> Iterator[str]:
    schema = offered.get(call.name)
    if schema is None:
        meant = offered_name(call.name, offered)
        yield "special_token_in_name" if meant else "unknown_tool"
        schema = offered[meant] if meant else None
    for note in call.notes:
        dropped = note == "args_empty_string" and schema is not None and schema.node.required
        yield "args_dropped" if dropped else note
    if schema is not None and call.problem is None and unnested(call.value, schema.node) is not call.value:
        yield "args_nested_string"


def _is_native(message: JsonObject) -> bool:
    """Whether calls stand in fields of their own, and not in the text as in prompt mode."""
    return bool(message.get("tool_calls") or message.get("function_call") or "output" in message)


def _of_native_calls(body: JsonObject, parsed: Parsed) -> Iterator[str]:
    ids = [call.call_id for call in parsed.calls if call.call_id]
    if len(set(ids)) < len(ids) or (ids and not set(ids).isdisjoint(_ids_before(body))):
        yield "id_not_unique"
    texts = (call.arguments.strip() for call in parsed.calls)
    if parsed.text and any(len(text) > len("{}") and text in parsed.text for text in texts):
        yield "content_dup_of_args"


def _ids_before(body: JsonObject) -> Iterator[str]:
    """Yield the ids of the calls that the conversation holds already."""
    for item in (*_array(body.get("messages")), *_array(body.get("input"))):
        said = _object(item)
        for entry in _array(said.get("tool_calls")):
            if isinstance(call_id := _object(entry).get("id"), str):
                yield call_id
        if said.get("type") == "function_call" and isinstance(call_id := said.get("call_id"), str):
            yield call_id


# --- what is around it ----------------------------------------------------------------------------------------


def _holds_opaque(message: JsonObject) -> bool:
    entries = [_object(entry) for entry in (*_array(message.get("tool_calls")), *_array(message.get("output")))]
    places = [message, *entries, *(_object(entry.get("function")) for entry in entries)]
    opaque = [place for place in places if not _OPAQUE.isdisjoint(place)]
    return any(place[name] for place in opaque for name in _OPAQUE.intersection(place))


def _of_envelope(body: JsonObject, answer: Answered) -> Iterator[str]:
    without_usage = answer.usage.prompt_tokens is None and answer.usage.completion_tokens is None
    if without_usage and _may_expect_usage(body, answer.message):
        yield "usage_absent"
    model = body.get("model")
    if isinstance(model, str) and answer.served_model and not is_same_model(model, answer.served_model):
        yield "model_substituted"


def _may_expect_usage(body: JsonObject, message: JsonObject) -> bool:
    """Whether the contract promises token counts: a stream of Chat Completions holds them where it is asked to."""
    asked = _object(body.get("stream_options")).get("include_usage") is True
    return not body.get("stream") or asked or "output" in message
