"""`fceval dataset lint`: findings for people and for scripts, and an exit code that tells errors from warnings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.functional.conftest import Command
from tests.functional.orders import case, write_cases


def twice(number: int) -> dict[str, Any]:
    """Return a case that accepts the same order twice: a warning."""
    name = f"order_{number}"
    wanted = {"order_id": {"$match": "one_of", "values": [name, name.upper()]}}
    return case(number, expected=[{"name": "get_delivery_date", "arguments": wanted}])


def unpassable(number: int) -> dict[str, Any]:
    """Return a case that wants a number where the tool takes text: an error."""
    return case(number, expected=[{"name": "get_delivery_date", "arguments": {"order_id": number}}])


def test_json_has_every_field_of_a_finding(command: Command, tmp_path: Path) -> None:
    """Under the names that scripts rely on, in the order of the rows."""
    write_cases(tmp_path / "cases.jsonl", [case(1), twice(2), unpassable(3), case(4, case_id=...)])
    ended = command("dataset", "lint", "cases.jsonl", "--format", "json")
    findings = json.loads(ended.out)
    assert [list(each) for each in findings] == [["row", "case_id", "field", "severity", "rule", "problem"]] * 3
    assert [tuple(each.values())[:5] for each in findings] == [
        (2, "order-2", "expected[0].arguments.order_id", "warning", "overlapping-values"),
        (3, "order-3", "expected[0].arguments", "error", "unpassable"),
        (4, None, "case_id", "error", "not-a-case"),
    ]
    assert ended.code == 2


def test_warnings_alone_are_no_failure(command: Command, tmp_path: Path) -> None:
    """They may be meant: the exit code is 0 in both forms, and they are told."""
    write_cases(tmp_path / "cases.jsonl", [case(1), twice(2)])
    text = command("dataset", "lint", "cases.jsonl")
    assert text.code == 0
    assert text.out.splitlines()[-1] == "cases.jsonl: 0 errors, 1 warnings"
    assert "row 2 (order-2), expected[0].arguments.order_id: warning overlapping-values: " in text.out
    assert command("dataset", "lint", "cases.jsonl", "--format", "json").code == 0


def test_nothing_found_is_an_empty_list(command: Command, tmp_path: Path) -> None:
    """A script need not tell two forms apart."""
    write_cases(tmp_path / "cases.jsonl", [case(1)])
    ended = command("dataset", "lint", "cases.jsonl", "--format", "json")
    assert (ended.code, json.loads(ended.out)) == (0, [])
