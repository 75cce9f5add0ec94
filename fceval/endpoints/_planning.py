"""What a request gets where nothing goes wrong: which calls, and what its own words forbid or demand. Pure."""

from __future__ import annotations

from dataclasses import replace

from fceval.endpoints._answers import TEXT, Answer, Call
from fceval.endpoints._contract import Asked
from fceval.endpoints._conversations import text_of
from fceval.endpoints._mentions import made_up, mentioned
from fceval.endpoints._tokens import cut


def unplanned(asked: Asked) -> Answer:
    """Return the answer to what no case asks: calls of the tools that the user names, else text."""
    if not asked.messages or asked.messages[-1]["role"] not in {"user", "system", "developer"}:
        return TEXT
    said = [text_of(message) for message in asked.messages if message["role"] == "user"]
    calls = mentioned(said[-1], asked.tools) if said else ()
    return Answer(calls=calls, finish_reason="tool_calls") if calls else TEXT


def demanded(asked: Asked, answer: Answer) -> Answer:
    """Return an answer with the calls that `tool_choice` demands, made up where the answer has none of them."""
    if not asked.forced:
        return answer
    calls = tuple(call for call in answer.calls if call.name in asked.callable_tools)
    # OpenAI ends an answer that had to call one named tool with `stop`.
    finish_reason = "tool_calls" if asked.named_tool is None else "stop"
    return Answer(calls=calls or (_any_call(asked),), finish_reason=finish_reason)


def allowed(asked: Asked, answer: Answer) -> Answer:
    """Return what the request allows of an answer: no call, calls of some tools, one call, or so many tokens."""
    calls = () if asked.tool_choice == "none" else answer.calls
    offered = {tool["function"]["name"] for tool in asked.tools}
    # What is not on offer at all is a mistake that was asked for.
    calls = tuple(call for call in calls if call.name in asked.callable_tools or call.name not in offered)
    if answer.calls and not calls:
        answer = TEXT
    answer = replace(answer, calls=calls)
    if not asked.parallel or asked.api == "functions":
        answer = replace(answer, calls=answer.calls[:1])
    return cut(answer, asked.max_tokens)


def _any_call(asked: Asked) -> Call:
    return made_up(next(tool for tool in asked.tools if tool["function"]["name"] in asked.callable_tools))
