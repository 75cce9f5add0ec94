"""A whole run against the embedded mock: what is in the folder, and that its numbers are the ones implied."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import polars as pl
import pytest

from fceval.cases.read import read_cases
from fceval.endpoints.mock import MISTAKES, planned_mistake
from tests.cli_process import PROJECT, Fceval
from tests.functional.conftest import Command
from tests.functional.orders import case, journal, orders, summary, table, write_cases

STARTER = PROJECT / "datasets" / "starter.jsonl"
RATES = dict.fromkeys(MISTAKES, 0.06)
SEED = 5


@pytest.fixture(scope="module")
def starter_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the folder of a run of the starter cases in which the mock makes every mistake."""
    folder = tmp_path_factory.mktemp("starter")
    mistakes = ",".join(f"{kind}={rate}" for kind, rate in RATES.items())
    fceval = Fceval(folder, folder)
    ended = fceval(
        "run", "--dataset", STARTER, "--base-url", "embedded:mock", "--model", "mock", "--mistakes", mistakes,
        "--set", f"endpoint.options.seed={SEED}",
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    (run,) = (path for path in (folder / "reports").iterdir() if path.is_dir())
    assert f"Report: reports/{run.name}/report.html" in ended.stdout
    return run


def test_every_file_is_there(starter_run: Path) -> None:
    """A run folder holds what made it, what was answered, and everything made from those."""
    assert {path.name for path in starter_run.iterdir()} == {
        "run.json", "cases.parquet", "journal.jsonl", "scores.parquet", "calls.parquet", "arguments.parquet",
        "metrics.parquet", "summary.json", "report.html", "report.md", "junit.xml",
    }  # fmt: skip


def test_outcomes_are_the_planned_ones(starter_run: Path) -> None:
    """Each case ends as the mock planned it, one of each mistake at least."""
    planned = {case.case_id: planned_mistake(case, 0, RATES, SEED) or "passed" for case in read_cases(STARTER)}
    scores = table(starter_run, "scores")
    assert dict(scores.select("case_id", "outcome").rows()) == planned
    assert set(planned.values()) == {*MISTAKES, "passed"}


def test_accuracy_is_the_implied_one(starter_run: Path) -> None:
    """Accuracy, and the count of every outcome, follow from the planned mistakes."""
    planned = Counter(planned_mistake(case, 0, RATES, SEED) or "passed" for case in read_cases(STARTER))
    totals = summary(starter_run)
    assert totals["accuracy"] == planned["passed"] / planned.total()
    assert {outcome: number for outcome, number in totals["outcomes"].items() if number} == dict(planned)
    assert (totals["planned"], totals["measured"], totals["coverage"]) == (planned.total(), planned.total(), 1.0)


def test_scores_have_their_columns(starter_run: Path) -> None:
    """The columns that scripts rely on are there, one row for each case."""
    scores = pl.read_parquet(starter_run / "scores.parquet")
    assert set(scores.columns) >= {
        "case_id", "variant", "trial", "turn", "category", "outcome", "measured", "passed", "passed_strict",
        "selection_ok", "arguments_ok", "latency_s", "ttft_s", "prompt_tokens", "completion_tokens", "cost_usd",
        "irregularities",
    }  # fmt: skip
    assert scores["case_id"].n_unique() == scores.height == summary(starter_run)["planned"]
    assert scores["latency_s"].min() > 0  # type: ignore[operator]  # polars types `min` for any column


def test_files_are_their_owners_alone(starter_run: Path) -> None:
    """Cases and answers may be confidential: nobody else on the machine can read them."""
    assert starter_run.stat().st_mode & 0o777 == 0o700
    assert {path.name: oct(path.stat().st_mode & 0o777) for path in starter_run.iterdir()} == {
        path.name: "0o600" for path in starter_run.iterdir()
    }


def test_latest_names_the_newest(starter_run: Path) -> None:
    """The file beside the run folders has the name of the run."""
    assert (starter_run.parent / "latest").read_text(encoding="utf-8") == f"{starter_run.name}\n"


def test_grid_has_a_row_for_each_combination(command: Command, tmp_path: Path) -> None:
    """Variants times trials times cases are asked and scored, and repeats are measured."""
    write_cases(tmp_path / "cases.jsonl", [case(1), case(2)])
    config = tmp_path / "grid.toml"
    config.write_text(
        """
        trials = 3
        dataset = { path = "cases.jsonl" }
        endpoint = { base_url = "embedded:mock", model = "mock" }
        variant = [{ name = "plain" }, { name = "other", model = "other", request = { temperature = 1 } }]
        """,
        encoding="utf-8",
    )
    ended = command("run", config, "--out", "run")
    assert ended.code == 0
    rows = table(tmp_path / "run", "scores").select("case_id", "variant", "trial").rows()
    grid = [(f"order-{n}", variant, trial) for n in (1, 2) for variant in ("plain", "other") for trial in range(3)]
    assert rows == grid
    metrics = table(tmp_path / "run", "metrics")
    assert {"pass@3", "pass^3"} <= set(metrics.filter(pl.col("variant") == "other")["metric"])
    assert [each["variant"] for each in summary(tmp_path / "run")["variants"]] == ["other", "plain"]
    assert {record["served_model"] for record in journal(tmp_path / "run")} == {"mock", "other"}


def test_run_elsewhere_leaves_its_neighbours_alone(command: Command, tmp_path: Path) -> None:
    """`--out` writes into that folder and nowhere else."""
    orders(tmp_path)
    command("run", "--dataset", "orders.jsonl", "--base-url", "embedded:mock", "--model", "m", "--out", "a/run")
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["run"]
    assert not (tmp_path / "reports").exists()


def test_manifest_says_what_was_run(starter_run: Path) -> None:
    """`run.json` has the settings, the versions and the dataset's digest, and no path of the machine in the digest."""
    manifest = json.loads((starter_run / "run.json").read_text(encoding="utf-8"))
    assert manifest["format_version"] == 1
    assert manifest["dataset"]["path"] == "starter.jsonl"
    assert manifest["dataset"]["cases"] == manifest["planned_responses"]
    assert manifest["config"]["endpoint"]["options"]["seed"] == SEED
    assert "aiohttp" in manifest["library_versions"]


def test_show_sets_expected_against_predicted(command: Command, starter_run: Path) -> None:
    """`show` lists what failed, and one case argument by argument."""
    scores = table(starter_run, "scores")
    wrong = scores.filter(pl.col("outcome") == "wrong_value")["case_id"][0]
    listed = command("show", starter_run)
    assert listed.out.count("\n") == scores.filter(~pl.col("passed")).height
    shown = command("show", starter_run, wrong)
    assert shown.out.startswith(f"{wrong}  WRONG VALUE")
    arguments = table(starter_run, "arguments").filter(case_id=wrong, fault="wrong_value")
    expected, predicted = arguments.select("expected", "predicted").row(0)
    assert f"        expected   {expected}\n        predicted  {predicted}\n" in shown.out
