"""Judging what is there already: no request is sent, and the same answers give the same files."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from fceval.journal import JournalIndex
from fceval.judging import write_tables
from fceval.runs import open_run
from tests.fake_endpoint import FakeEndpoint, Received, Reply, message_reply
from tests.functional.conftest import Command
from tests.functional.orders import case, no_call_case, order_of, orders, summary, table, write_cases
from tests.functional.scored import cases_of, scored_run

INPUTS = {"run.json", "cases.parquet", "journal.jsonl"}


def loosely_right(received: Received) -> Reply:
    """Answer the first order in capitals, the second right, and the third with text."""
    order = order_of(received)
    if order == "order_3":
        return message_reply(content="Soon.")
    written = order.upper() if order == "order_1" else order
    return message_reply(tool_calls=[("get_delivery_date", {"order_id": written})])


def derived(run: Path) -> dict[str, str]:
    """Return the digest of each file that is made from the run's answers."""
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in run.iterdir() if path.name not in INPUTS
    }


@pytest.fixture
def asked(command: Command, tmp_path: Path) -> Path:
    """Give the folder of a run whose endpoint is gone: whatever would ask it fails."""
    orders(tmp_path)
    with FakeEndpoint(loosely_right) as endpoint:
        command("run", "--dataset", "orders.jsonl", "--base-url", endpoint.base_url, "--model", "m", "--out", "asked")
        assert len(endpoint.received) == 3
    (tmp_path / "orders.jsonl").unlink()
    return tmp_path / "asked"


def test_scoring_again_gives_the_same_bytes(command: Command, asked: Path) -> None:
    """In place, every derived file is made again as it was."""
    before = derived(asked)
    for name in before:
        (asked / name).unlink()
    assert command("score", asked).code == 0
    assert derived(asked) == before


def test_scoring_elsewhere_gives_the_same_bytes(command: Command, asked: Path, tmp_path: Path) -> None:
    """A copy of the run in another folder is complete, private, and the original stays as it is."""
    before = {path.name: path.read_bytes() for path in asked.iterdir()}
    ended = command("score", asked, "--out", "again/copy")
    copy = tmp_path / "again" / "copy"
    assert (ended.code, derived(copy)) == (0, derived(asked))
    assert {path.name: path.read_bytes() for path in asked.iterdir()} == before
    assert {path.stat().st_mode & 0o777 for path in copy.iterdir()} == {0o600}


def test_reporting_again_gives_the_same_bytes(command: Command, asked: Path, tmp_path: Path) -> None:
    """Reports come from the tables alone, wherever the run lies now."""
    moved = tmp_path / "moved"
    shutil.copytree(asked, moved)
    ended = command("report", moved, "--format", "html", "--format", "markdown", "-o", "said.json")
    assert ended.out.splitlines() == ["said.json", f"{moved}/report.html", f"{moved}/report.md"]
    assert derived(moved) == derived(asked)
    assert json.loads((tmp_path / "said.json").read_text(encoding="utf-8"))


def test_other_rules_change_the_verdict(command: Command, asked: Path, tmp_path: Path) -> None:
    """What passed by a lenient rule fails under the exact one, and the folder says which rules hold."""
    assert table(asked, "scores")["outcome"].to_list() == ["passed", "passed", "missing_call"]
    assert command("score", asked, "--set", "rules.strings=exact", "--out", "exact").code == 0
    assert table(tmp_path / "exact", "scores")["outcome"].to_list() == ["wrong_value", "passed", "missing_call"]
    assert '"strings": "exact"' in (tmp_path / "exact" / "run.json").read_text(encoding="utf-8")
    assert summary(asked)["passed"] == 2


def test_settings_of_the_requests_cannot_change(command: Command, asked: Path) -> None:
    """Answers of one model do not become another's: what scoring cannot change is refused."""
    before = derived(asked)
    ended = command("score", asked, "--set", "endpoint.model=other")
    assert ended.code == 2
    assert 'endpoint.model: "m" then, "other" now' in ended.err
    assert derived(asked) == before


