"""BFCL end to end: imported, judged as BFCL would have judged, and told in its table."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.bfcl_data import bfcl_rows, write_bfcl_folder
from tests.functional.conftest import Command
from tests.functional.orders import orders, summary, table, write_cases

EVERY = 40
"""Of the shared answers that BFCL's own checker judged, each of this number is scored here."""
NATIVE_TABLES = ("scores", "calls", "arguments", "metrics")
DOC = {
    "name": "geo.area",
    "description": "Area.",
    "parameters": {
        "type": "dict",
        "properties": {"base": {"type": "integer", "description": "Base."}},
        "required": ["base"],
    },
}


def small_bfcl(folder: Path) -> Path:
    """Write a data folder of BFCL with two cases, and return it."""
    cases = [
        {
            "id": f"simple_python_{number}",
            "category": "simple_python",
            "question": [[{"role": "user", "content": f"Area of {number}?"}]],
            "function": [DOC],
            "ground_truth": [{"geo.area": {"base": [number]}}],
        }
        for number in range(2)
    ]
    return write_bfcl_folder(folder, cases)


def imported(command: Command, tmp_path: Path) -> Path:
    """Import the two cases and return their file."""
    ended = command("dataset", "import", "bfcl", small_bfcl(tmp_path / "data"), "--out", "cases.jsonl")
    assert ended.code == 0, ended.err
    return tmp_path / "cases.jsonl"


def predictions(path: Path, rows: Iterable[Mapping[str, Any]]) -> Path:
    """Write a predictions file and return it."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def areas(*arguments: str) -> list[dict[str, Any]]:
    """Return a prediction for each of the two cases, in order."""
    return [
        {"case_id": f"simple_python_{number}", "tool_calls": [{"name": "geo_area", "arguments": each}]}
        for number, each in enumerate(arguments)
    ]


def as_predicted(row: Mapping[str, Any], trial: int) -> dict[str, Any]:
    """Return a shared answer as a row of a predictions file."""
    calls = [{"id": "call_0", "type": "function", "function": call} for call in row["tool_calls"]]
    answer = {"content": row.get("content"), "tool_calls": None if row.get("tool_calls_null") else calls}
    return {"case_id": row["id"], "trial": trial, "message": {"role": "assistant", **answer}}


@pytest.fixture
def agreement(command: Command, shared_data: Path, tmp_path: Path) -> tuple[Path, dict[tuple[str, int], Any]]:
    """Give the folder of shared answers that were scored by BFCL's rules, and what BFCL itself said of each."""
    judged, trials = [], Counter[str]()
    for row in list(bfcl_rows(shared_data, "agreement_public"))[::EVERY]:
        judged.append((row, trials[row["id"]]))
        trials[row["id"]] += 1
    cases = (case for case in bfcl_rows(shared_data, "cases_public") if case["id"] in trials)
    folder = write_bfcl_folder(tmp_path / "data", cases)
    assert command("dataset", "import", "bfcl", folder, "--out", "cases.parquet").code == 0
    given = predictions(tmp_path / "given.jsonl", (as_predicted(row, trial) for row, trial in judged))
    ended = command(
        "score", "--dataset", "cases.parquet", "--predictions", given, "--rules", "bfcl", "--out", "scored",
        "--set", "max_not_measured=1",
    )  # fmt: skip
    assert ended.code == 0, ended.err
    said = {(row["id"], trial): (row["bfcl_valid"], row["bfcl_error_type"]) for row, trial in judged}
    return tmp_path / "scored", said


def test_verdicts_are_bfcls(agreement: tuple[Path, dict[tuple[str, int], Any]]) -> None:
    """Verdict and error type of every answer, all the way from BFCL's files to the table of scores."""
    run, said = agreement
    measured = table(run, "scores").filter("measured")
    found = measured.select("case_id", "trial", "passed", "bfcl_error_type").rows()
    assert {(case_id, trial): (passed, error) for case_id, trial, passed, error in found} == said
    assert len(said) == len(found) == 412
    assert measured.filter(measured["passed"] != measured["bfcl_error_type"].is_null()).is_empty()
    assert measured.filter(measured["passed"] != (measured["outcome"] == "passed")).is_empty()


