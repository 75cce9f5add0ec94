"""promptfoo's tests as cases."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from fceval.cases.importers import Imported, Skipped, import_cases
from fceval.cases.importers.promptfoo import PLUGIN
from fceval.errors import DatasetError
from fceval.scoring.matchers import check_case

PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}, "unit": {"type": "string"}}}
WEATHER = {"type": "function", "function": {"name": "get_weather", "parameters": PARAMETERS}}
TIME = {"type": "function", "function": {"name": "get_time", "parameters": {"type": "object", "properties": {}}}}
ANYTHING = {"$match": "any", "optional": True}
NAMES = {"type": "tool-call-f1", "value": ["get_weather"]}
TEST = {"vars": {"city": "Oslo"}, "assert": [NAMES]}


def _suite(*tests: object, **fields: object) -> dict[str, object]:
    provider = {"id": "openai:chat:m", "config": {"tools": [WEATHER, TIME], "tool_choice": "auto"}}
    return {"prompts": ["Weather in {{city}}?"], "providers": [provider], "tests": list(tests), **fields}


def _asserting(*assertions: object) -> dict[str, object]:
    return _suite({"vars": {"city": "Oslo"}, "assert": list(assertions)})


def _read(tmp_path: Path, value: object) -> tuple[list[Any], list[str]]:
    path = tmp_path / "promptfoo.json"
    path.write_text(json.dumps(value), encoding="utf-8")
    items = list(PLUGIN.read(path))
    found = [item.fields for item in items if isinstance(item, Imported)]
    return found, [item.why for item in items if isinstance(item, Skipped)]


def test_test_becomes_a_case(tmp_path: Path) -> None:
    """Prompt, tools and the names that are asserted, with any arguments."""
    (case,), skipped = _read(tmp_path, _suite(TEST | {"description": "Oslo"}))
    assert skipped == []
    assert case == {
        "case_id": "test-1",
        "category": "multiple",
        "messages": [{"role": "user", "content": "Weather in Oslo?"}],
        "tools": [WEATHER, TIME],
        "expected": [{"name": "get_weather", "arguments": {"city": ANYTHING, "unit": ANYTHING}}],
        "tool_choice": "auto",
        "source": {"dataset": "promptfoo", "test": 1, "description": "Oslo"},
    }


@pytest.mark.parametrize("whole", [_suite(TEST), {"evalId": "e", "config": _suite(TEST), "results": {}}])
def test_configuration_and_export_are_read(whole: object, tmp_path: Path) -> None:
    """The output of an evaluation holds its configuration."""
    assert len(_read(tmp_path, whole)[0]) == 1


def test_bare_list_of_tests_brings_its_own_tools(tmp_path: Path) -> None:
    """Without prompts the variable `prompt` is the prompt; tools may be written flat."""
    flat = {"name": "get_weather", "parameters": PARAMETERS, "normalized": True}
    test = {"vars": {"prompt": "Hi"}, "options": {"provider": {"config": {"tools": [flat]}}}, "assert": [NAMES]}
    (case,), _ = _read(tmp_path, [test])
    assert (case["messages"], case["tools"]) == ([{"role": "user", "content": "Hi"}], [WEATHER])


def test_chat_prompt_is_filled_message_by_message(tmp_path: Path) -> None:
    """Several prompts make several cases."""
    chat = '[{"role": "system", "content": "Be {{mood}}"}, {"role": "user", "content": "{{ city }}"}]'
    suite = _suite(TEST, prompts=[{"raw": chat, "label": "chat"}, "{{city}}"], defaultTest={"vars": {"mood": "kind"}})
    cases, _ = _read(tmp_path, suite)
    assert [case["case_id"] for case in cases] == ["test-1-prompt-1", "test-1-prompt-2"]
    assert [message["content"] for message in cases[0]["messages"]] == ["Be kind", "Oslo"]


def _match(mode: str | None = None, **more: object) -> dict[str, object]:
    value = {"name": "get_weather", "args": {"city": "{{city}}"}, **({"mode": mode} if mode else {}), **more}
    return {"type": "trajectory:tool-args-match", "value": value}


@pytest.mark.parametrize(
    ("assertions", "expected"),
    [
        (
            [{"type": "tool-call-f1", "value": "get_time, get_time"}],
            {"expected": [{"name": "get_time", "arguments": {}}]},
        ),
        (
            [
                {
                    "type": "trajectory:tool-sequence",
                    "value": {"mode": "exact", "steps": ["get_time", {"name": "get_time"}]},
                }
            ],
            {"expected": [{"name": "get_time", "arguments": {}}] * 2, "order": "strict"},
        ),
        (
            [_match()],
            {
                "expected": [{"name": "get_weather", "arguments": {"city": "Oslo", "unit": ANYTHING}}],
                "extra_calls": "allow",
            },
        ),
        ([NAMES, _match("exact")], {"expected": [{"name": "get_weather", "arguments": {"city": "Oslo"}}]}),
        ([{"type": "is-valid-openai-tools-call"}], {"expected": "any"}),
    ],
)
def test_assertions_become_expected_calls(
    assertions: list[object], expected: dict[str, object], tmp_path: Path
) -> None:
    """All of a test's together."""
    (case,), skipped = _read(tmp_path, _asserting(*assertions))
    assert skipped == []
    assert {name: case[name] for name in ("expected", "order", "extra_calls") if name in case} == expected


