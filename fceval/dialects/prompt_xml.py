"""Prompt mode, calls in tags: `<tool_call>{"name": "f", "arguments": {"a": 1}}</tool_call>`."""

from __future__ import annotations

import re
from collections.abc import Sequence

from fceval.dialects import Dialect
from fceval.dialects._prompts import PromptDialect
from fceval.dialects._written_calls import (
    Passage,
    UnreadableCallError,
    Written,
    json_call,
    json_passage,
    written_calls,
)
from fceval.records import ToolCall

FIRST_LINE = "You can call tools: write each call between <tool_call> tags."
"""Of the instructions."""
# What is no JSON is an attempt all the same where the tag is closed; `...` between tags is talk about them.
_OPENING = r"<tool_call>\s*(?:```\w*\s*)?(?=[\[{]|[\w\"'(][^<]*</tool_call>)"
_CLOSING = re.compile(r"\s*+(?:```\s*+)?(?:</tool_call>|(?=<tool_call>|\Z))")


class XmlSyntax:
    """One tag a call, with JSON in it.

    Read as well: several calls in a tag, `parameters` in place of `arguments`, and a last tag that is not closed,
    because servers often stop at the end tag and leave it out.
    """

    first_line = FIRST_LINE
    rules = (
        "To call, write a JSON object with the name and the arguments between the tags, one pair of tags a call, "
        "for example:\n"
        '<tool_call>\n{"name": "first_tool", "arguments": {"amount": 5}}\n</tool_call>'
    )

    def write(self, calls: Sequence[ToolCall]) -> str:
        """Return the calls, a tag each."""
        return "\n".join(f"<tool_call>\n{json_call(call)}\n</tool_call>" for call in calls)

    def read(self, text: str) -> Written:
        """Return the calls of a text; text may follow them."""
        return written_calls(text, _OPENING, _take, ends_line=False)


def _take(text: str, _: int, start: int) -> Passage:
    passage = json_passage(text, start)
    closing = _CLOSING.match(text, passage.end)
    if closing is None or not passage.calls:
        msg = "what stands between the tags is no call"
        raise UnreadableCallError(msg)
    return Passage(closing.end(), passage.calls)


PLUGIN: Dialect = PromptDialect(XmlSyntax())
