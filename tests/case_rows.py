"""Rows of datasets for tests: one that is right, to be changed where a test needs it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "days": {"type": "integer", "minimum": 1}},
            "required": ["city"],
            "additionalProperties": False,
        },
    },
}
"""A tool with a required and an optional argument."""

LEFT_OUT = object()
"""As a field's value: the row does not have it."""


def row(**fields: object) -> dict[str, Any]:
    """Return a row that is a case, with some fields in place of its own; `LEFT_OUT` removes one."""
    plain: dict[str, object] = {
        "case_id": "a",
        "category": "simple",
        "messages": [{"role": "user", "content": "What is the weather in Oslo?"}],
        "tools": [WEATHER],
        "expected": [{"name": "get_weather", "arguments": {"city": "Oslo"}}],
    }
    return {name: value for name, value in (plain | fields).items() if value is not LEFT_OUT}


def turns_row(*turns: dict[str, object], **fields: object) -> dict[str, Any]:
    """Return a row of several turns; each gets what it lacks of messages and expected calls."""
    whole = [{"messages": [{"role": "user", "content": "Hello"}], "expected": [], **turn} for turn in turns]
    return row(**{"messages": LEFT_OUT, "expected": LEFT_OUT, "turns": whole, **fields})


def write_jsonl(path: Path, rows: Iterable[dict[str, Any]]) -> Path:
    """Write rows as JSONL and return the file."""
    path.write_text("".join(json.dumps(each) + "\n" for each in rows), encoding="utf-8")
    return path