def test_other_assertions_are_listed(tmp_path: Path) -> None:
    """The case is imported without them, and that is said."""
    cases, skipped = _read(tmp_path, _asserting(NAMES, {"type": "llm-rubric", "value": "nice"}, "?"))
    assert len(cases) == 1
    assert skipped == ["imported without: assertion `llm-rubric`", "imported without: assertion `None`"]


@pytest.mark.parametrize(
    ("suite", "why"),
    [
        (_asserting({"type": "javascript", "value": "x"}), "no assertion on tool calls that can be expressed"),
        (_asserting(), "no assertion on tool calls"),
        (_asserting(NAMES | {"threshold": 0.5}), "no partial match"),
        (_asserting({"type": "tool-call-f1", "value": 1}), "without a list of tool names"),
        (_asserting({"type": "tool-call-f1", "value": ["other"]}), "`other` is of a tool that is not offered"),
        (_asserting({"type": "trajectory:tool-args-match", "value": "x"}), "without `name` and `args`"),
        (_asserting(_match(defaults={})), "with `defaults`"),
        (_asserting({"type": "trajectory:tool-sequence", "value": {"mode": "exact"}}), "without tool names"),
        (_asserting(NAMES, {"type": "tool-call-f1", "value": ["get_time"]}), "name different tools"),
        (_asserting({"type": "tool-call-f1", "value": ["get_time"]}, _match()), "but not that it is called"),
        (_suite("file://tests.yaml"), "the test is no object"),
        (_suite(TEST, providers=["openai:m"]), "no tools in the configuration"),
        (_suite(TEST, providers=[{"config": {"tools": "file://t.json"}}]), "the tools stand elsewhere"),
        (_suite(TEST, prompts=["file://p.txt"]), "the prompt stands elsewhere"),
        (_suite(TEST, prompts=[{"id": "p"}]), "a prompt that is no text"),
        (_suite(TEST, prompts=["{% if x %}"]), "template code"),
        (_suite(TEST, prompts=["{{city | upper}}"]), "template code"),
        (_suite(TEST, prompts=["{{other}}"]), "`other` has no value"),
        (_suite(TEST | {"vars": {"city": ["Oslo", "Rome"]}}), "several values"),
        (_suite(TEST | {"vars": {"city": "file://c.txt"}}), "`city` stands in another file"),
        (_suite(TEST | {"vars": "file://v.yaml"}), "the variables stand elsewhere"),
    ],
)
def test_test_that_cannot_be_a_case_is_listed(suite: object, why: str, tmp_path: Path) -> None:
    """With the reason."""
    cases, skipped = _read(tmp_path, suite)
    assert (cases, len(skipped)) == ([], 1)
    assert why in skipped[0]


@pytest.mark.parametrize(
    ("text", "problem"),
    [("prompts: [x]", "promptfoo's YAML is not read"), ("{}", "no list of `tests`"), ('"x"', "no list of `tests`")],
)
def test_file_of_another_form_is_an_error(text: str, problem: str, tmp_path: Path) -> None:
    """The message says what to give."""
    path = tmp_path / "promptfooconfig.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DatasetError, match=problem):
        list(PLUGIN.read(path))


def test_cases_pass_the_checks_of_cases(tmp_path: Path) -> None:
    """What is imported can be run."""
    path = tmp_path / "promptfoo.json"
    path.write_text(json.dumps(_asserting(NAMES, _match())), encoding="utf-8")
    skipped: list[Skipped] = []
    (case,) = import_cases(PLUGIN, path, check_case, skipped.append)
    assert skipped == []
    assert case.turns[0].expected != "any"
