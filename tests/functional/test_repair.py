"""Flaws that can be undone: by default they fail and a second figure shows the rest; asked to, they are undone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.fake_endpoint import FakeEndpoint, Received, Reply
from tests.functional.conftest import Command
from tests.functional.orders import order_of, orders, summary, table

RIGHT = '{"order_id": "order_1"}'
ANSWERS: dict[str, Any] = {
    "order-1": {"tool_calls": [{"name": "get_delivery_date", "arguments": RIGHT}]},
    "order-2": {"tool_calls": [{"name": "get_delivery_date", "arguments": json.dumps('{"order_id": "order_2"}')}]},
    "order-3": {
        "message": {
            "role": "assistant",
            "content": '<tool_call>{"name": "get_delivery_date", "arguments": {"order_id": "ORDER_9"}}</tool_call>',
        }
    },
}


@pytest.fixture
def predictions(tmp_path: Path) -> Path:
    """Give a file of answers: right as it is, right once decoded, wrong even when found in the text."""
    orders(tmp_path)
    file = tmp_path / "answers.jsonl"
    rows = [{"case_id": case_id, **answer} for case_id, answer in ANSWERS.items()]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return file


def verdicts(run: Path, *columns: str) -> list[tuple[object, ...]]:
    """Return columns of the scores, a tuple per case."""
    return table(run, "scores").sort("case_id").select(columns).rows()


CODES = [[], ["args_double_encoded"], ["call_in_content"]]


@pytest.mark.parametrize(
    ("repair", "outcomes", "passed_repaired", "repairs"),
    [
        ("report", ["passed", "unparsable_call", "unparsable_call"], [True, True, False], CODES),
        ("off", ["passed", "unparsable_call", "unparsable_call"], [True, False, False], [[], [], []]),
        ("apply", ["passed", "passed", "wrong_value"], [True, True, False], CODES),
    ],
)
def test_repair(  # noqa: PLR0913, PLR0917 -- what is set, and all that it changes
    command: Command,
    predictions: Path,
    tmp_path: Path,
    repair: str,
    outcomes: list[str],
    passed_repaired: list[bool],
    repairs: list[list[str]],
) -> None:
    """The verdict is the one of the answers as they came, unless repair is applied; then no such pass is strict."""
    ended = command(
        *("score", "--dataset", "orders.jsonl", "--predictions", predictions.name),
        *("--set", f"rules.repair={repair}", "--out", "run"),
    )
    run = tmp_path / "run"
    assert ended.code == 0
    found = verdicts(run, "outcome", "passed_repaired", "repairs", "passed_strict")
    assert [row[0] for row in found] == outcomes
    assert [row[1] for row in found] == passed_repaired
    assert [row[2] for row in found] == repairs
    assert [row[3] for row in found] == [True, False, False]
    assert summary(run)["accuracy"] == outcomes.count("passed") / 3
    assert summary(run)["repaired_accuracy"] == passed_repaired.count(True) / 3
    said = (run / "report.md").read_text(encoding="utf-8")
    assert ("Accuracy after repair: **66.7%" in said) == (repair == "report")


def test_repair_of_one_case_is_shown(command: Command, predictions: Path) -> None:
    """With the code in plain words."""
    command("score", "--dataset", "orders.jsonl", "--predictions", predictions.name, "--out", "run")
    said = command("show", "run", "order-2").out
    assert "off the contract: args_double_encoded: arguments are the text of a JSON text" in said
    assert "passes after repair of args_double_encoded" in said


def flawed(received: Received) -> Reply:
    """Answer every order right, the second one without an id."""
    order = order_of(received)
    call = {"type": "function", "function": {"name": "get_delivery_date", "arguments": f'{{"order_id": "{order}"}}'}}
    calls = [call if order == "order_2" else {"id": f"call_{order}", **call}]
    choice = {"index": 0, "message": {"role": "assistant", "tool_calls": calls}, "finish_reason": "tool_calls"}
    return Reply(body={"model": "m", "choices": [choice], "usage": {"prompt_tokens": 9, "completion_tokens": 9}})


def test_conformance_of_an_endpoint_is_told(command: Command, tmp_path: Path) -> None:
    """Code by code in the report, in the totals, and with the response that it was seen in."""
    orders(tmp_path)
    with FakeEndpoint(flawed) as endpoint:
        command("run", "--dataset", "orders.jsonl", "--base-url", endpoint.base_url, "--model", "m", "--out", "run")
    assert summary(tmp_path / "run")["accuracy"] == 1
    assert summary(tmp_path / "run")["irregularities"] == {"id_missing": 1}
    assert "| `id_missing` | 1 | 33.3% | none | a call has no id |" in (tmp_path / "run" / "report.md").read_text(
        "utf-8"
    )
    assert "off the contract: id_missing: a call has no id" in command("show", "run", "order-2").out
