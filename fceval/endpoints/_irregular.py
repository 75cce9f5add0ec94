"""Answers and bodies off the contract, one function for each code of `fceval.irregularities`. Pure.

`ANSWERS` change what is said, whatever the API. `BODIES` change what Chat Completions (and, for envelopes, any API)
makes of it; a stream is made from the body, so both are off in the same way.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from fceval.endpoints._answers import TEXT, Answer, Call
from fceval.endpoints._mentions import made_up
from fceval.endpoints._rates import pick
from fceval.endpoints._situations import Situation, positions
from fceval.records import json_text
from fceval.toolschema import SchemaNode

Body = dict[str, Any]

_SIGNED = "call_signed_"
"""How the id of a call begins whose signature must come back."""
_THOUGHT = "The user wants something done; a tool fits."


def _finish(reason: str) -> Callable[[Situation], Answer]:
    return lambda this: replace(this.answer, finish_reason=reason)


def _nonstandard_finish(this: Situation) -> Answer:
    return replace(this.answer, finish_reason="tool_use" if this.answer.calls else "end_turn")


def _none_ignored(this: Situation) -> Answer:
    return Answer(calls=(made_up(this.asked.tools[0]),), finish_reason="tool_calls")


def _parallel_ignored(this: Situation) -> Answer:
    return replace(this.answer, calls=this.wanted.calls, tokens=None)


def _spoilt(change: Callable[[Call], Call], where: Sequence[int], this: Situation) -> Answer:
    """Return the answer with one of some calls changed."""
    position = where[this.number % len(where)]
    calls = list(this.answer.calls)
    calls[position] = change(calls[position])
    return replace(this.answer, calls=tuple(calls))


def _arguments(change: Callable[[str], str]) -> Callable[[Situation], Answer]:
    """Return a function that changes the text of one call's arguments."""

    def spoil(this: Situation) -> Answer:
        everywhere = range(len(this.answer.calls))
        return _spoilt(lambda call: replace(call, arguments=change(call.arguments)), everywhere, this)

    return spoil


def needs_none(arguments: Mapping[str, Any], schema: SchemaNode) -> bool:
    """Whether a call without arguments is made of a tool that requires none."""
    return not arguments and not schema.required


def needs_some(_arguments: Mapping[str, Any], schema: SchemaNode) -> bool:
    """Whether a call is of a tool that requires arguments."""
    return bool(schema.required)


def nests(arguments: Mapping[str, Any], schema: SchemaNode) -> bool:
    """Whether an argument is an object or array that its schema wants to be one."""
    return any(_nested(arguments, schema))


def _nested(arguments: Mapping[str, Any], schema: SchemaNode) -> list[str]:
    return [
        name
        for name, value in arguments.items()
        if isinstance(value, dict | list) and schema.member(name).allows_type("") is False
    ]


def _emptied(fits: Callable[[Mapping[str, Any], SchemaNode], bool]) -> Callable[[Situation], Answer]:
    return lambda this: _spoilt(lambda call: Call(call.name, ""), positions(this, fits), this)


def _nested_string(this: Situation) -> Answer:
    def change(call: Call) -> Call:
        arguments = json.loads(call.arguments)
        name = _nested(arguments, this.schema(this.answer.calls.index(call)))[0]
        return replace(call, arguments=json_text({**arguments, name: json_text(arguments[name])}))

    return _spoilt(change, positions(this, nests), this)


def _padded(this: Situation) -> Answer:
    padding = this.one_of(" \n", "<|im_end|>")
    return _arguments(lambda text: text + padding)(this)


def _badly_named(this: Situation) -> Answer:
    def change(call: Call) -> Call:
        return replace(call, name=this.one_of(f"{call.name}<|channel|>commentary", f"functions.{call.name}"))

    return _spoilt(change, range(len(this.answer.calls)), this)


def _unknown_tool(this: Situation) -> Answer:
    offered = {tool["function"]["name"] for tool in this.asked.tools}
    name = "look_it_up"
    while name in offered:
        name += "_2"
    return _spoilt(lambda call: replace(call, name=name), range(len(this.answer.calls)), this)


def _tagged(calls: Sequence[Call]) -> str:
    """Return calls as Qwen and Hermes write them, where their server does not read them."""
    entries = (f'{{"name": {json.dumps(call.name)}, "arguments": {call.arguments}}}' for call in calls)
    return "\n".join(f"<tool_call>\n{entry}\n</tool_call>" for entry in entries)


def _call_in_content(this: Situation) -> Answer:
    return Answer(text=_tagged(this.answer.calls))


def _call_in_reasoning(this: Situation) -> Answer:
    return Answer(text="", reasoning=f"{_THOUGHT}\n{_tagged(this.answer.calls)}")


