"""The calls in text that should not hold any: leaked syntax read as what its model meant by it, all of it or nothing.

Only syntaxes that say the type of every argument are read: JSON, or parameters that say so themselves.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from fceval.dialects._arguments import read_arguments
from fceval.dialects._leaks import begins_call
from fceval.flaws import BAR, json_end, named_calls
from fceval.jsontext import JsonTextError, read_json, refuse_depth
from fceval.records import Json, ToolCall

_NAME = r"([\w.:/-]+?)"
_SPACE = r"[ _\u2581]"
_DSML = rf"(?:{BAR}DSML{BAR}|\w+:)?"
_CALL_BEGIN = rf"<{BAR}tool{_SPACE}call{_SPACE}begin{BAR}>"

_CHANNEL = r"(?:<\|start\|>\w*)?<\|channel\|>"
_FORMAT = r"(?:<\|constrain\|>\s*\w*\s*)?"

_HEADS = tuple(
    re.compile(head)
    for head in (
        # What stands before the JSON of a call. Where the head holds no name, the JSON does.
        rf"<{BAR}?(?:tool_?calls?|function_?calls?){BAR}?>\s*(?=[\[{{])",  # Qwen, Hermes, Granite
        r"\[TOOL_CALLS\]\s*(?=[\[{])",  # Mistral
        rf"\[TOOL_CALLS\]\s*{_NAME}\s*(?:\[CALL_ID\]\s*[\w-]+\s*)?(?:\[ARGS\]\s*)?(?=\{{)",  # Mistral, newer
        rf"<function={_NAME}>\s*(?=\{{)",
        rf"(?:{_CALL_BEGIN}\s*)?functions\.{_NAME}(?::\d+)?\s*<{BAR}tool_call_argument_begin{BAR}>\s*(?=\{{)",  # Kimi
        rf"{_CALL_BEGIN}{_NAME}<{BAR}tool{_SPACE}sep{BAR}>\s*(?=\{{)",  # DeepSeek V3.1
        # gpt-oss
        rf"(?:{_CHANNEL})?(?:commentary|analysis)\s+to=functions\.{_NAME}\s*{_FORMAT}<\|message\|>\s*(?=\{{)",
    )
)
_INVOKE = re.compile(rf'<{_DSML}invoke\s+name="([^"]+)"\s*>(.*?)</{_DSML}invoke>', re.DOTALL)
_PARAMETER = re.compile(
    rf'\s*<{_DSML}parameter\s+name="([^"]+)"\s+string="(true|false)"\s*>(.*?)</{_DSML}parameter>\s*', re.DOTALL
)


def leaked_calls(leak: str) -> tuple[ToolCall, ...]:
    """Return the calls of a text that leaked; none where one of them cannot be read.

    Args:
        leak: As `fceval.dialects._leaks.leaked_text` finds it.
    """
    try:
        refuse_depth(leak)
        pieces = sorted(_pieces(leak))
        calls = tuple(call for _, _, calls in pieces for call in calls)
    except (JsonTextError, _UnreadableError):
        return ()
    return () if begins_call(_beside(leak, [(start, end) for start, end, _ in pieces])) else calls


def bare_calls(text: str) -> tuple[ToolCall, ...]:
    """Return the calls of a text that is nothing but their JSON; none where it is anything else."""
    if not text.lstrip().startswith(("{", "[")):
        return ()
    try:
        return _calls(read_json(text))
    except (JsonTextError, _UnreadableError):
        return ()


class _UnreadableError(Exception):
    """A call that nobody can be sure of."""


_Piece = tuple[int, int, tuple[ToolCall, ...]]
"""Where it begins, where it ends, and the calls that it makes."""


def _pieces(leak: str) -> Iterator[_Piece]:
    for head in _HEADS:
        end = 0
        for found in head.finditer(leak):
            if found.start() < end:
                continue  # within the arguments of a call
            end = json_end(leak, found.end()) or 0
            if not end:
                raise _UnreadableError
            value = read_json(leak[found.end() : end])
            yield found.start(), end, _calls(value) if head.groups == 0 else (_call(found.group(1), value),)
    for found in _INVOKE.finditer(leak):
        yield found.start(), found.end(), (_call(found.group(1), _parameters(found.group(2))),)


def _calls(value: Json) -> tuple[ToolCall, ...]:
    return tuple(_call(name, arguments) for name, arguments in named_calls(value))


def _call(name: str, arguments: Json) -> ToolCall:
    read = read_arguments(arguments)
    if not name or read.problem is not None:
        raise _UnreadableError
    return ToolCall(None, name, read.text, read.value)


def _parameters(text: str) -> dict[str, Json]:
    values: dict[str, Json] = {}
    place = 0
    while place < len(text.rstrip()):
        found = _PARAMETER.match(text, place)
        if not found or found.group(1) in values:
            raise _UnreadableError
        name, is_string, written = found.groups()
        values[name] = written if is_string == "true" else read_json(written)
        place = found.end()
    return values


def _beside(leak: str, spans: list[tuple[int, int]]) -> str:
    """Return what stands between the pieces."""
    starts = [0, *(end for _, end in spans)]
    ends = [*(start for start, _ in spans), len(leak)]
    return "\n".join(leak[start:end] for start, end in zip(starts, ends, strict=True))
