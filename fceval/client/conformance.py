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
    body, message, calls = request.body, answer.message, parsed.calls
    offered = _offered(request)
    demand = _demand(body)
    found = set(parsed.notes)
    if _is_bare_call(parsed, offered):
        found.add("call_in_content")
    is_native = bool(message.get("tool_calls") or message.get("function_call") or "output" in message)
    limit = _token_limit(body, answer, calls)
    found.update(_of_end(answer, demand, parsed, found, limit, is_native=is_native))
    found.update(_of_demand(body, demand, parsed, found, offered, limit))
    for place, call in enumerate(calls, 1):
        notes = _of_call(call, offered)
        found |= notes - _OF_CUT_ARGUMENTS if limit and place == len(calls) else notes
    if "name_changed" in answer.irregularities:
        found.discard("unknown_tool")  # it is no name that the model made up
    if is_native:
        found.update(_of_native_calls(body, parsed))
    if _holds_opaque(message):
        found.add("opaque_required")
    found.update(_of_envelope(body, answer))
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
    if choice is None:
        return _AUTO
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


def _of_end(  # noqa: PLR0913 -- what was asked, and all that may explain how it ended
    answer: Answered, demand: _Demand, parsed: Parsed, found: set[str], limit: str, *, is_native: bool
) -> Sequence[str]:
    reason = answer.finish_reason
    if reason not in (_RESPONSES_REASONS if "output" in answer.message else _CHAT_REASONS):
        return ("finish_nonstandard",)
    if limit == "hidden":
        return ("finish_hides_length",)
    if parsed.calls:
        return ("finish_stop_with_calls",) if reason == "stop" and not demand.is_named and is_native else ()
    if reason in _SAYS_CALLS and not parsed.problems and not found & _ATTEMPTS:
        return ("finish_toolcalls_without_calls",)
    return ()


def _of_demand(  # noqa: PLR0913, PLR0917 -- what was asked, and all that may explain why it is not there
    body: JsonObject,
    demand: _Demand,
    parsed: Parsed,
    found: set[str],
    offered: Mapping[str, ToolSchema],
    limit: str,
) -> list[str]:
    calls = parsed.calls
    codes = ["parallel_ignored"] if len(calls) > 1 and body.get("parallel_tool_calls") is False else []
    if demand.mode == "none" and calls:
        codes.append("none_ignored")
    elif demand.mode == "required":
        if not calls:
            is_ignored = not (limit or parsed.refusal or parsed.problems or found & _ATTEMPTS)
        else:
            names = demand.names
            is_ignored = bool(names) and all(call.name in offered and call.name not in names for call in calls)
        if is_ignored:
            codes.append("required_ignored")
    return codes


# --- its calls ------------------------------------------------------------------------------------------------


def _is_bare_call(parsed: Parsed, offered: Mapping[str, ToolSchema]) -> bool:
    """Whether the text is nothing but the JSON of calls of tools on offer."""
    return bool(parsed.leaked and not parsed.calls and all(call.name in offered for call in parsed.leaked))


def _of_call(call: ToolCall, offered: Mapping[str, ToolSchema]) -> set[str]:
    schema = offered.get(call.name)
    found = set(call.notes)
    if schema is None:
        meant = offered_name(call.name, offered)
        found.add("special_token_in_name" if meant else "unknown_tool")
        schema = offered[meant] if meant else None
    if schema is None:
        return found
    if "args_empty_string" in found and schema.node.required:
        found.remove("args_empty_string")
        found.add("args_dropped")
    if call.problem is None and unnested(call.value, schema.node) is not call.value:
        found.add("args_nested_string")
    return found


def _of_native_calls(body: JsonObject, parsed: Parsed) -> Iterator[str]:
    """Yield what is off with calls that stand in fields of their own, and not in the text as in prompt mode."""
    ids = [call.call_id for call in parsed.calls if call.call_id]
    if len(set(ids)) < len(ids) or (ids and not set(ids).isdisjoint(_ids_before(body))):
        yield "id_not_unique"
    if parsed.text:
        texts = (call.arguments.strip() for call in parsed.calls)
        if any(len(text) > len("{}") and text in parsed.text for text in texts):
            yield "content_dup_of_args"


def _ids_before(body: JsonObject) -> Iterator[str]:
    """Yield the ids of the calls that the conversation holds already."""
    for said in (*_array(body.get("messages")), *_array(body.get("input"))):
        if isinstance(said, dict):
            for entry in _array(said.get("tool_calls")):
                if isinstance(call_id := _object(entry).get("id"), str):
                    yield call_id
            if said.get("type") == "function_call" and isinstance(call_id := said.get("call_id"), str):
                yield call_id


# --- what is around it ----------------------------------------------------------------------------------------


def _holds_opaque(message: JsonObject) -> bool:
    """Whether a message, one of its calls or of its items has a member that its vendor wants back."""
    entries = (*_array(message.get("tool_calls")), *_array(message.get("output")))
    return _is_opaque(message) or any(
        _is_opaque(entry) or _is_opaque(_object(entry.get("function"))) for entry in entries if isinstance(entry, dict)
    )


def _is_opaque(place: JsonObject) -> bool:
    return not _OPAQUE.isdisjoint(place) and any(place.get(name) for name in _OPAQUE)


def _of_envelope(body: JsonObject, answer: Answered) -> Iterator[str]:
    usage = answer.usage
    if usage.prompt_tokens is None and usage.completion_tokens is None and _may_expect_usage(body, answer.message):
        yield "usage_absent"
    model = body.get("model")
    if isinstance(model, str) and answer.served_model and not is_same_model(model, answer.served_model):
        yield "model_substituted"


def _may_expect_usage(body: JsonObject, message: JsonObject) -> bool:
    """Whether the contract promises token counts: a stream of Chat Completions holds them where it is asked to."""
    asked = _object(body.get("stream_options")).get("include_usage") is True
    return not body.get("stream") or asked or "output" in message