def _repeated_in_content(this: Situation) -> Answer:
    return replace(this.answer, text=this.answer.calls[0].arguments)


ANSWERS: Mapping[str, Callable[[Situation], Answer]] = {
    "finish_stop_with_calls": _finish("stop"),
    "finish_toolcalls_without_calls": _finish("tool_calls"),
    "finish_hides_length": _finish("tool_calls"),
    "finish_nonstandard": _nonstandard_finish,
    "required_ignored": lambda _: TEXT,
    "none_ignored": _none_ignored,
    "parallel_ignored": _parallel_ignored,
    "args_double_encoded": _arguments(json.dumps),
    "args_nested_string": _nested_string,
    "args_empty_string": _emptied(needs_none),
    "args_duplicated": _arguments(lambda text: text + text),
    "args_dropped": _emptied(needs_some),
    "args_invalid_json": _arguments(lambda text: text[:-1] + ",}"),
    "args_trailing_ws_or_tokens": _padded,
    "call_in_content": _call_in_content,
    "content_dup_of_args": _repeated_in_content,
    "call_in_reasoning": _call_in_reasoning,
    "special_token_in_name": _badly_named,
    "unknown_tool": _unknown_tool,
    "empty_success": lambda _: Answer(text="", tokens=0),
    "stream_nonstream_disagree": lambda _: TEXT,
}
"""What is said, by code."""


def _calls_of(body: Body) -> list[dict[str, Any]]:
    calls: list[dict[str, Any]] = body["choices"][0]["message"]["tool_calls"]
    return calls


def _null_entry(body: Body, _this: Situation) -> None:
    calls = _calls_of(body)
    repeated = calls[-1]["function"]["arguments"]
    calls.append({"id": None, "type": "function", "function": {"name": None, "arguments": repeated}})


def _no_ids(body: Body, _this: Situation) -> None:
    for call in _calls_of(body):
        del call["id"]


def _shared_ids(body: Body, this: Situation) -> None:
    calls = _calls_of(body)
    if this.used_ids:
        for call, used in zip(calls, this.used_ids, strict=False):
            call["id"] = used
    else:
        first, second = sharing(this) or (0, 0)
        calls[second]["id"] = calls[first]["id"]


def sharing(this: Situation) -> tuple[int, int] | None:
    """Return two calls that may share an id; in a stream they must be of different tools, else they read as one."""
    names = [call.name for call in this.answer.calls]
    for position, name in enumerate(names[1:], 1):
        if not this.asked.stream or name != names[0]:
            return 0, position
    return None


def _object_arguments(body: Body, this: Situation) -> None:
    calls = _calls_of(body)
    function = calls[this.number % len(calls)]["function"]
    function["arguments"] = json.loads(function["arguments"])


def _counted_arguments(body: Body, this: Situation) -> None:
    calls = _calls_of(body)
    calls[this.number % len(calls)]["function"]["arguments"] = 7


def _reasoning(body: Body, this: Situation) -> None:
    message = body["choices"][0]["message"]
    form = this.one_of("reasoning_content", "reasoning", "content")
    if form == "content":
        message["content"] = f"<think>\n{_THOUGHT}\n</think>\n\n{message['content'] or ''}"
    else:
        message[form] = _THOUGHT


def _signed(body: Body, _this: Situation) -> None:
    for call in _calls_of(body):
        call["id"] = _SIGNED + call["id"].removeprefix("call_")
        call["extra_content"] = _signature(call["id"])


def _signature(call_id: str) -> dict[str, Any]:
    return {"google": {"thought_signature": f"{pick('signature', call_id):016x}"}}


def lost_signature(messages: Sequence[Mapping[str, Any]]) -> int | None:
    """Return which message brings back a signed call without its signature; None where none does."""
    for index, message in enumerate(messages):
        for call in message.get("tool_calls") or ():
            call_id = call.get("id")
            if str(call_id).startswith(_SIGNED) and call.get("extra_content") != _signature(str(call_id)):
                return index
    return None


def _substituted(body: Body, _this: Situation) -> None:
    body["model"] = "another-model-7b"


def _no_usage(body: Body, _this: Situation) -> None:
    del body["usage"]


def _no_choices(body: Body, this: Situation) -> None:
    if not this.asked.stream:
        body["choices"] = this.one_of([], None)


BODIES: Mapping[str, Callable[[Body, Situation], None]] = {
    "name_null_entry": _null_entry,
    "id_missing": _no_ids,
    "id_not_unique": _shared_ids,
    "args_object": _object_arguments,
    "args_wrong_type": _counted_arguments,
    "reasoning_field_variants": _reasoning,
    "opaque_required": _signed,
    "choices_null_or_empty": _no_choices,
    "usage_absent": _no_usage,
    "model_substituted": _substituted,
}
"""What is made of the body, in place, by code."""