def test_what_was_not_measured_is_judged_by_nobody(agreement: tuple[Path, dict[tuple[str, int], Any]]) -> None:
    """A missing answer is neither right nor wrong, also where BFCL would have called it right."""
    run, _ = agreement
    scores = table(run, "scores")
    missing = scores.filter(~scores["measured"])
    assert missing.select("outcome", "passed", "bfcl_error_type").unique().rows() == [("not_run", None, None)]
    assert missing["category"].str.contains("irrelevance").any()


def test_report_holds_bfcls_table(agreement: tuple[Path, dict[tuple[str, int], Any]]) -> None:
    """In every format, with a column's value that follows from BFCL's own verdicts."""
    run, said = agreement
    text = (run / "report.md").read_text(encoding="utf-8")
    assert "## As BFCL counts" in text
    assert "As BFCL counts" in (run / "report.html").read_text(encoding="utf-8")
    right = [valid for (case_id, _), (valid, _) in said.items() if case_id.startswith("live_multiple_")]
    assert f"| Live Multiple AST | {sum(right) / len(right):.2%} |" in text
    assert "| Multi Turn Acc | 0.00% |" in text


def test_case_from_elsewhere_is_refused(command: Command, tmp_path: Path) -> None:
    """Before anything is written: its file, row and field, and what to do."""
    orders(tmp_path)
    given = predictions(tmp_path / "given.jsonl", [])
    refused = [
        command("score", "--dataset", "orders.jsonl", "--predictions", given, "--rules", "bfcl", "--out", "made"),
        command(
            "run", "--dataset", "orders.jsonl", "--base-url", "embedded:mock", "--model", "m", "--out", "made",
            "--set", "rules.name=bfcl",
        ),
    ]  # fmt: skip
    for ended in refused:
        assert (ended.code, ended.out) == (2, "")
        assert "orders.jsonl, row 1, field `source`: " in ended.err
        assert "fceval dataset import bfcl" in ended.err
    assert not (tmp_path / "made").exists()


def test_run_of_other_cases_stays_as_it_is(command: Command, tmp_path: Path) -> None:
    """A scored run is not given rules that cannot judge it: refused by row and field, and nothing is changed."""
    orders(tmp_path)
    asked = ("--dataset", "orders.jsonl", "--base-url", "embedded:mock", "--model", "m", "--out", "made")
    assert command("run", *asked).code == 0
    before = {path.name: path.read_bytes() for path in (tmp_path / "made").iterdir()}
    for given in (
        ("score", "made", "--rules", "bfcl"),
        ("score", "made", "--rules", "bfcl", "--out", "copy"),
        ("run", "--resume", "made", "--set", "rules.name=bfcl"),
    ):
        ended = command(*given)
        assert (ended.code, ended.out) == (2, "")
        assert "cases.parquet, row 1, field `source`: " in ended.err
    assert {path.name: path.read_bytes() for path in (tmp_path / "made").iterdir()} == before
    assert not (tmp_path / "copy").exists()


def test_damaged_source_is_named_by_row_and_field(command: Command, tmp_path: Path) -> None:
    """A case that was changed after its import."""
    rows = [json.loads(line) for line in imported(command, tmp_path).read_text(encoding="utf-8").splitlines()]
    del rows[1]["source"]["ground_truth"]
    write_cases(tmp_path / "cases.jsonl", rows)
    given = predictions(tmp_path / "given.jsonl", areas("{}"))
    ended = command("score", "--dataset", "cases.jsonl", "--predictions", given, "--rules", "bfcl")
    assert ended.code == 2
    assert "cases.jsonl, row 2, field `source.ground_truth`: " in ended.err


