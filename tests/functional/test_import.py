"""Someone else's datasets through the command line: what became cases, what did not, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from tests.functional.conftest import Command

TOOL = {
    "type": "function",
    "function": {"name": "f", "parameters": {"type": "object", "properties": {"x": {"type": "integer"}}}},
}
USER = {"role": "user", "content": "Call f with 1"}
CALL = {
    "role": "assistant",
    "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": '{"x": 1}'}}],
}
NAMES = {"type": "tool-call-f1", "value": ["f"]}
SUITE = {
    "prompts": ["{{text}}"],
    "providers": [{"id": "openai:chat:m", "config": {"tools": [TOOL]}}],
    "tests": [
        {"vars": {"text": "Call f"}, "assert": [NAMES]},
        {"vars": {"text": "Be nice"}, "assert": [{"type": "llm-rubric", "value": "is nice"}]},
    ],
}
MESSAGES: list[dict[str, Any]] = [USER, CALL]


def lines(rows: Iterable[object]) -> str:
    """Return rows as JSONL."""
    return "".join(json.dumps(row) + "\n" for row in rows)


FILES = {
    "openai": lines([{"messages": MESSAGES, "tools": [TOOL]}, {"messages": [USER], "tools": [TOOL]}]),
    "k2vv": lines([{"messages": [USER], "tools": [TOOL], "should_call_tool": True}, {"messages": [USER]}]),
    "promptfoo": json.dumps(SUITE),
}
"""Of each format a file of two rows, the second of which says too little for a case."""


def imported(command: Command, tmp_path: Path, name: str, target: str = "cases.jsonl") -> list[dict[str, Any]]:
    """Import the file of a format, and return the rows written."""
    (tmp_path / "theirs.json").write_text(FILES[name], encoding="utf-8")
    ended = command("dataset", "import", name, "theirs.json", "--out", target)
    assert ended.code == 0, ended.err
    return [json.loads(line) for line in (tmp_path / target).read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("name", FILES)
def test_what_became_no_case_is_told(command: Command, tmp_path: Path, name: str) -> None:
    """A line for each on stderr with its place; the counts on stdout; the exit code is that of success."""
    (tmp_path / "theirs.json").write_text(FILES[name], encoding="utf-8")
    ended = command("dataset", "import", name, "theirs.json", "--out", "cases.jsonl")
    assert (ended.code, ended.out) == (0, "1 cases written to cases.jsonl, 1 skipped\n")
    (skipped,) = ended.err.splitlines()
    assert skipped.startswith("skipped: theirs.json, row 2: ")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("openai", [{"name": "f", "arguments": {"x": 1}}]),
        ("k2vv", "any"),
        ("promptfoo", [{"name": "f", "arguments": {"x": {"$match": "any", "optional": True}}}]),
    ],
)
def test_expectation_is_the_files(command: Command, tmp_path: Path, name: str, expected: object) -> None:
    """Calls with their arguments, some call, or calls with any arguments."""
    (case,) = imported(command, tmp_path, name)
    assert case["expected"] == expected
    assert case["tools"] == [TOOL]


@pytest.mark.parametrize("name", FILES)
def test_imported_cases_are_sound_and_can_be_run(command: Command, tmp_path: Path, name: str) -> None:
    """No finding of the linter, and the mock answers them right."""
    imported(command, tmp_path, name)
    linted = command("dataset", "lint", "cases.jsonl")
    assert (linted.code, linted.out) == (0, "cases.jsonl: 0 errors, 0 warnings\n")
    ran = command("run", "--dataset", "cases.jsonl", "--base-url", "embedded:mock", "--model", "m", "--out", "r")
    assert ran.code == 0, ran.err
    assert json.loads((tmp_path / "r" / "summary.json").read_text(encoding="utf-8"))["passed"] == 1


def test_short_form_does_the_same(command: Command, tmp_path: Path) -> None:
    """`fceval import` writes what `fceval dataset import` writes."""
    (tmp_path / "theirs.json").write_text(FILES["openai"], encoding="utf-8")
    for target, words in (("long.jsonl", ["dataset", "import"]), ("short.jsonl", ["import"])):
        assert command(*words, "openai", "theirs.json", "--out", target).code == 0
    assert (tmp_path / "short.jsonl").read_bytes() == (tmp_path / "long.jsonl").read_bytes()


def test_target_may_be_parquet(command: Command, tmp_path: Path) -> None:
    """Its ending says so, and the cases are the same."""
    rows = imported(command, tmp_path, "openai")
    assert command("dataset", "import", "openai", "theirs.json", "--out", "cases.parquet").code == 0
    assert command("dataset", "convert", "cases.parquet", "back.jsonl").code == 0
    assert [json.loads(line) for line in (tmp_path / "back.jsonl").read_text(encoding="utf-8").splitlines()] == rows


def test_nothing_skipped_is_not_mentioned(command: Command, tmp_path: Path) -> None:
    """A clean import says how many, and nothing on stderr."""
    (tmp_path / "theirs.json").write_text(FILES["openai"].splitlines()[0], encoding="utf-8")
    ended = command("dataset", "import", "openai", "theirs.json", "--out", "cases.jsonl")
    assert (ended.out, ended.err) == ("1 cases written to cases.jsonl\n", "")


@pytest.mark.parametrize(
    ("name", "source", "said"),
    [
        ("openia", "theirs.json", "unknown importer `openia` (did you mean `openai`?)"),
        ("k2vv", "none.jsonl", "none.jsonl: cannot be read"),
        ("openai", "none.jsonl", "none.jsonl: cannot be read"),
        ("promptfoo", "none.json", "none.json: cannot be read"),
        ("bfcl", "none", "none: holds none of BFCL's files"),
        ("k2vv", "broken.jsonl", "broken.jsonl, row 1"),
        ("k2vv", "poor.jsonl", "poor.jsonl"),
    ],
)
def test_source_that_cannot_be_imported_is_refused(
    command: Command, tmp_path: Path, name: str, source: str, said: str
) -> None:
    """An unknown format, a missing or damaged file, one without any case: the exit code says so, no file is made."""
    (tmp_path / "theirs.json").write_text(FILES["openai"], encoding="utf-8")
    (tmp_path / "broken.jsonl").write_text("{\n", encoding="utf-8")
    (tmp_path / "poor.jsonl").write_text(FILES["k2vv"].splitlines()[1], encoding="utf-8")
    ended = command("dataset", "import", name, source, "--out", "cases.jsonl")
    assert (ended.code, ended.out) == (2, "")
    assert said in ended.err
    assert not (tmp_path / "cases.jsonl").exists()


@pytest.mark.parametrize("target", ["theirs.json", "cases.csv"])
def test_target_of_no_known_format_is_refused(command: Command, tmp_path: Path, target: str) -> None:
    """The source is not overwritten, whatever it is called."""
    (tmp_path / "theirs.json").write_text(FILES["openai"], encoding="utf-8")
    assert command("dataset", "import", "openai", "theirs.json", "--out", target).code == 2
    assert (tmp_path / "theirs.json").read_text(encoding="utf-8") == FILES["openai"]
    assert not (tmp_path / "cases.csv").exists()
