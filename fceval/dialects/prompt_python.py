"""Prompt mode, calls as Python: `[f(a=1), g(b="x")]`, the syntax that BFCL asks for.

The text is parsed with `ast` and never evaluated: arguments are literals, given by name.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from fceval.dialects import Dialect
from fceval.dialects._prompts import PromptDialect
from fceval.dialects._python_calls import closing_bracket, keyword_arguments, python_call
from fceval.dialects._written_calls import Passage, UnreadableCallError, Written, written_calls
from fceval.records import ToolCall, json_text

FIRST_LINE = "You can call tools: write your calls as a Python list."
"""Of the instructions."""
_NAME = r"[^\W\d][\w.:/-]*"
_OPENING = rf"\[\s*{_NAME}\("
_CALL = re.compile(rf"\s*({_NAME})\(")
_COMMA = re.compile(r"\s*,")
_LIST_END = re.compile(r"\s*+,?+\s*+\]")
_BARE = re.compile(rf"{_NAME}\(\s*(?:\)|\*\*\s*\{{|[^\W\d]\w*\s*=(?!=))")
_BETWEEN_BARE = re.compile(r"[\s,;]*")
_FENCE = re.compile(r"\A(`++|~{3,}+)(?:[\w+-]*[ \t]*\n)?(.*?)\1\Z", re.DOTALL)


class PythonSyntax:
    """A list of function calls with literals for arguments.

    Read as well: calls without the list where they are the whole answer, `true`, `false` and `null`, tuples, tools
    whose names are no Python names, and arguments whose names are Python's own words.
    """

    first_line = FIRST_LINE
    rules = (
        "To call, answer with the list and nothing else, each argument by its name and as a Python literal, "
        "for example:\n"
        '[first_tool(amount=5, notes=["a", "b"]), second_tool()]\n'
        'An argument whose name Python does not allow is written so: first_tool(**{"from": 1})'
    )

    def write(self, calls: Sequence[ToolCall]) -> str:
        """Return the calls as one list."""
        return f"[{', '.join(map(_written, calls))}]"

    def read(self, text: str) -> Written:
        """Return the calls of a text."""
        written = written_calls(text, _OPENING, _take)
        return written if written.calls or written.problems else _bare_calls(text)


def _written(call: ToolCall) -> str:
    """Return a call in the syntax; arguments that are no object stay as they are."""
    return python_call(call.name, call.value) if isinstance(call.value, dict) else f"{call.name}({call.arguments})"


def _take(text: str, start: int, _: int) -> Passage:
    """Read a list of calls."""
    place = start + 1
    calls: list[ToolCall] = []
    while found := _CALL.match(text, place):
        call, place = _read_call(text, found)
        calls.append(call)
        if end := _LIST_END.match(text, place):
            return Passage(end.end(), tuple(calls))
        comma = _COMMA.match(text, place)
        if not comma:
            break
        place = comma.end()
    msg = "a list of calls is broken or cut off"
    raise UnreadableCallError(msg)


def _bare_calls(text: str) -> Written:
    """Read an answer that is nothing but calls, without the list."""
    said = text.strip()
    fenced = _FENCE.match(said)
    source = (fenced.group(2) if fenced else said).strip()
    if not _BARE.match(source):
        return Written((), text)
    calls: list[ToolCall] = []
    place = 0
    try:
        while found := _CALL.match(source, place):
            call, place = _read_call(source, found)
            calls.append(call)
            between = _BETWEEN_BARE.match(source, place)
            place = between.end() if between else place
    except UnreadableCallError as error:
        return Written((), text, (f"{error}: {source[:80]}",))
    return Written(tuple(calls), "") if place == len(source) else Written((), text)


def _read_call(text: str, found: re.Match[str]) -> tuple[ToolCall, int]:
    """Return (call, where it ends).

    Raises:
        UnreadableCallError: It is broken.
    """
    end = closing_bracket(text, found.end() - 1)
    if end is None:
        msg = "a call is broken or cut off"
        raise UnreadableCallError(msg)
    arguments = keyword_arguments(text[found.end() : end])
    return ToolCall(None, found.group(1), json_text(arguments), arguments), end + 1


PLUGIN: Dialect = PromptDialect(PythonSyntax())
