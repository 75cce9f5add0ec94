"""What OpenAI-style rows have in common: assistant messages as expected calls, tools old and new."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fceval.jsontext import JsonTextError, read_json
from fceval.records import Json

Message = Mapping[str, Any]
Call = dict[str, Json]


class Inexpressible(ValueError):  # noqa: N818 -- not an error of the source: it says something that fceval has no words for
    """Something cannot be a case of fceval; the message says why, for a person."""


def tools_of(row: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the tools of a request body, those of the retired `functions` field included.

    Raises:
        Inexpressible: There are none, or not in the form of Chat Completions.
    """
    entries = row.get("tools")
    if entries is None and isinstance(row.get("functions"), list):
        entries = [{"type": "function", "function": function} for function in row["functions"]]
    if not isinstance(entries, list):
        msg = "no `tools`"
        raise Inexpressible(msg)
    for entry in entries:
        function = entry.get("function") if isinstance(entry, dict) else None
        if not isinstance(function, dict) or not isinstance(function.get("name"), str):
            msg = f"a tool that is no function: {str(entry)[:80]}"
            raise Inexpressible(msg)
    return entries


def calls_of(message: Message) -> list[Call]:
    """Return the calls of an assistant message as expected calls; empty where it makes none.

    Raises:
        Inexpressible: A call without a name, or whose arguments are no JSON object.
    """
    listed = message.get("tool_calls") or []
    if not isinstance(listed, list):
        msg = f"`tool_calls` is no list: {str(listed)[:80]}"
        raise Inexpressible(msg)
    entries = [entry.get("function") if isinstance(entry, dict) else entry for entry in listed]
    if message.get("function_call"):
        entries.append(message["function_call"])
    return [_call(entry) for entry in entries]


def _call(function: object) -> Call:
    if not isinstance(function, dict) or not isinstance(function.get("name"), str):
        msg = f"a call that names no function: {str(function)[:80]}"
        raise Inexpressible(msg)
    name, arguments = function["name"], function.get("arguments")
    if isinstance(arguments, str):
        try:
            arguments = read_json(arguments) if arguments.strip() else {}
        except JsonTextError as error:
            msg = f"the arguments of the expected call of `{name}` cannot be read: {error}"
            raise Inexpressible(msg) from None
    if not isinstance(arguments, dict):
        msg = f"the arguments of the expected call of `{name}` are no JSON object"
        raise Inexpressible(msg)
    return {"name": name, "arguments": arguments}


def check_offered(calls: Sequence[Call], tools: Sequence[Mapping[str, Any]]) -> None:
    """Refuse an expected call of a tool that is not offered.

    Raises:
        Inexpressible: No answer can make that call.
    """
    offered = [tool["function"]["name"] for tool in tools]
    for call in calls:
        if call["name"] not in offered:
            msg = f"the expected call of `{call['name']}` is of a tool that is not offered"
            raise Inexpressible(msg)


def category_of(calls: Sequence[Call] | None, tools: Sequence[object]) -> str:
    """Return BFCL's label for a case: by how many calls are wanted, and whether there is a choice of tools.

    Args:
        calls: The expected ones; None where any call will do.
        tools: The offered ones.
    """
    if calls is None:
        return "relevance"
    if not calls:
        return "irrelevance"
    choice = len(tools) > 1
    if len(calls) > 1:
        return "parallel_multiple" if choice else "parallel"
    return "multiple" if choice else "simple"
