"""pass@k and pass^k against counting, and over small tables."""

from __future__ import annotations

from itertools import combinations

import polars as pl
import pytest

from fceval.rows import Score
from fceval.stats.metrics import measure
from fceval.stats.repeats import doc, flake_rate, flakes, ks, pass_at_k, pass_hat_k
from tests.golden.rows import score, tables


@pytest.mark.parametrize("passed", range(6))
@pytest.mark.parametrize("k", range(1, 6))
def test_estimators_count_draws(passed: int, k: int) -> None:
    """Among all draws of k from 5 trials: the share with at least one pass, and with nothing but passes."""
    draws = list(combinations([True] * passed + [False] * (5 - passed), k))
    assert pass_at_k(5, passed, k) == pytest.approx(sum(map(any, draws)) / len(draws))
    assert pass_hat_k(5, passed, k) == pytest.approx(sum(map(all, draws)) / len(draws))


@pytest.mark.parametrize("trials", [2, 3, 6])
def test_flake_rate_counts_pairs_that_disagree(trials: int) -> None:
    """Among all pairs of trials: the share of which one passed and one did not."""
    for passed in range(trials + 1):
        pairs = list(combinations([True] * passed + [False] * (trials - passed), 2))
        disagreeing = sum(one != other for one, other in pairs)
        assert float(flake_rate(trials, passed)) == pytest.approx(disagreeing / len(pairs), abs=1e-12)


def test_flakes_are_cases_whose_trials_disagree() -> None:
    """The most wavering first; a trial passes in every turn, and counts where it was measured in each."""
    rows = [
        *(score("steady", trial=trial) for trial in range(3)),
        *(score("once", "passed" if trial else "wrong_value", trial=trial) for trial in range(4)),
        *(score("even", "passed" if trial % 2 else "wrong_value", trial=trial) for trial in range(4)),
        *(
            score("turns", "passed" if trial == turn == 0 else "wrong_value", trial=trial, turn=turn)
            for trial in range(2)
            for turn in range(2)
        ),
        score("out", trial=0),
        score("out", "timed_out", trial=1),
    ]
    found = flakes(tables(rows).scores)
    assert found.select("case_id", "trials", "passed").rows() == [("even", 4, 2), ("once", 4, 3)]
    assert found["flake_rate"].to_list() == pytest.approx([2 / 3, 1 / 2])


@pytest.mark.parametrize(("trials", "expected"), [(2, [1, 2]), (3, [1, 2, 3]), (5, [1, 2, 4, 5]), (8, [1, 2, 4, 8])])
def test_ks(trials: int, expected: list[int]) -> None:
    """Powers of two, and the number of trials."""
    assert ks(trials) == expected


def _run_metrics(metrics: pl.DataFrame) -> dict[str, tuple[float | None, int]]:
    rows = metrics.filter(scope="run").select("metric", "value", "n").iter_rows()
    return {name: (value, n) for name, value, n in rows}


def test_means_over_cases() -> None:
    """Cases with 3, 1 and 0 of 3 passes: by hand."""
    outcomes = {"a": "ppp", "b": "pff", "c": "fff"}
    scores = [
        score(case, "passed" if letter == "p" else "wrong_value", trial=trial)
        for case, letters in outcomes.items()
        for trial, letter in enumerate(letters)
    ]
    found = _run_metrics(measure(*_lazy(scores)))
    values = {name: found[name][0] for name in ("pass@1", "pass@2", "pass@3", "pass^2", "pass^3")}
    assert values == pytest.approx(
        {"pass@1": 4 / 9, "pass@2": (1 + 2 / 3 + 0) / 3, "pass@3": 2 / 3, "pass^2": 1 / 3, "pass^3": 1 / 3}
    )
    assert {found[name][1] for name in values} == {3}


def test_cases_with_too_few_measured_trials_say_nothing() -> None:
    """A trial that was not measured is no failed one; where no case has k trials there is no value."""
    scores = [score("a", trial=0), score("a", "timed_out", trial=1), score("b", "wrong_value", trial=0)]
    found = _run_metrics(measure(*_lazy(scores)))
    assert found["pass@1"] == (0.5, 2)
    assert found["pass^2"] == (None, 0)


def test_a_trial_passes_with_all_its_turns() -> None:
    """A conversation of two turns is one trial; one wrong turn fails it."""
    scores = [
        score("a", "passed" if (trial, turn) != (1, 1) else "wrong_value", trial=trial, turn=turn)
        for trial in (0, 1)
        for turn in (0, 1)
    ]
    found = _run_metrics(measure(*_lazy(scores)))
    assert found["pass^1"] == (0.5, 1)
    assert found["pass^2"] == (0.0, 1)


def test_single_trials_have_neither() -> None:
    """Without repetition there is nothing to estimate."""
    assert not [name for name in _run_metrics(measure(*_lazy([score("a")]))) if name.startswith("pass@")]


def test_doc_names_k() -> None:
    """The reader's line says what k is."""
    assert doc("pass@4") == "Chance that at least one of 4 trials of a case passes"
    assert doc("pass^4") == "Chance that every one of 4 trials of a case passes"


def _lazy(scores: list[Score]) -> tuple[pl.LazyFrame, pl.LazyFrame, pl.LazyFrame]:
    made = tables(scores)
    return made.scores, made.calls, made.arguments
