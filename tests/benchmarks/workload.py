"""Cases of about 1.5 KB each, and answers to them, as files: the same ones each time.

One expected call in five wants another table than `ANSWER` books, so that reports have something to tell. Cases for
BFCL's rules say what those want to know as well, and are half as long again.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

MODEL = "benchmark"
TOOL = "book_table"
ANSWER = '{"restaurant": "Chez Panisse", "guests": 4, "at": "2026-05-01T19:30:00", "terrace": true}'
"""The arguments that the endpoint and the predictions have, as a model writes them."""
_WRONG_EVERY = 5
_TOOL_SETS = 100
_CATEGORIES = 7

_PROPERTIES: dict[str, dict[str, Any]] = {
    "restaurant": {"type": "string", "description": "The restaurant's name, as its guests know it."},
    "guests": {"type": "integer", "description": "How many people will come.", "minimum": 1},
    "at": {"type": "string", "description": "When they come: ISO 8601, in the restaurant's own time."},
    "terrace": {"type": "boolean", "description": "Whether they would rather sit outside."},
}


def _tool(name: str, description: str, names: tuple[str, ...]) -> dict[str, Any]:
    parameters = {
        "type": "object",
        "properties": {each: _PROPERTIES[each] for each in names},
        "required": list(names),
        "additionalProperties": False,
    }
    return {"type": "function", "function": {"name": name, "description": description, "parameters": parameters}}


def _row(number: int, *, bfcl: bool) -> dict[str, Any]:
    of_city = f"in town {number % _TOOL_SETS}"
    tools = [
        _tool(TOOL, f"Book a table at a restaurant {of_city}.", ("restaurant", "guests", "at", "terrace")),
        _tool("cancel_table", f"Give back a table {of_city} that was booked before.", ("restaurant", "at")),
    ]
    arguments = json.loads(ANSWER)
    if number % _WRONG_EVERY == 0:
        arguments["guests"] = 5
    expected = [{"name": TOOL, "arguments": arguments}]
    question = f"Please book us a table for tonight, on the terrace, and note that it is request {number}."
    row = {
        "case_id": f"case-{number:07}",
        "category": f"category {number % _CATEGORIES}",
        "messages": [{"role": "user", "content": question}],
        "tools": tools,
        "expected": expected,
    }
    return {**row, "source": _bfcl_source(tools[0]["function"], arguments)} if bfcl else row


def _bfcl_source(function: dict[str, Any], arguments: dict[str, Any]) -> dict[str, Any]:
    return {
        "dataset": "bfcl",
        "category": "simple_python",
        "function": [{**function, "parameters": {**function["parameters"], "type": "dict"}}],
        "ground_truth": [{TOOL: {name: [value] for name, value in arguments.items()}}],
    }


def write_cases(path: Path, number: int, *, bfcl: bool = False) -> Path:
    """Write a dataset as JSONL and return its path; with `bfcl`, one that BFCL's rules can judge."""
    return _write(path, (_row(each, bfcl=bfcl) for each in range(number)))


def write_predictions(path: Path, number: int, wrong_every: int = 0) -> Path:
    """Write an answer to each case and return the file's path.

    Args:
        path: A `.jsonl` file.
        number: How many cases there are.
        wrong_every: Each so manieth answer books for other guests; 0: none does.
    """
    other = ANSWER.replace("4", "3", 1)
    rows = (
        {
            "case_id": f"case-{each:07}",
            "tool_calls": [{"name": TOOL, "arguments": other if wrong_every and each % wrong_every == 0 else ANSWER}],
        }
        for each in range(number)
    )
    return _write(path, rows)


def _write(path: Path, rows: Iterator[dict[str, Any]]) -> Path:
    with path.open("w", encoding="utf-8") as lines:
        lines.writelines(json.dumps(row) + "\n" for row in rows)
    return path
