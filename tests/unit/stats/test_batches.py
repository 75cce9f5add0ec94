"""Tables read some whole cases at a time: nothing is lost, twice or torn, and no number changes."""

from __future__ import annotations

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from fceval.rows import ArgumentFact, CallFact, Score
from fceval.stats.batches import whole_cases
from fceval.stats.metrics import measure
from tests.golden.rows import Tables, argument, call, score, tables
from tests.golden.runs import troubled_run, variants_run

_VARIANTS = ("one", "two")


def _long_run() -> Tables:
    """Return a run of cases with several variants, trials and turns; some have no call, one has many."""
    scores: list[Score] = []
    calls: list[CallFact] = []
    arguments: list[ArgumentFact] = []
    for number in range(12):
        case_id = f"case {number}"
        keys = [(variant, trial, turn) for variant in _VARIANTS for trial in range(2) for turn in range(2)]
        for at, (variant, trial, turn) in enumerate(keys):
            key = {"variant": variant, "trial": trial, "turn": turn, "category": f"category {number % 2}"}
            outcome = ("passed", "wrong_value", "timed_out", "passed", "missing_call")[(number + at) % 5]
            told = {
                "cost_usd": 0.1 * number,
                "latency_s": 1.0 + at,
                "prompt_tokens": number,
                "tags": ["all"] * (at % 2),
            }
            scores.append(score(case_id, outcome, wanted="any" if number == 5 else "calls", **key, **told))
            if number % 4 == 3 or outcome == "timed_out":
                continue
            for pair in range(9 if number == 6 else 1):
                calls.append(call(case_id, "f", pair=pair, credit=1 / 3, **key))
                arguments += [argument(case_id, name, tool="f", pair=pair, **key) for name in "abc"]
    return tables(scores, calls, arguments)


@pytest.mark.parametrize("rows", [1, 2, 3, 8, 9, 50, 1_000])
def test_batches_are_the_tables_a_case_in_one_of_them(rows: int) -> None:
    """One after the other they are the whole tables; no case comes twice."""
    run = _long_run()
    batches = list(whole_cases(run.scores, run.calls, run.arguments, rows))
    for name, whole in (("scores", run.scores), ("calls", run.calls), ("arguments", run.arguments)):
        assert_frame_equal(pl.concat([getattr(batch, name) for batch in batches]), whole.collect())
    cases = [case for batch in batches for case in batch.scores["case_id"].unique()]
    assert len(cases) == len(set(cases))
    if rows == 1:
        assert len(batches) == len(cases)


@pytest.mark.untraced
@pytest.mark.parametrize("rows", [1, 2, 3, 8, 9, 50])
def test_batches_change_no_digit(rows: int) -> None:
    """Metrics are the same to the last bit, however many rows are read at once."""
    for run in (_long_run(), troubled_run().tables, variants_run().tables):
        whole = measure(run.scores, run.calls, run.arguments)
        assert_frame_equal(measure(run.scores, run.calls, run.arguments, batch_rows=rows), whole, check_exact=True)


def test_no_rows_are_no_batches() -> None:
    """Empty tables come in no batch at all."""
    run = tables([])
    assert not list(whole_cases(run.scores, run.calls, run.arguments))
