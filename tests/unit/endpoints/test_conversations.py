"""Finding the case and the turn that a request is about."""

from __future__ import annotations

from typing import Any

from fceval.cases.rows import case_of
from fceval.endpoints._conversations import Conversations

TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}


def _case(case_id: str, *messages: dict[str, Any]) -> dict[str, Any]:
    return {"case_id": case_id, "category": "c", "messages": list(messages), "tools": [TOOL], "expected": []}


def _say(role: str, content: str) -> dict[str, Any]:
    return {"role": role, "content": content}


def _index(*rows: dict[str, Any]) -> Conversations:
    return Conversations(case_of(row, number) for number, row in enumerate(rows, 1))


def _found(index: Conversations, *messages: dict[str, Any]) -> str | None:
    place = index.find(messages, [TOOL])
    return place.case.case_id if place else None


def test_history_tells_cases_apart() -> None:
    """Two cases whose user says the same are told apart by what the assistant said before."""
    ask, yes = _say("user", "Shall I?"), _say("user", "Yes")
    one, other = _say("assistant", "Cancel it?"), _say("assistant", "Refund it?")
    index = _index(_case("cancel", ask, one, yes), _case("refund", ask, other, yes))
    assert _found(index, ask, one, yes) == "cancel"
    assert _found(index, ask, other, yes) == "refund"


def test_system_prompt_tells_cases_apart() -> None:
    """Two cases that differ in the system prompt alone are told apart, also after a message of the assistant."""
    hello = _say("user", "Hello")
    index = _index(_case("short", _say("system", "Short."), hello), _case("long", _say("system", "Long."), hello))
    assert _found(index, _say("developer", "Long."), hello, _say("assistant", "Hm.")) == "long"


def test_tools_tell_cases_apart() -> None:
    """The same words with other tools are another case."""
    assert _index(_case("a", _say("user", "Hello"))).find([_say("user", "Hello")], []) is None


def test_rewritten_tool_still_finds_the_case() -> None:
    """Tools that are written otherwise, with the same names, are the case's."""
    described = {"type": "function", "function": {**TOOL["function"], "description": "It does."}}  # type: ignore[dict-item]  # a literal of mixed values
    place = _index(_case("a", _say("user", "Hello"))).find([_say("user", "Hello")], [described])
    assert place is not None
    assert place.case.case_id == "a"


def test_unknown_words_find_nothing() -> None:
    """A conversation of no case is no case's."""
    assert _found(_index(_case("a", _say("user", "Hello"))), _say("user", "Bye")) is None


def test_results_after_the_user_are_noticed() -> None:
    """A request that carries results of this turn's calls is past them; the case's own history is not."""
    call: dict[str, Any] = {"role": "assistant", "content": None, "tool_calls": []}
    result = {"role": "tool", "tool_call_id": "x", "content": "done"}
    history = (_say("user", "Go"), call, result)
    index = _index(_case("fresh", _say("user", "Hello")), _case("history", *history))
    fresh = index.find([_say("user", "Hello"), call, result], [TOOL])
    given = index.find(history, [TOOL])
    assert fresh is not None
    assert given is not None
    assert (fresh.results, given.results) == (1, 0)
