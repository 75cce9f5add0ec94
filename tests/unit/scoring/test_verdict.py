"""Answers to cases, judged all the way from the message to the score."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from fceval.cases.rows import case_of
from fceval.jsontext import read_json
from fceval.scoring.verdict import with_repairs
from fceval.tables import KEY_COLUMNS, SCORES, frame
from tests.golden.rows import score
from tests.scoring_cases import FOLDER, ScoringCase, judged, message_of, scoring_cases

_CASES = list(scoring_cases())
_PROBE: Any = read_json((FOLDER / "fairness_probe.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("this", _CASES, ids=lambda case: f"{case.file}-{case.name}")
def test_outcome(this: ScoringCase) -> None:
    """The outcome is the fair one, and strict where no rule was needed."""
    _, score = judged(this.case, this.message, this.rules, this.finish_reason)
    assert score["outcome"] == this.verdict["outcome"]
    passed = this.verdict["outcome"] == "passed"
    assert score["passed"] == passed
    assert score["passed_strict"] == (passed and this.verdict.get("passed_strict", score["passed_strict"]))


@pytest.mark.parametrize(
    "this", [case for case in _CASES if "faults" in case.verdict], ids=lambda case: f"{case.file}-{case.name}"
)
def test_faults(this: ScoringCase) -> None:
    """Every argument at fault is told, with the path of its first difference."""
    facts, _ = judged(this.case, this.message, this.rules)
    assert {row.argument: [row.fault, row.path] for row in facts.arguments if row.fault} == this.verdict["faults"]


@pytest.mark.parametrize(
    "this", [case for case in _CASES if "rules_needed" in case.verdict], ids=lambda case: f"{case.file}-{case.name}"
)
def test_rules_needed(this: ScoringCase) -> None:
    """The facts say which rules a pass needed."""
    facts, _ = judged(this.case, this.message, this.rules)
    needed = {row.argument: row.rule for row in facts.arguments}
    assert {name: needed[name] for name in this.verdict["rules_needed"]} == this.verdict["rules_needed"]


@pytest.mark.parametrize(
    "this", [case for case in _CASES if "pairs" in case.verdict], ids=lambda case: f"{case.file}-{case.name}"
)
def test_pairs(this: ScoringCase) -> None:
    """The facts pair the calls that a person would pair."""
    facts, _ = judged(this.case, this.message, this.rules)
    assert [[row.expected_index, row.predicted_index] for row in facts.calls] == this.verdict["pairs"]


@pytest.mark.parametrize(
    "this", [case for case in _CASES if "alternative" in case.verdict], ids=lambda case: f"{case.file}-{case.name}"
)
def test_alternative(this: ScoringCase) -> None:
    """The score says which of the acceptable call lists the answer was held against."""
    _, score = judged(this.case, this.message, this.rules)
    assert score["alternative"] == this.verdict["alternative"]


@pytest.mark.parametrize("probe", _PROBE, ids=lambda probe: probe["case_id"])
def test_fairness_probe(probe: Any) -> None:  # noqa: ANN401 -- a row of foreign JSON
    """The public probe's fair verdict is reached on each of its cases."""
    fields = {
        "case_id": probe["case_id"],
        "messages": [{"role": "user", "content": probe["note"]}],
        "tools": probe["tools"],
        "expected": probe["expected"],
    }
    _, score = judged(case_of(fields, 1), message_of(probe["predicted"]))
    assert score["passed"] == probe["accept"]


def test_probe_is_whole() -> None:
    """All 26 cases of the probe are there."""
    assert len(_PROBE) == 26


def test_cases_are_told_apart() -> None:
    """No file has two cases of one name, so that a red test leads to one case."""
    names = [(case.file, case.name) for case in _CASES]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("applied", [False, True])
def test_repairs_join_the_scores_that_they_belong_to(*, applied: bool) -> None:
    """Others keep their verdict and their order; a pass that was repaired is no strict one."""
    rows = [score("a"), score("b", "passed" if applied else "unparsable_call"), score("c", "timed_out"), score("d")]
    repairs = pl.DataFrame(
        [("b", "default", 0, 0, ["args_duplicated"], True)],
        schema=[*KEY_COLUMNS, "repairs", "passed_repaired"],
        orient="row",
    )
    found = with_repairs(frame(rows, SCORES), repairs, applied=applied)
    assert found.schema == SCORES
    assert found["case_id"].to_list() == ["a", "b", "c", "d"]
    assert found["repairs"].to_list() == [[], ["args_duplicated"], [], []]
    assert found["passed_repaired"].to_list() == [True, True, None, True]
    assert found["passed_strict"].to_list() == [True, False, None, True]
    assert found["passed"].to_list() == [True, applied, None, True]
