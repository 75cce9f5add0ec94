"""Pieces of calls: which call each belongs to, where the contract's signs are missing or lie."""

from __future__ import annotations

from typing import Any

import pytest

from fceval.client.call_pieces import MAX_CALLS, CallPieces, merge
from fceval.client.sse import TooMuchError


def piece(
    index: object = None, name: str | None = None, arguments: object = None, call_id: str | None = None
) -> dict[str, Any]:
    """Return an entry of a delta's `tool_calls`, without the members that are None."""
    function = {key: value for key, value in (("name", name), ("arguments", arguments)) if value is not None}
    entry = {"index": index, "id": call_id, "function": function}
    return {key: value for key, value in entry.items() if value is not None}


def calls_of(*pieces: object) -> tuple[list[tuple[Any, Any, Any]], set[str]]:
    """Return ((id, name, arguments) of each call, codes)."""
    notes: set[str] = set()
    calls = CallPieces(notes)
    for each in pieces:
        calls.take(each)  # type: ignore[arg-type]  # any JSON
    entries: Any = calls.entries()
    return [(entry["id"], entry["function"]["name"], entry["function"]["arguments"]) for entry in entries], notes


X, Y = '{"x": 1}', '{"y": 2}'

STREAMS: dict[str, tuple[list[Any], list[tuple[Any, Any, Any]], set[str]]] = {
    "contract": (
        [piece(0, "f", "", "a"), piece(0, None, '{"x"'), piece(0, None, ": 1}"), piece(1, "g", Y, "b")],
        [("a", "f", X), ("b", "g", Y)],
        set(),
    ),
    "interleaved": (
        [piece(0, "f", '{"x"', "a"), piece(1, "g", '{"y"', "b"), piece(0, None, ": 1}"), piece(1, None, ": 2}")],
        [("a", "f", X), ("b", "g", Y)],
        set(),
    ),
    "second first": ([piece(1, "g", Y, "b"), piece(0, "f", X, "a")], [("a", "f", X), ("b", "g", Y)], set()),
    "index from one": ([piece(1, "f", X, "a")], [("a", "f", X)], set()),
    "empty id on later pieces": ([piece(0, "f", "", "a"), piece(0, "", X, "")], [("a", "f", X)], set()),
    "an id of its own on each piece": ([piece(0, "f", "", "a"), piece(0, None, X, "b")], [("a", "f", X)], set()),
    "id late": ([piece(0, "f", ""), piece(0, None, X, "a")], [("a", "f", X)], set()),
    "negative index": ([piece(-1, "f", X, "a")], [("a", "f", X)], {"index_missing"}),
    "index true": ([piece(True, "f", X, "a")], [("a", "f", X)], {"index_missing"}),
    "index as text": ([piece("0", "f", X, "a")], [("a", "f", X)], {"index_missing"}),
    "by id alone": (
        [piece(None, "f", '{"x"', "a"), piece(None, "g", Y, "b"), piece(None, None, ": 1}", "a")],
        [("a", "f", X), ("b", "g", Y)],
        {"index_missing"},
    ),
    "by name alone": (
        [piece(None, "f", '{"x"'), piece(None, None, ": 1}"), piece(None, "g"), piece(None, None, Y)],
        [(None, "f", X), (None, "g", Y)],
        {"index_missing"},
    ),
    "same tool twice, by whole arguments alone": (
        [piece(None, "f", X), piece(None, "f", Y)],
        [(None, "f", X), (None, "f", Y)],
        {"index_missing"},
    ),
    "one id for two tools": (
        [piece(None, "f", X, "a"), piece(None, "g", Y, "a")],
        [("a", "f", X), ("a", "g", Y)],
        {"index_missing"},
    ),
    "reused, pieces by id": (
        [
            piece(0, "f", '{"x"', "a"),
            piece(0, "g", '{"y"', "b"),
            piece(0, None, ": 1}", "a"),
            piece(0, None, ": 2}", "b"),
        ],
        [("a", "f", X), ("b", "g", Y)],
        {"index_reused"},
    ),
    "reused, without ids": (
        [piece(0, "f", X), piece(0, "g", Y), piece(0, "f", Y)],
        [(None, "f", X), (None, "g", Y), (None, "f", Y)],
        {"index_reused"},
    ),
    "repeated without ids is not reused": (
        [piece(0, "f", '{"x"'), piece(0, "f", ": 1}"), piece(0, "f", "")],
        [(None, "f", X)],
        {"name_repeated"},
    ),
    "whole arguments again": ([piece(0, "f", X, "a"), piece(0, "f", X, "a")], [("a", "f", X + X)], {"name_repeated"}),
    "name in pieces": ([piece(0, "get_", None, "a"), piece(0, "x", X)], [("a", "get_x", X)], {"name_fragmented"}),
    "name changed": ([piece(0, "f", "{", "a"), piece(0, "g", "}")], [("a", "fg", "{}")], {"name_changed"}),
    "no name": ([piece(0, None, X, "a")], [("a", None, X)], set()),
    "two indexes": (
        [piece(0, "f", '{"x"', "a"), piece(1, "f", X, "a"), piece(2, "f", "", "a")],
        [("a", "f", X)],
        {"same_call_multi_index"},
    ),
    "two indexes, half each": (
        [piece(0, "f", '{"x"', "a"), piece(1, None, ": 1}", "a")],
        [("a", "f", X)],
        {"same_call_multi_index"},
    ),
    "two indexes, two tools": ([piece(0, "f", X, "a"), piece(1, "g", X, "a")], [("a", "f", X), ("a", "g", X)], set()),
    "object": ([piece(0, "f", {"x": 1}, "a")], [("a", "f", {"x": 1})], set()),
    "object twice": ([piece(0, "f", {"x": 1}, "a"), piece(0, None, {"x": 1})], [("a", "f", {"x": 1})], set()),
    "empty object, then text": ([piece(0, "f", {}, "a"), piece(0, None, X)], [("a", "f", X)], set()),
    "text, then an object": ([piece(0, "f", X, "a"), piece(0, None, {"x": 1})], [("a", "f", X + X)], set()),
    "number": ([piece(0, "f", 7, "a")], [("a", "f", 7)], set()),
    "no arguments": ([piece(0, "f", None, "a")], [("a", "f", "")], set()),
}


