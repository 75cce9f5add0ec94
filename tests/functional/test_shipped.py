"""What the project ships as data: the two forms of the starter dataset, the configs, and the sample run."""

from __future__ import annotations

import shutil
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from fceval.cases.read import read_cases
from fceval.cli import main
from tests.cli_process import PROJECT

SAMPLE = PROJECT / "reports" / "sample"


def test_both_forms_of_the_starter_dataset_hold_the_same_cases() -> None:
    """`starter.parquet` is `starter.jsonl`, row for row."""
    jsonl, parquet = (list(read_cases(PROJECT / "datasets" / f"starter.{form}")) for form in ("jsonl", "parquet"))
    assert jsonl == parquet
    assert len(jsonl) >= 150


CONFIGS = sorted((PROJECT / "configs").glob("*.toml"))


@pytest.fixture
def no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody's keys are set, as on a machine where something is tried first."""
    for name in ("OPENAI_API_KEY", "RELAY_API_KEY"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("config", CONFIGS, ids=lambda path: path.stem)
def test_config_can_be_planned_without_a_key(no_key: None, config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every setting is one, its dataset is there, and nothing is sent."""
    assert main(["plan", str(config)]) == 0
    assert "nothing is sent" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["compare-prompts", "compare-models"])
def test_variants_can_be_rehearsed_and_compared_without_a_key(
    no_key: None, tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the mock in place of the endpoint, all else as it is."""
    run, rehearsal = str(tmp_path / "run"), ["--base-url", "embedded:mock", "--limit", "3", "-q"]
    assert main(["run", str(PROJECT / "configs" / f"{name}.toml"), *rehearsal, "--out", run]) == 0
    capsys.readouterr()
    assert main(["compare", run]) == 0
    assert "Nothing changed: accuracy 100% over 3 shared cases" in capsys.readouterr().out


@pytest.fixture
def scored_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """The sample's cases and answers, scored in a folder of their own."""
    folder = tmp_path / "sample"
    folder.mkdir()
    for name in ("run.json", "cases.parquet", "journal.jsonl"):
        shutil.copy(SAMPLE / name, folder)
    assert main(["score", str(folder)]) == 0
    assert "accuracy" in capsys.readouterr().out
    return folder


@pytest.mark.parametrize("name", ["report.md", "report.html", "summary.json"])
def test_sample_report_is_what_this_version_writes(scored_again: Path, name: str) -> None:
    """The reports in the sample's folder are made from its answers, byte for byte."""
    assert (scored_again / name).read_bytes() == (SAMPLE / name).read_bytes()


@pytest.mark.parametrize("name", ["scores", "calls", "arguments", "metrics"])
def test_sample_tables_are_what_this_version_writes(scored_again: Path, name: str) -> None:
    """The tables in the sample's folder are made from its answers, row for row."""
    assert_frame_equal(pl.read_parquet(scored_again / f"{name}.parquet"), pl.read_parquet(SAMPLE / f"{name}.parquet"))
