"""The same cases give the same scores however they are asked: under every dialect, streamed and not."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from fceval import dialects
from tests.functional.conftest import Command

STARTER = Path(__file__).parents[2] / "datasets" / "starter.jsonl"
VERDICTS = ("case_id", "outcome", "passed", "passed_strict", "selection_ok", "arguments_ok", "irregularities")


def verdicts(command: Command, folder: Path, *flags: str) -> pl.DataFrame:
    """Return the verdicts of a run of the starter dataset against the mock, which gets some of it wrong."""
    mistakes = "wrong_value=0.1,missing_call=0.05,unexpected_call=0.1,wrong_tool=0.05"
    ended = command(
        "run", "--dataset", STARTER, "--base-url", "embedded:mock", "--model", "m", "--mistakes", mistakes,
        "--out", folder, "-q", *flags,
    )  # fmt: skip
    assert ended.code == 0, ended.err
    return pl.read_parquet(folder / "scores.parquet", columns=list(VERDICTS))


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> list[pl.DataFrame]:
    """Hold the verdicts that the others are compared with, once there are any."""
    return []


@pytest.mark.untraced
@pytest.mark.parametrize("way", ["--no-stream", "--stream"])
@pytest.mark.parametrize("dialect", ["tools", *(name for name in dialects.names() if name != "tools")])
def test_scores_are_equal(command: Command, tmp_path: Path, usual: list[pl.DataFrame], dialect: str, way: str) -> None:
    """Case by case, not on average; and there are failures among them to be equal about."""
    found = verdicts(command, tmp_path / "run", "--dialect", dialect, way)
    usual.append(found)
    assert 0.6 < found["passed"].sum() / found.height < 0.9
    assert found.equals(usual[0]), found.join(usual[0], on="case_id", suffix="_usual").filter(
        pl.col("outcome") != pl.col("outcome_usual")
    )


def test_steps_of_a_turn_are_no_retries(command: Command, tmp_path: Path) -> None:
    """A turn of two calls takes two requests of one attempt each; what was tried again is counted all the same."""
    flags = ["--dialect", "functions", "--fault", "429=0.1", "--set", "endpoint.max_attempts=100"]
    verdicts(command, tmp_path / "run", *flags)
    metrics = pl.read_parquet(tmp_path / "run" / "metrics.parquet").filter(pl.col("scope") == "run")
    retries = dict(metrics.filter(pl.col("metric") == "retries").select("variant", "value").rows())
    scores = pl.read_parquet(tmp_path / "run" / "scores.parquet")
    refused = scores["retried_429"].sum()
    assert scores["requests"].max() == 3
    assert (scores["attempts"] - scores["requests"]).to_list() == scores["retried_429"].to_list()
    assert retries == {"default": refused, "": refused}
    assert refused > 10


def test_turn_that_was_cut_between_its_steps_is_not_judged(command: Command, tmp_path: Path) -> None:
    """One of two calls is no answer yet, right or wrong; gone on with, the run asks for the other alone."""
    whole = verdicts(command, tmp_path / "run", "--dialect", "functions")
    journal = tmp_path / "run" / "journal.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(line for line in lines if b'"step": 0' in line or b'"step"' not in line))
    command("score", tmp_path / "run")
    cut = pl.read_parquet(tmp_path / "run" / "scores.parquet")
    unfinished = cut.filter(pl.col("outcome") == "not_run")
    assert 30 < unfinished.height < 60
    assert set(unfinished["category"]) <= {"parallel", "parallel_multiple"}
    begun = sum(b'"step": 1' in line or b'"step": 2' in line for line in lines)
    ended = command("run", "--resume", tmp_path / "run")
    assert ended.code == 0, ended.err
    assert pl.read_parquet(tmp_path / "run" / "scores.parquet", columns=list(VERDICTS)).equals(whole)
    of_requests = [sum(b'"case_id"' in line for line in each) for each in (journal.read_bytes().splitlines(), lines)]
    assert of_requests[0] == of_requests[1], "what is there is not asked for again"
    assert begun > 2 * 30  # a begin and an answer each
