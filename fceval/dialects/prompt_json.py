"""Prompt mode, calls as JSON: `[{"name": "f", "arguments": {"a": 1}}]`."""

from __future__ import annotations

from collections.abc import Sequence

from fceval.dialects import Dialect
from fceval.dialects._prompts import PromptDialect
from fceval.dialects._written_calls import Written, json_call, json_passage, written_calls
from fceval.records import ToolCall

FIRST_LINE = "You can call tools: write your calls as a JSON list."
"""Of the instructions."""
_KEYS = "name|function|tool|tool_name|tool_calls|arguments|parameters|type|id"
_OPENING = rf"""(?:\[\s*)?\{{\s*["'](?:{_KEYS})["']\s*:"""


class JsonSyntax:
    """A list of objects with `name` and `arguments`.

    Read as well: one object without the list, several one after the other, `parameters` in place of `arguments`,
    OpenAI's nested entries, and no arguments at all.
    """

    first_line = FIRST_LINE
    rules = (
        "To call, answer with the list and nothing else, for example:\n"
        '[{"name": "first_tool", "arguments": {"amount": 5}}, {"name": "second_tool", "arguments": {}}]'
    )

    def write(self, calls: Sequence[ToolCall]) -> str:
        """Return the calls as one list."""
        return f"[{', '.join(map(json_call, calls))}]"

    def read(self, text: str) -> Written:
        """Return the calls of a text."""
        return written_calls(text, _OPENING, lambda text, start, _: json_passage(text, start))


PLUGIN: Dialect = PromptDialect(JsonSyntax())
