"""Fine-tuning and chat rows as cases."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from fceval.cases.importers import Imported, Skipped, import_cases
from fceval.cases.importers.openai import PLUGIN
from fceval.errors import DatasetError
from fceval.scoring.matchers import check_case

TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}
USER = {"role": "user", "content": "Go"}
RESULT = {"role": "tool", "tool_call_id": "c", "content": "ok"}
SAYS = {"role": "assistant", "content": "Done"}


def _calls(*arguments: str, name: str = "f", **more: object) -> dict[str, Any]:
    entries = [{"id": "c", "type": "function", "function": {"name": name, "arguments": each}} for each in arguments]
    return {"role": "assistant", "tool_calls": entries, **more}


def _read(tmp_path: Path, *rows: dict[str, Any]) -> tuple[list[Any], list[Skipped]]:
    path = tmp_path / "chat.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    items = list(PLUGIN.read(path))
    found = [item.fields for item in items if isinstance(item, Imported)]
    return found, [item for item in items if isinstance(item, Skipped)]


def test_last_message_is_what_is_expected(tmp_path: Path) -> None:
    """What stands before it is sent; settings of the row are the case's."""
    messages = [{"role": "system", "content": "S", "weight": 1}, USER, _calls('{"x": 1}', "")]
    row = {"messages": messages, "tools": [TOOL], "parallel_tool_calls": False, "tool_choice": "auto"}
    (case,), _ = _read(tmp_path, row)
    assert case == {
        "case_id": "row-1",
        "category": "parallel",
        "messages": [{"role": "system", "content": "S"}, USER],
        "tools": [TOOL],
        "expected": [{"name": "f", "arguments": {"x": 1}}, {"name": "f", "arguments": {}}],
        "tool_choice": "auto",
        "parallel_tool_calls": False,
        "source": {"dataset": "openai", "row": 1},
    }


def test_every_turn_that_calls_is_a_case(tmp_path: Path) -> None:
    """Earlier calls and results are history; the text that follows a result is none."""
    row = {"id": "chat", "messages": [USER, _calls("{}"), RESULT, _calls('{"x": 2}'), RESULT, SAYS], "tools": [TOOL]}
    cases, skipped = _read(tmp_path, row)
    assert [(case["case_id"], len(case["messages"]), case["expected"][0]["arguments"]) for case in cases] == [
        ("chat-0", 1, {}),
        ("chat-1", 3, {"x": 2}),
    ]
    assert skipped == []


def test_conversation_without_a_call_wants_none(tmp_path: Path) -> None:
    """The model was to answer in words."""
    (case,), _ = _read(tmp_path, {"messages": [USER, SAYS], "tools": [TOOL]})
    assert (case["expected"], case["category"]) == ([], "irrelevance")


def test_message_of_no_weight_is_history_alone(tmp_path: Path) -> None:
    """It is not to be learnt, so it is not expected."""
    row = {"messages": [USER, _calls("{}", weight=0), RESULT, _calls('{"x": 2}')], "tools": [TOOL]}
    (case,), _ = _read(tmp_path, row)
    assert (case["case_id"], case["expected"][0]["arguments"]) == ("row-1", {"x": 2})
    assert "weight" not in case["messages"][1]


def test_retired_functions_are_tools(tmp_path: Path) -> None:
    """`functions` and `function_call` say the same in old words."""
    answer = {"role": "assistant", "function_call": {"name": "f", "arguments": "{}"}}
    (case,), _ = _read(tmp_path, {"messages": [USER, answer], "functions": [TOOL["function"]]})
    assert (case["tools"], case["expected"]) == ([TOOL], [{"name": "f", "arguments": {}}])


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ({"messages": [USER, _calls("{}")]}, "no `tools`"),
        ({"messages": "x", "tools": [TOOL]}, "no list of `messages`"),
        ({"messages": [USER], "tools": [TOOL]}, "nothing says what is expected"),
        ({"messages": [USER, _calls("{}", weight=0)], "tools": [TOOL]}, "`weight` 0"),
        ({"messages": [USER, _calls("{")], "tools": [TOOL]}, "cannot be read: not valid JSON"),
        ({"messages": [USER, _calls("[]")], "tools": [TOOL]}, "are no JSON object"),
        ({"messages": [USER, _calls("{}", name="g")], "tools": [TOOL]}, "`g` is of a tool that is not offered"),
        ({"messages": [USER, _calls("{}")], "tools": [{"type": "web_search"}]}, "a tool that is no function"),
        ({"messages": [USER, {**SAYS, "tool_calls": [{"type": "custom"}]}], "tools": [TOOL]}, "names no function"),
        ({"messages": [USER, {**SAYS, "tool_calls": {"f": 1}}], "tools": [TOOL]}, "`tool_calls` is no list"),
    ],
)
def test_row_that_cannot_be_a_case_is_listed(row: dict[str, Any], why: str, tmp_path: Path) -> None:
    """With its number and the reason; the rows after it are read."""
    cases, (skipped,) = _read(tmp_path, row, {"messages": [USER, SAYS], "tools": [TOOL]})
    assert (skipped.row, len(cases)) == (1, 1)
    assert why in skipped.why


def test_cases_pass_the_checks_of_cases(tmp_path: Path) -> None:
    """What is imported can be run."""
    path = tmp_path / "chat.jsonl"
    path.write_text(json.dumps({"messages": [USER, _calls("{}")], "tools": [TOOL]}), encoding="utf-8")
    skipped: list[Skipped] = []
    (case,) = import_cases(PLUGIN, path, check_case, skipped.append)
    assert skipped == []
    assert case.tools[0].name == "f"


def test_file_that_is_missing_is_an_error(tmp_path: Path) -> None:
    """The message names it."""
    with pytest.raises(DatasetError, match=r"none\.jsonl: cannot be read"):
        list(PLUGIN.read(tmp_path / "none.jsonl"))
