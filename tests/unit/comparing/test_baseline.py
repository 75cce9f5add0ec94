"""The baseline file: what is kept comes back, the same run gives the same text, and a damaged file is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fceval.comparing.baseline import Baseline, baseline_of, baseline_text, is_baseline, read_baseline
from fceval.comparing.provenance import Provenance
from fceval.errors import ConfigError, FcevalError, LocalError
from fceval.rows import Score
from fceval.scoring.verdict import OUTCOMES
from fceval.stats.compare import Side, compare
from tests.golden.rows import score, tables

PROVENANCE = Provenance(
    name="nightly-1",
    started_at="2026-11-23T02:00:00+00:00",
    models={"default": "qwen-测试", "other": "m"},
    dialect="tools",
    turns="free_running",
    trials=2,
    rules={"name": "native", "strings": "exact"},
    fceval_version="0.1.0",
    dataset="support.jsonl",
    dataset_sha256="2f" * 32,
)


def side(scores: list[Score]) -> Side:
    """Return one side of a comparison."""
    made = tables(scores)
    return Side(made.scores, made.calls, made.arguments)


def kept(*scores: Score) -> Baseline:
    """Return the baseline of rows of the variant `default`."""
    return baseline_of(PROVENANCE, {"default": side(list(scores))})


@settings(max_examples=40)
@given(
    st.lists(
        st.tuples(st.text(min_size=1, max_size=5), st.lists(st.sampled_from(OUTCOMES), min_size=4, max_size=4)),
        min_size=1,
        max_size=5,
        unique_by=lambda case: case[0],
    )
)
def test_what_is_kept_compares_as_the_run_does(
    tmp_path_factory: pytest.TempPathFactory, cases: list[tuple[str, list[str]]]
) -> None:
    """Two trials of two turns, any outcome, any name: the run against its baseline is exactly nothing."""
    path = tmp_path_factory.mktemp("kept") / "baseline.json"
    rows = [
        score(name, outcome, content_hash=str(at), trial=number // 2, turn=number % 2, category="查询", tags=["b", "a"])
        for at, (name, outcomes) in enumerate(cases)
        for number, outcome in enumerate(outcomes)
    ]
    baseline = kept(*rows)
    path.write_text(baseline_text(baseline), encoding="utf-8")
    back = read_baseline(path)
    assert back == baseline
    columns = (
        "case_id",
        "variant",
        "trial",
        "turn",
        "category",
        "tags",
        "content_hash",
        "outcome",
        "measured",
        "passed",
    )
    keys = columns[:4]
    expected = side(rows).scores.select(columns).collect().sort(keys)
    assert back.sides()["default"].scores.select(columns).collect().sort(keys).equals(expected)
    found = compare(back.sides()["default"], side(rows), ["category", "tag"])
    assert found.flipped.is_empty()
    assert all(before == after for before, after, _ in found.flows.rows())


def test_file_is_small_sorted_and_the_same_each_time() -> None:
    """A case a line, by name, whatever the order of the rows; in ASCII, and nothing of the endpoint."""
    rows = [score(name, content_hash=name) for name in ("b", "a", "c")]
    text = baseline_text(kept(*rows))
    assert text == baseline_text(kept(*reversed(rows)))
    assert text.isascii()
    assert [json.loads(line.strip(" ,"))["case_id"] for line in text.splitlines() if "case_id" in line] == [
        "a",
        "b",
        "c",
    ]
    document = json.loads(text)
    assert list(document) == ["format_version", "provenance", "accuracy", "cases"]
    assert document["provenance"]["models"] == {"default": "qwen-测试"}
    assert document["accuracy"] == {"default": 1.0}


def damaged(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 -- any member
    """Return a baseline of one case as plain values, with members replaced."""
    document: dict[str, Any] = json.loads(baseline_text(kept(score("a", content_hash="1"))))
    return {**document, **changes}


CASE: dict[str, Any] = {
    "case_id": "a",
    "content_hash": "1",
    "category": "simple",
    "tags": [],
    "outcomes": {"default": [["passed"]]},
}


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ([1], "not a file of `fceval baseline set`"),
        ({}, "format_version"),
        (damaged(provenance={}), "provenance"),
        (
            damaged(cases=[{**CASE, "outcomes": {"default": [["great"]]}}]),
            r"cases\.0\.outcomes\.default: there is no outcome `great`",
        ),
        (damaged(cases=[{**CASE, "outcomes": {"spare": [["passed"]]}}]), "there is no variant `spare`"),
        (damaged(cases=[CASE, CASE]), r"cases\.1: case `a` stands there twice"),
        (damaged(cases=[{**CASE, "tags": "x"}]), r"cases\.0\.tags"),
        (damaged(format_version=99), "update fceval"),
    ],
)
def test_damaged_file_is_refused_by_place(tmp_path: Path, document: object, words: str) -> None:
    """The message names the file and the field."""
    path = tmp_path / "b.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(FcevalError, match=words) as caught:
        read_baseline(path)
    assert str(caught.value).startswith(str(path))


def test_file_that_is_no_json_or_cannot_be_read(tmp_path: Path) -> None:
    """Neither is a baseline."""
    path = tmp_path / "b.json"
    path.write_bytes(b"\xff")
    with pytest.raises(ConfigError, match="neither a run's folder nor a baseline file"):
        read_baseline(path)
    with pytest.raises(LocalError, match="cannot be read"):
        read_baseline(tmp_path)


def test_runs_are_folders_and_latest_points_to_one(tmp_path: Path) -> None:
    """Every other file is taken for a baseline."""
    (tmp_path / "latest").touch()
    (tmp_path / "b").touch()
    assert [is_baseline(tmp_path / name) for name in ("latest", "b", "none", "")] == [False, True, False, False]
