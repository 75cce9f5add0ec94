"""A small dataset about orders, endpoints that answer it, and what a run folder holds."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import polars as pl

from tests.fake_endpoint import Received, Reply, message_reply

TOOL: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "get_delivery_date",
        "parameters": {
            "type": "object",
            "properties": {"order_id": {"type": "string"}},
            "required": ["order_id"],
            "additionalProperties": False,
        },
    },
}
CLOCK = ("latency_s", "ttft_s", "first_call_s")
"""Columns of the scores that two runs never agree on."""


def case(number: int = 1, **fields: object) -> dict[str, Any]:
    """Return the case of one order, as a row; `fields` replace or add, and one that is `...` is left out."""
    row = {
        "case_id": f"order-{number}",
        "category": "simple",
        "messages": [{"role": "user", "content": f"When does order_{number} arrive?"}],
        "tools": [TOOL],
        "expected": [{"name": "get_delivery_date", "arguments": {"order_id": f"order_{number}"}}],
        **fields,
    }
    return {name: value for name, value in row.items() if value is not ...}


def no_call_case(number: int) -> dict[str, Any]:
    """Return a case in which calling is wrong."""
    thanks = [{"role": "user", "content": f"That was order_{number}, thank you!"}]
    return case(number, case_id=f"thanks-{number}", category="irrelevance", messages=thanks, expected=[])


def write_cases(path: Path, rows: Iterable[Mapping[str, Any]]) -> Path:
    """Write rows as JSONL and return the file."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def orders(folder: Path, number: int = 3) -> Path:
    """Write a dataset of that many orders and return its file."""
    return write_cases(folder / "orders.jsonl", map(case, range(1, number + 1)))


def order_of(received: Received) -> str:
    """Return the order that a request asks about."""
    asked: str = received.json["messages"][-1]["content"]
    return next(word.strip(",") for word in asked.split() if word.startswith("order_"))


def right_answer(received: Received) -> Reply:
    """Return the call that the case of a request wants."""
    return message_reply(tool_calls=[("get_delivery_date", {"order_id": order_of(received)})])


def table(run: Path, name: str) -> pl.DataFrame:
    """Return one table of a run; scores without what the clock says."""
    rows = pl.read_parquet(run / f"{name}.parquet")
    return rows.drop(CLOCK) if name == "scores" else rows


def journal(run: Path) -> list[dict[str, Any]]:
    """Return the responses in a run's journal, decoded."""
    records = map(json.loads, (run / "journal.jsonl").read_bytes().splitlines())
    return [record for record in records if "message" in record]


def summary(run: Path) -> dict[str, Any]:
    """Return a run's totals."""
    totals: dict[str, Any] = json.loads((run / "summary.json").read_text(encoding="utf-8"))
    return totals