def test_unknown_rules_are_refused(command: Command, tmp_path: Path) -> None:
    """As a flag and as a setting."""
    orders(tmp_path)
    assert command("score", "x", "--rules", "bfc").code == 2
    ended = command("run", "--dataset", "orders.jsonl", "--base-url", "embedded:mock", "--model", "m",
                    "--set", "rules.name=bfc")  # fmt: skip
    assert ended.code == 2
    assert "rules.name" in ended.err


def test_run_is_judged_by_bfcls_rules(command: Command, tmp_path: Path) -> None:
    """The setting holds for a run as well: the mock's right answers pass, and wrong ones have BFCL's error type."""
    imported(command, tmp_path)
    for out, mistakes in (("right", "wrong_value=0"), ("wrong", "wrong_value=1")):
        ended = command(
            "run", "--dataset", "cases.jsonl", "--base-url", "embedded:mock", "--model", "m", "--out", out,
            "--mistakes", mistakes, "--set", "rules.name=bfcl",
        )  # fmt: skip
        assert ended.code == 0, ended.err
        assert "## As BFCL counts" in (tmp_path / out / "report.md").read_text(encoding="utf-8")
    told = [table(tmp_path / out, "scores").select("passed", "bfcl_error_type").rows() for out in ("right", "wrong")]
    assert told == [[(True, None)] * 2, [(False, "value_error:others")] * 2]


@pytest.fixture
def lenient(command: Command, tmp_path: Path) -> Path:
    """Give a natively scored folder with an answer that BFCL refuses and the native rules take: 1.0 for 1."""
    imported(command, tmp_path)
    given = predictions(tmp_path / "given.jsonl", areas('{"base": 0}', '{"base": 1.0}'))
    assert command("score", "--dataset", "cases.jsonl", "--predictions", given, "--out", "native").code == 0
    return tmp_path / "native"


def test_rules_of_a_run_can_be_changed(command: Command, lenient: Path, tmp_path: Path) -> None:
    """The same answers, another verdict; the folder says by whose rules."""
    assert table(lenient, "scores").select("passed", "bfcl_error_type").rows() == [(True, None), (True, None)]
    assert "As BFCL counts" not in (lenient / "report.md").read_text(encoding="utf-8")
    assert command("score", lenient, "--rules", "bfcl", "--out", "foreign").code == 0
    assert table(tmp_path / "foreign", "scores").select("passed", "outcome", "bfcl_error_type").rows() == [
        (True, "passed", None),
        (False, "wrong_type", "type_error:simple"),
    ]
    assert json.loads((tmp_path / "foreign" / "run.json").read_text("utf-8"))["config"]["rules"]["name"] == "bfcl"
    assert (summary(lenient)["passed"], summary(tmp_path / "foreign")["passed"]) == (2, 1)


def test_way_to_bfcls_rules_and_back_changes_nothing(command: Command, lenient: Path, tmp_path: Path) -> None:
    """The native tables are the same again, byte for byte."""
    before = {name: (lenient / f"{name}.parquet").read_bytes() for name in NATIVE_TABLES}
    assert command("score", lenient, "--rules", "bfcl", "--out", "foreign").code == 0
    assert command("score", "foreign", "--rules", "native", "--out", "back").code == 0
    assert {name: (lenient / f"{name}.parquet").read_bytes() for name in NATIVE_TABLES} == before
    assert {name: (tmp_path / "back" / f"{name}.parquet").read_bytes() for name in NATIVE_TABLES} == before
    assert (tmp_path / "foreign" / "scores.parquet").read_bytes() != before["scores"]


def test_rules_stay_with_the_run(command: Command, lenient: Path) -> None:
    """Scored again without the flag, a run keeps the rules it was scored by."""
    assert command("score", lenient, "--rules", "bfcl").code == 0
    assert command("score", lenient).code == 0
    assert table(lenient, "scores")["passed"].to_list() == [True, False]
