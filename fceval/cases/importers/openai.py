"""OpenAI's fine-tuning and chat rows: JSON Lines of `messages` and `tools`.

Each assistant message that calls tools becomes a case: what stands before it is sent, its calls are expected, and
the calls and tool results of earlier turns are history. An assistant message of text becomes a case in which no call
is wanted, but only where it ends a conversation without any call: text after a tool's result answers another
question. A message with `weight` 0, which is not to be learnt, is history alone.

Case ids are the row's `id`, else `row-N`; with `-M` for the M-th case of a conversation that gives several.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from fceval.cases.importers import Imported, Importer, Item, Skipped
from fceval.cases.importers._json_lines import read_objects
from fceval.cases.importers._openai_rows import Inexpressible, calls_of, category_of, check_offered, tools_of
from fceval.records import Json

_SETTINGS = ("tool_choice", "parallel_tool_calls")


class OpenAI:
    """Reads chat rows with the answers that a model is to learn."""

    def read(self, source: Path) -> Iterator[Item]:
        """Yield the cases conversation by conversation."""
        for row, fields in read_objects(source):
            try:
                messages = _messages(fields)
                targets = _targets(messages)
                tools = tools_of(fields)
            except Inexpressible as why:
                yield Skipped(str(source), row, str(why))
                continue
            name = fields["id"] if isinstance(fields.get("id"), str) else f"row-{row}"
            for number, target in enumerate(targets):
                case_id = name if len(targets) == 1 else f"{name}-{number}"
                try:
                    case = _case(case_id, messages, target, tools)
                except Inexpressible as why:
                    yield Skipped(str(source), row, f"messages[{target}]: {why}")
                    continue
                settings = {key: fields[key] for key in _SETTINGS if fields.get(key) is not None}
                yield Imported(str(source), row, case | settings | {"source": {"dataset": "openai", "row": row}})


def _messages(fields: Mapping[str, Any]) -> list[dict[str, Any]]:
    messages = fields.get("messages")
    if not isinstance(messages, list) or not all(isinstance(message, dict) for message in messages):
        msg = "no list of `messages`"
        raise Inexpressible(msg)
    return messages


def _targets(messages: list[dict[str, Any]]) -> list[int]:
    """Return the positions of the messages whose calls are expected."""
    answers = [place for place, message in enumerate(messages) if message.get("role") == "assistant" and place > 0]
    calling = [place for place in answers if messages[place].get("tool_calls") or messages[place].get("function_call")]
    targets = calling or [place for place in answers if place == len(messages) - 1]
    if not targets:
        msg = "no assistant message that calls a tool or ends the conversation: nothing says what is expected"
        raise Inexpressible(msg)
    learnt = [place for place in targets if messages[place].get("weight") != 0]
    if not learnt:
        msg = "every assistant message has `weight` 0: nothing says what is expected"
        raise Inexpressible(msg)
    return learnt


def _case(case_id: str, messages: list[dict[str, Any]], target: int, tools: list[dict[str, Any]]) -> dict[str, Json]:
    calls = calls_of(messages[target])
    check_offered(calls, tools)
    return {
        "case_id": case_id,
        "category": category_of(calls, tools),
        "messages": [
            {key: value for key, value in message.items() if key != "weight"} for message in messages[:target]
        ],
        "tools": tools,
        "expected": calls,
    }


PLUGIN: Importer = OpenAI()