@pytest.mark.parametrize("name", STREAMS)
def test_pieces_become_calls(name: str) -> None:
    """The calls that are meant, in their order, and every liberty noted."""
    pieces, calls, codes = STREAMS[name]
    assert calls_of(*pieces) == (calls, codes)


def test_what_is_no_entry_stays_for_the_dialect_to_see() -> None:
    """An entry that is no object is a problem of the message, not of the stream."""
    calls = CallPieces(set())
    calls.take("f(x)")
    assert (bool(calls), calls.entries()) == (True, ["f(x)"])


def test_members_that_nobody_knows_are_kept() -> None:
    """A signature must go back as it came, wherever it stands."""
    calls = CallPieces(set())
    calls.take({"index": 0, "id": "a", "type": "function", "function": {"name": "f", "signature": "s"}})
    calls.take({"index": 0, "extra_content": {"google": {"thought_signature": "t"}}, "function": {"arguments": X}})
    assert calls.entries() == [
        {
            "id": "a",
            "type": "function",
            "function": {"name": "f", "arguments": X, "signature": "s"},
            "extra_content": {"google": {"thought_signature": "t"}},
        }
    ]


def test_calls_are_bounded() -> None:
    """One event can hold a million entries."""
    calls = CallPieces(set())
    for number in range(MAX_CALLS):
        calls.take(piece(number, "f"))
    with pytest.raises(TooMuchError, match=f"more than {MAX_CALLS} calls"):
        calls.take(piece(MAX_CALLS, "f"))


def test_merge_grows_objects_and_lists() -> None:
    """Of anything else the last value counts, and null takes nothing away."""
    into: dict[str, Any] = {}
    for value in ({"a": 1, "b": [1], "c": {"d": "x"}}, {"a": 2, "b": [2], "c": {"e": None}}, {"a": None}):
        merge(into, "m", value)
    assert into == {"m": {"a": 2, "b": [1, 2], "c": {"d": "x", "e": None}}}
