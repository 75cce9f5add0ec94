"""Cases of about 1.5 KB each, and answers to them, as files: the same ones each time.

What is asked differs from case to case. What is to be booked does where answers are predictions; the endpoint answers
everybody with `ANSWER`. One expected call in five wants another table than the answer books, so that reports have
something to tell. Cases for BFCL's rules say what those want to know as well, and are half as long again.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

MODEL = "benchmark"
TOOL = "book_table"
ANSWER = '{"restaurant": "Chez Panisse", "guests": 4, "at": "2026-05-01T19:30:00", "terrace": true}'
"""The arguments that the endpoint has, as a model writes them."""
_WRONG_EVERY = 5
_TOOL_SETS = 100
_CATEGORIES = 7
_HOSTS = ("Panisse", "Anna", "Zoé", "Müller", "Ömer")
_MOST_GUESTS = 11

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


def _booked(number: int) -> dict[str, Any]:
    """Return the arguments that a case's prediction has."""
    return {
        "restaurant": f"Chez {_HOSTS[number % len(_HOSTS)]} {number}",
        "guests": number % _MOST_GUESTS + 1,
        "at": f"2026-05-{number % 31 + 1:02}T{number % 24:02}:30:00",
        "terrace": number % 2 == 0,
    }


def _row(number: int, *, alike: bool, bfcl: bool) -> dict[str, Any]:
    of_city = f"in town {number % _TOOL_SETS}"
    tools = [
        _tool(TOOL, f"Book a table at a restaurant {of_city}.", ("restaurant", "guests", "at", "terrace")),
        _tool("cancel_table", f"Give back a table {of_city} that was booked before.", ("restaurant", "at")),
    ]
    arguments = json.loads(ANSWER) if alike else _booked(number)
    if number % _WRONG_EVERY == 0:
        arguments["guests"] += 1
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


def write_cases(path: Path, number: int, *, alike: bool = True, bfcl: bool = False) -> Path:
    """Write a dataset as JSONL and return its path.

    Args:
        path: A `.jsonl` file.
        number: How many cases there are.
        alike: Whether `ANSWER` is what is wanted of most cases; else each wants what its prediction has.
        bfcl: Whether BFCL's rules can judge them.
    """
    return _write(path, (_row(each, alike=alike, bfcl=bfcl) for each in range(number)))


def write_predictions(path: Path, number: int, wrong_every: int = 0) -> Path:
    """Write an answer to each case of a dataset in which no two are alike, and return the file's path.

    Args:
        path: A `.jsonl` file.
        number: How many cases there are.
        wrong_every: Each so manieth answer books for fewer guests; 0: none does.
    """
    return _write(path, (_prediction(each, wrong_every) for each in range(number)))


def _prediction(number: int, wrong_every: int) -> dict[str, Any]:
    arguments = _booked(number)
    if wrong_every and number % wrong_every == 0:
        arguments["guests"] -= 1
    call = {"name": TOOL, "arguments": json.dumps(arguments, ensure_ascii=False)}
    return {"case_id": f"case-{number:07}", "tool_calls": [call]}


def _write(path: Path, rows: Iterator[dict[str, Any]]) -> Path:
    with path.open("w", encoding="utf-8") as lines:
        lines.writelines(json.dumps(row) + "\n" for row in rows)
    return path
