"""Repair: what can be undone is, by name, and nothing else is touched."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fceval.cases.rows import case_of
from fceval.dialects import load
from fceval.irregularities import IRREGULARITIES
from fceval.jsontext import read_json
from fceval.records import Case, Parsed, ToolCall, json_text
from fceval.scoring.repair import repaired
from tests.scoring_cases import message_of, tool
from tests.strategies import argument_texts, names, objects

_FILE = Path(__file__).parents[2] / "data" / "repair" / "repairs.json"
_DATA: Any = read_json(_FILE.read_text(encoding="utf-8"))


def case() -> Case:
    """Return a case with the file's tools on offer."""
    tools = [tool(name, parameters) for name, parameters in _DATA["tools"].items()]
    messages = [{"role": "user", "content": "Go on."}]
    return case_of({"case_id": "c", "messages": messages, "tools": tools, "expected": "any"}, 1)


CASE = case()


@pytest.mark.parametrize("written", _DATA["cases"], ids=lambda written: written["name"])
def test_repair(written: dict[str, Any]) -> None:
    """The flaws are named, and the calls are those that were meant."""
    parsed = load("tools").parse(written.get("message") or message_of(written["calls"]))
    repair = repaired(parsed, CASE)
    if not written["repairs"]:
        assert repair is None
        return
    assert repair is not None
    mended, codes = repair
    assert list(codes) == written["repairs"]
    assert [{"name": call.name, "arguments": call.value} for call in mended.calls] == written["repaired"]
    assert all(call.problem is None and read_json(call.arguments) == call.value for call in mended.calls)
    assert mended.problems == ()


def test_every_repairable_code_is_undone_by_some_case() -> None:
    """And no other code is."""
    undone = {code for written in _DATA["cases"] for code in written["repairs"]}
    assert undone == {code for code, each in IRREGULARITIES.items() if each.effect == "repairable"}


@given(calls=st.lists(st.tuples(names, argument_texts), max_size=3))
def test_repair_of_the_repaired_is_nothing(calls: list[tuple[str, str]]) -> None:
    """Whatever a model wrote: one repair is all there is to repair, but for JSON texts deep inside of each other."""
    wild = message_of([{"name": name, "arguments": arguments} for name, arguments in calls])
    repair = repaired(load("tools").parse(wild), CASE)
    if repair is not None:
        again = repaired(repair[0], CASE)
        assert again is None or again[1] == ("args_nested_string",)


@given(arguments=objects)
def test_usable_arguments_stay(arguments: dict[str, Any]) -> None:
    """A call of a tool without a schema that can be read is as it was."""
    call = ToolCall("a", "ping", json_text(arguments), arguments)
    assert repaired(Parsed((call,), ""), CASE) is None
