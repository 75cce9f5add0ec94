"""What an answer would be without the flaws that can be undone: calls as their model meant them, and what it took.

Only what `fceval.flaws` recognises is undone: nothing is guessed, and no value is changed beyond being read.
"""

from __future__ import annotations

from collections.abc import Mapping

from fceval.flaws import hidden_arguments, offered_name, unnested
from fceval.records import Case, Parsed, ToolCall, json_text
from fceval.toolschema import ToolSchema, compile_tools


def repaired(parsed: Parsed, case: Case) -> tuple[Parsed, tuple[str, ...]] | None:
    """Return an answer with its repairable flaws undone, and their codes; None where it has none.

    Args:
        parsed: The answer as its dialect reads it.
        case: Its case, for the tools on offer.
    """
    offered = compile_tools(case.tools)
    codes: set[str] = set()
    if _leak_is_all(parsed, offered):
        parsed = parsed._replace(calls=parsed.leaked, problems=(), leaked=(), text="")
        codes.add("call_in_content")
    calls = []
    for call in parsed.calls:
        mended, undone = _mended(call, offered)
        calls.append(mended)
        codes.update(undone)
    return (parsed._replace(calls=tuple(calls)), tuple(sorted(codes))) if codes else None


def _leak_is_all(parsed: Parsed, offered: Mapping[str, ToolSchema]) -> bool:
    """Whether the calls in the text are all there is; JSON that names no tool on offer is an answer like any other."""
    if parsed.calls or not parsed.leaked:
        return False
    if parsed.problems:
        return len(parsed.problems) == 1 and "call_in_content" in parsed.notes
    return all(call.name in offered for call in parsed.leaked)


def _mended(call: ToolCall, offered: Mapping[str, ToolSchema]) -> tuple[ToolCall, set[str]]:
    codes: set[str] = set()
    if call.name not in offered and (name := offered_name(call.name, offered)):
        call = call._replace(name=name)
        codes.add("special_token_in_name")
    if call.problem is not None and (hidden := hidden_arguments(call.arguments)):
        arguments, flaws = hidden
        call = call._replace(arguments=json_text(arguments), value=arguments, problem=None)
        codes.update(flaws)
    schema = offered.get(call.name)
    if schema is not None and call.problem is None:
        value = unnested(call.value, schema.node)
        if value is not call.value:
            call = call._replace(arguments=json_text(value), value=value)
            codes.add("args_nested_string")
    return call, codes
