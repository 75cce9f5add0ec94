"""The fixed requests of a probe."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest

from fceval import dialects
from fceval.cases.probe_suite import AWKWARD_TEXT, LONG_TEXT, Asked, probe_suite

SUITE = {asked.case.case_id: asked for asked in probe_suite()}


def _prompt(asked: Asked) -> str:
    return str(asked.case.turns[-1].messages[0]["content"])


def test_names_are_unique_and_short() -> None:
    """They are rows of a table, beside two columns of codes within 80."""
    assert len(SUITE) == len(probe_suite())
    assert max(map(len, SUITE)) <= 16


def test_what_is_tried() -> None:
    """Every demand on `tool_choice` and parallel calls, both wrong requests, and one that only a stream shows."""
    cases = [asked.case for asked in SUITE.values()]
    kinds = Counter(json.dumps(case.tool_choice)[:8] for case in cases)
    assert {'"auto"', '"required"'[:8], '"none"', '{"type":'} <= kinds.keys()
    assert [case.case_id for case in cases if case.parallel_tool_calls is False] == ["parallel off"]
    assert {asked.wrong for asked in SUITE.values()} == {None, "shape", "key"}
    assert [name for name, asked in SUITE.items() if asked.streamed_only] == ["usage"]
    assert SUITE["second call"].follows == next(iter(SUITE))


def test_a_probe_is_cheap() -> None:
    """Both ways together, without the few that are asked again."""
    assert sum(len(asked.ways) for asked in SUITE.values()) <= 36


@pytest.mark.parametrize("name", [name for name in SUITE if _prompt(SUITE[name]).startswith("Call ")])
def test_prompts_spell_out_a_call(name: str) -> None:
    """The tool's name, then its arguments as one JSON object, so that a small model can copy it."""
    asked = SUITE[name]
    word, tool, rest = _prompt(asked).split(" ", 2)
    arguments, end = json.JSONDecoder().raw_decode(rest)
    offered: dict[str, Any] = {tool.name: tool.parameters for tool in asked.case.tools}
    assert (word, rest[end:].partition("Call")[0]) in {("Call", ""), ("Call", ", and in the same answer ")}
    assert set(arguments) == set(offered[tool]["properties"])


def test_long_text_is_longer_than_a_line_that_relays_cut() -> None:
    """64 KiB, with room for what JSON puts around it."""
    assert len(LONG_TEXT) > 70_000
    spelt = json.loads(_prompt(SUITE["long arguments"]).partition("save_note ")[2])
    assert spelt == {"text": LONG_TEXT}


@pytest.mark.parametrize("piece", ['"', "'", "\\", "\n", "\\n", "\\t", "\u00eb", "\u6771", "\U0001f600"])
def test_awkward_text_has_what_is_got_wrong(piece: str) -> None:
    """Quotes, backslashes before letters of escapes, a line feed, other scripts, a pair of surrogates in UTF-16."""
    assert piece in AWKWARD_TEXT


@pytest.mark.parametrize("dialect", dialects.names())
@pytest.mark.parametrize("name", SUITE)
def test_any_dialect_can_ask(name: str, dialect: str) -> None:
    """The suite is written as cases, which every dialect renders."""
    case = SUITE[name].case
    body = dialects.load(dialect).render(case, case.turns[0].messages)
    assert "get_weather" in json.dumps(body) or "get_weather" not in {tool.name for tool in case.tools}
