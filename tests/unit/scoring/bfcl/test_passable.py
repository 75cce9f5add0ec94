"""Cases of BFCL that no answer can pass."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fceval.scoring.bfcl.passable import why_unpassable
from fceval.scoring.bfcl.question import question
from tests.bfcl_data import bfcl_rows

KNOWN = {
    "simple_java_36",
    "simple_java_65",
    "live_simple_106-63-0",
    "live_simple_112-68-0",
    "live_multiple_862-181-3",
    "live_multiple_964-207-0",
}
"""Every such case of the shipped data."""


def test_known_cases_are_found_and_no_others(shared_data: Path) -> None:
    """Of the public cases, those are reported that are known to be impossible."""
    cases = list(bfcl_rows(shared_data, "cases_public"))
    found = {
        case["id"]
        for case in cases
        if why_unpassable(question(case["category"], case["function"], case.get("ground_truth") or []))
    }
    assert found == KNOWN & {case["id"] for case in cases}


@pytest.mark.parametrize(
    ("kind", "items", "acceptable", "category", "passable"),
    [
        ("array", "string", [], "simple_python", False),
        ("array", "string", [["a"]], "simple_python", True),
        ("dict", None, [{"k": [1, 2], "o": ["", 1]}], "simple_python", True),
        ("integer", None, [None], "simple_python", True),
        ("ArrayList", "any", [["a", 1]], "simple_java", False),
        ("ArrayList", "long", [[1, 2]], "simple_java", True),
        ("HashMap", None, [{"k": ["v"]}], "simple_java", True),
        ("long", None, [5], "simple_java", True),
        ("float", None, [1.5], "simple_java", True),
        ("array", "String", [["a"]], "simple_javascript", True),
        ("Bigint", None, [5], "simple_javascript", True),
        ("Queue", "any", [["a"]], "simple_java", False),
    ],
)
def test_value_must_be_writable(
    kind: str, items: str | None, acceptable: list[Any], category: str, *, passable: bool
) -> None:
    """Some answer must be read back as an acceptable value."""
    schema = {"type": kind} | ({"items": {"type": items}} if items else {})
    doc = {"name": "f", "parameters": {"properties": {"x": schema}, "required": ["x"]}}
    assert (why_unpassable(question(category, [doc], [{"f": {"x": acceptable}}])) is None) is passable


@pytest.mark.parametrize(
    ("required", "possible", "field", "reason"),
    [
        (["x"], {}, "source.ground_truth[0].f.x", "the function requires it"),
        ([], {"y": [1]}, "source.ground_truth[0].f.y", "the possible answer requires it"),
    ],
)
def test_parameters_must_agree(required: list[str], possible: dict[str, Any], field: str, reason: str) -> None:
    """What the function requires must be acceptable, and what the answer requires declared."""
    doc = {"name": "f", "parameters": {"properties": {"x": {"type": "integer"}}, "required": required}}
    place, why = why_unpassable(question("simple_python", [doc], [{"f": possible}])) or ("", "")
    assert (place, why.partition(",")[0]) == (field, reason)


def test_answer_without_a_doc_is_found() -> None:
    """A possible answer that names no offered function is an obstacle, not a traceback."""
    place, why = why_unpassable(question("simple_python", [], [{"f": {}}])) or ("", "")
    assert (place, "fails on it" in why) == ("source.ground_truth[0]", True)


def test_relevance_can_always_be_passed() -> None:
    """Where only a call or none is asked for, nothing is in the way."""
    assert why_unpassable(question("irrelevance", [], [])) is None