def predictions(path: Path, rows: Iterable[Mapping[str, Any]]) -> Path:
    """Write a predictions file and return it."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def right(number: int, **fields: object) -> dict[str, Any]:
    """Return the prediction that is right for an order."""
    call = {"name": "get_delivery_date", "arguments": json.dumps({"order_id": f"order_{number}"})}
    return {"case_id": f"order-{number}", "tool_calls": [call], **fields}


def test_predictions_give_the_tables_of_a_run(command: Command, asked: Path, tmp_path: Path) -> None:
    """Answers made elsewhere, in either form, are judged like answers of an endpoint."""
    orders(tmp_path)
    shouted = {"name": "get_delivery_date", "arguments": {"order_id": "ORDER_1"}}
    given = predictions(
        tmp_path / "made.jsonl",
        [
            {"case_id": "order-1", "tool_calls": [shouted]},
            right(2),
            {"case_id": "order-3", "message": {"role": "assistant", "content": "Soon."}},
        ],
    )
    ended = command("score", "--dataset", "orders.jsonl", "--predictions", given, "--out", "made")
    assert ended.code == 0, ended.err
    of_the_wire = ["prompt_tokens", "completion_tokens", "attempts", "requests", "served_model", "finish_reason"]
    made, ran = (table(run, "scores").drop(*of_the_wire, "irregularities") for run in (tmp_path / "made", asked))
    assert made.equals(ran)
    for name in ("calls", "arguments"):
        assert table(tmp_path / "made", name).equals(table(asked, name)), name


def test_predictions_can_be_scored_again(command: Command, tmp_path: Path) -> None:
    """The folder made from predictions is a run like any other."""
    orders(tmp_path, 1)
    given = predictions(tmp_path / "made.jsonl", [right(1, trial=1, variant="b"), right(1, variant="a")])
    assert command("score", "--dataset", "orders.jsonl", "--predictions", given, "--out", "made").code == 3
    before = derived(tmp_path / "made")
    assert command("score", "made").code == 3
    assert derived(tmp_path / "made") == before
    assert table(tmp_path / "made", "scores").select("variant", "trial", "outcome").rows() == [
        ("b", 0, "not_run"), ("b", 1, "passed"), ("a", 0, "passed"), ("a", 1, "not_run")
    ]  # fmt: skip


def test_missing_prediction_is_not_run(command: Command, tmp_path: Path) -> None:
    """A case without a prediction is no wrong answer, and without leave for it the score is inconclusive."""
    write_cases(tmp_path / "orders.jsonl", [case(1), no_call_case(2)])
    given = predictions(tmp_path / "made.jsonl", [right(1)])
    ended = command("score", "--dataset", "orders.jsonl", "--predictions", given, "--out", "made")
    assert ended.code == 3
    assert "1 of 2 responses were not measured (1 not_run)" in ended.err
    assert table(tmp_path / "made", "scores").select("outcome", "passed").rows() == [
        ("passed", True),
        ("not_run", None),
    ]
    assert command("score", "made", "--set", "max_not_measured=0.5").code == 0


@pytest.mark.parametrize(
    "selection", ["dataset.limit=2", "dataset.sample=2", "dataset.case_ids=['order-1', 'order-2']"]
)
def test_predictions_for_cases_that_are_not_chosen_are_left_out(
    command: Command, tmp_path: Path, selection: str
) -> None:
    """Wherever in the dataset the cases are: none of them is called unknown."""
    orders(tmp_path, 6)
    given = predictions(tmp_path / "made.jsonl", [right(order) for order in range(1, 7)])
    flags = ("--dataset", "orders.jsonl", "--predictions", given, "--out", "made", "--set", selection)
    assert command("score", *flags).code == 0
    assert table(tmp_path / "made", "scores")["outcome"].to_list() == ["passed"] * 2


def test_null_and_empty_calls_stay_apart_in_the_journal(command: Command, tmp_path: Path) -> None:
    """`null` and `[]` both mean no call, and the journal keeps which one it was."""
    write_cases(tmp_path / "orders.jsonl", [no_call_case(1), no_call_case(2)])
    rows: list[dict[str, Any]] = [
        {"case_id": f"thanks-{number}", "tool_calls": calls} for number, calls in ((1, None), (2, []))
    ]
    given = predictions(tmp_path / "made.jsonl", rows)
    assert command("score", "--dataset", "orders.jsonl", "--predictions", given, "--out", "made").code == 0
    written = (tmp_path / "made" / "journal.jsonl").read_text(encoding="utf-8")
    assert ('"tool_calls": null' in written, '"tool_calls": []' in written) == (True, True)


BAD_PREDICTIONS: dict[str, tuple[dict[str, Any], str]] = {
    "unknown case": (right(9), "row 2, field `case_id`: the dataset has no `order-9`"),
    "second answer": (right(1), "row 2: row 1 predicts the same case, trial and turn"),
    "no answer": ({"case_id": "order-2"}, "row 2: neither `tool_calls` nor `message`"),
    "unknown turn": (right(2, turn=1), "row 2, field `turn`: `order-2` has no turn 1"),
    "wrong type": (right(2, trial="0"), "row 2, field `trial`: "),
    "huge trial": (right(2, trial=10**9), "row 2, field `trial`: "),
    "bad variant": (right(2, variant="a b"), "row 2, field `variant`: "),
    "calls no list": ({"case_id": "order-2", "tool_calls": "x"}, "row 2, field `tool_calls`: "),
    "call without name": (
        {"case_id": "order-2", "tool_calls": [{"arguments": {}}]},
        "row 2, field `tool_calls[0].name`: missing",
    ),
    "no case": ({"tool_calls": []}, "row 2, field `case_id`: "),
}


@pytest.mark.parametrize("name", BAD_PREDICTIONS)
def test_bad_prediction_is_refused(command: Command, tmp_path: Path, name: str) -> None:
    """A row that is no prediction of the dataset is named with its field, and no folder is made."""
    row, said = BAD_PREDICTIONS[name]
    orders(tmp_path)
    given = predictions(tmp_path / "made.jsonl", [right(1), row])
    ended = command("score", "--dataset", "orders.jsonl", "--predictions", given, "--out", "made")
    assert (ended.code, ended.out) == (2, "")
    assert f"made.jsonl, {said}" in ended.err
    assert not (tmp_path / "made").exists()


def test_tables_are_the_same_bytes_whoever_judges(command: Command, tmp_path: Path) -> None:
    """One process or two; a batch may begin and end within a case, of which it then judges its own part."""
    talk = {"messages": [{"role": "user", "content": "And now?"}], "expected": []}
    rows = [*cases_of(4), *({**row, "turns": [talk, talk, talk]} for row in cases_of(2, messages=..., expected=...))]
    for row in rows[4:]:
        row["case_id"] += "-talk"
    folder = scored_run(command, tmp_path, "run", rows, trials=[[1], [], [2, 3]], settings=["max_not_measured=1"])
    names = ("scores", "calls", "arguments")
    whole = {name: pl.read_parquet(folder / f"{name}.parquet") for name in names}
    assert whole["scores"].height == 3 * (4 + 2 * 3)
    run = open_run(folder)
    for batch in (4, 10):  # more and fewer than a case has responses; the second ends with a case, too
        made = []
        for processes in (1, 2):
            with JournalIndex(run.journal) as responses:
                write_tables(run, responses, processes, batch)
            made.append([(folder / f"{name}.parquet").read_bytes() for name in names])
        assert made[0] == made[1]
        assert all(pl.read_parquet(folder / f"{name}.parquet").equals(whole[name]) for name in names)
