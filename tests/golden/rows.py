"""Rows of the tables, with plain values where a test does not care."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from fceval.rows import ArgumentFact, CallFact, Score
from fceval.scoring.verdict import NOT_MEASURED
from fceval.tables import ARGUMENTS, CALLS, SCORES, frame

_SCORE = Score(
    case_id="case-1",
    variant="default",
    trial=0,
    turn=0,
    category="simple",
    tags=[],
    content_hash="",
    outcome="passed",
    measured=True,
    passed=True,
    passed_strict=True,
    selection_ok=True,
    arguments_ok=True,
    latency_s=None,
    ttft_s=None,
    prompt_tokens=None,
    completion_tokens=None,
    cost_usd=None,
    irregularities=[],
    attempts=1,
    retried_429=0,
    expected_calls=1,
    predicted_calls=1,
    wanted="calls",
    alternative=0,
    failure_detail=None,
    served_model=None,
    finish_reason=None,
    bfcl_error_type=None,
    first_call_s=None,
    passed_repaired=None,
    repairs=[],
    requests=1,
)
_CALL = CallFact(
    case_id="case-1",
    variant="default",
    trial=0,
    turn=0,
    category="simple",
    pair=0,
    expected_index=0,
    predicted_index=0,
    tool="get_weather",
    predicted_tool="get_weather",
    fault=None,
    selected=True,
    arguments_ok=True,
    strict_ok=True,
    schema_valid=True,
    ignored=False,
    expected_arguments="{}",
    predicted_arguments="{}",
)
_ARGUMENT = ArgumentFact(
    case_id="case-1",
    variant="default",
    trial=0,
    turn=0,
    category="simple",
    pair=0,
    tool="get_weather",
    argument="city",
    path="$.city",
    fault=None,
    rule="exact",
    expected='"Paris"',
    predicted='"Paris"',
)
_SELECTION_FAULTS = {"missing_call", "extra_call", "unexpected_call", "unknown_tool", "wrong_tool"}


def score(case_id: str = "case-1", outcome: str = "passed", **changes: Any) -> Score:  # noqa: ANN401 -- any field
    """Return a score whose verdict columns agree with its outcome."""
    passed = outcome == "passed"
    verdict: dict[str, Any] = {
        "passed": passed,
        "passed_strict": passed,
        "passed_repaired": passed,
        "selection_ok": outcome not in _SELECTION_FAULTS,
        "arguments_ok": passed if outcome not in _SELECTION_FAULTS else None,
    }
    if outcome in NOT_MEASURED:
        verdict = dict.fromkeys(verdict)
    fields = {"measured": outcome not in NOT_MEASURED, **verdict, **changes}
    return _SCORE._replace(case_id=case_id, outcome=outcome, **fields)


def call(case_id: str = "case-1", tool: str = "get_weather", **changes: Any) -> CallFact:  # noqa: ANN401 -- any field
    """Return a pair of calls of one tool that agree."""
    return _CALL._replace(case_id=case_id, tool=tool, **{"predicted_tool": tool, **changes})


def argument(case_id: str = "case-1", name: str = "city", **changes: Any) -> ArgumentFact:  # noqa: ANN401 -- any field
    """Return an argument that passed."""
    return _ARGUMENT._replace(case_id=case_id, argument=name, path=f"$.{name}", **changes)


@dataclass(frozen=True)
class Tables:
    """The three tables that metrics and reports are made of."""

    scores: pl.LazyFrame
    calls: pl.LazyFrame
    arguments: pl.LazyFrame


def tables(scores: Sequence[Score], calls: Sequence[CallFact] = (), arguments: Sequence[ArgumentFact] = ()) -> Tables:
    """Return rows as the tables of a run folder."""
    return Tables(frame(scores, SCORES).lazy(), frame(calls, CALLS).lazy(), frame(arguments, ARGUMENTS).lazy())
