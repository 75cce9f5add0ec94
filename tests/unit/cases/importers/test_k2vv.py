"""Request bodies without expected calls as cases."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from fceval.cases.importers import Imported, Skipped, import_cases
from fceval.cases.importers.k2vv import PLUGIN
from fceval.scoring.matchers import check_case

TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}
BODY = {"messages": [{"role": "user", "content": "Go"}], "tools": [TOOL]}


def _read(tmp_path: Path, *rows: dict[str, Any]) -> tuple[list[Any], list[Skipped]]:
    path = tmp_path / "samples.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    items = list(PLUGIN.read(path))
    found = [item.fields for item in items if isinstance(item, Imported)]
    return found, [item for item in items if isinstance(item, Skipped)]


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (BODY | {"should_call_tool": True}, "any"),
        (BODY | {"should_call_tool": False}, []),
        (BODY | {"metadata": {"should_call_tool": True}}, "any"),
        (BODY | {"should_call_tool": False, "tool_choice": "required"}, []),
        ({"request": BODY, "finish_reason": "tool_calls"}, "any"),
        ({"request": BODY, "finish_reason": "stop"}, []),
        (BODY | {"tool_choice": "required"}, "any"),
        (BODY | {"tool_choice": {"type": "function", "function": {"name": "f"}}}, "any"),
        (BODY | {"tool_choice": "none"}, []),
        ({"messages": BODY["messages"], "should_call_tool": False}, []),
    ],
)
def test_trigger_says_whether_a_call_is_wanted(row: dict[str, Any], expected: object, tmp_path: Path) -> None:
    """The row's own label goes before the baseline, and that before a forced choice."""
    (case,), _ = _read(tmp_path, row)
    assert case["expected"] == expected


def test_request_parameters_are_the_cases(tmp_path: Path) -> None:
    """What belongs to the run, or is about the row, is not sent."""
    extra = {"temperature": 0.6, "max_tokens": 64, "model": "k2", "stream": True, "id": "x-1", "should_call_tool": True}
    (case,), _ = _read(tmp_path, BODY | extra)
    assert case["request"] == {"temperature": 0.6, "max_tokens": 64}
    assert (case["case_id"], case["category"]) == ("x-1", "relevance")


@pytest.mark.parametrize(
    ("row", "why"),
    [
        (BODY, "nothing says whether a call is wanted"),
        (BODY | {"finish_reason": "length"}, "nothing says whether a call is wanted"),
        (BODY | {"should_call_tool": "yes"}, "`should_call_tool` is true or false, not 'yes'"),
        (BODY | {"tools": [], "should_call_tool": True}, "no tool is offered"),
        (BODY | {"messages": [], "should_call_tool": True}, "no list of `messages`"),
        ({"tools": [TOOL], "should_call_tool": True}, "no list of `messages`"),
        ({"messages": BODY["messages"], "should_call_tool": True}, "no `tools`"),
    ],
)
def test_row_that_says_too_little_is_listed(row: dict[str, Any], why: str, tmp_path: Path) -> None:
    """With its number and the reason; the rows after it are read."""
    cases, (skipped,) = _read(tmp_path, row, BODY | {"should_call_tool": True})
    assert (skipped.row, [case["case_id"] for case in cases]) == (1, ["row-2"])
    assert why in skipped.why


def test_cases_pass_the_checks_of_cases(tmp_path: Path) -> None:
    """What is imported can be run."""
    path = tmp_path / "samples.jsonl"
    path.write_text(json.dumps(BODY | {"should_call_tool": True, "temperature": 1}), encoding="utf-8")
    skipped: list[Skipped] = []
    (case,) = import_cases(PLUGIN, path, check_case, skipped.append)
    assert skipped == []
    assert (case.turns[0].expected, case.request) == ("any", {"temperature": 1})
