"""Whole runs against a real server: llama.cpp with a small model, both APIs, streamed and not."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from tests.functional.conftest import Command

CASES = Path(__file__).parents[2] / "datasets" / "quickstart.jsonl"


@pytest.mark.parametrize("way", ["--no-stream", "--stream"])
@pytest.mark.parametrize("dialect", ["tools", "responses"])
def test_real_answers_are_read(command: Command, tmp_path: Path, dialect: str, way: str) -> None:
    """The case is answered, with tokens and times; what a small model gets wrong is its own affair."""
    ended = command(
        "run", "--dataset", CASES, "--base-url", "embedded:local-model", "--model", "smollm2-135m", "--limit", "1",
        "--dialect", dialect, way, "--set", "request.max_tokens=48", "--set", "request.temperature=0",
        "--out", tmp_path / "run", "-q",
    )  # fmt: skip
    assert ended.code == 0, ended.err
    scores = pl.read_parquet(tmp_path / "run" / "scores.parquet")
    assert scores["measured"].to_list() == [True]
    assert all(tokens > 0 for tokens in scores["completion_tokens"])
    assert scores["ttft_s"].null_count() == (0 if way == "--stream" else 1)
    lines = (tmp_path / "run" / "journal.jsonl").read_text(encoding="utf-8").splitlines()
    messages = [record["message"] for record in map(json.loads, lines) if "message" in record]
    assert all(("output" in message) == (dialect == "responses") for message in messages)
