"""How often a gate is wrong about cases that are asked several times, and how often it finds a true drop.

Runs are drawn by the thousand and held to the t test all at once; `gate` itself is asked about those of them that are
nearest to the border between passing and failing, where it must decide the same.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import polars as pl
import pytest
from scipy.stats import nct, t, ttest_1samp

from fceval.stats.compare import Side
from fceval.stats.gate import GateSettings, gate
from fceval.stats.paired import ALPHA
from tests.golden.rows import score, tables

TRIALS = 3
NEAREST = 3
"""How many runs on either side of the border are gated."""
Passes: TypeAlias = npt.NDArray[np.int64]


def drawn(cases: int, drop: float, runs: int) -> tuple[Passes, Passes]:
    """Return the passes of every case in base and new, a run a row; the chance of each case is its own.

    Half of the cases always pass, the others waver. The new run fails so many trials more, of those that would pass.
    """
    draw = np.random.default_rng(cases)
    wavering = draw.random((runs, cases)) < 0.5
    chance = np.where(wavering, draw.beta(4, 1, size=(runs, cases)), 1.0)
    share = drop / (0.5 * 0.8 + 0.5)  # of what passes on average
    return draw.binomial(TRIALS, chance), draw.binomial(TRIALS, chance * (1 - share))


def side(passes: Passes) -> Side:
    """Return a run of which so many trials of each case passed."""
    row = tables([score("c")])
    case, trial = (pl.int_range(len(passes) * TRIALS) // TRIALS, pl.int_range(len(passes) * TRIALS) % TRIALS)
    places = pl.select(case_id=case.cast(pl.String), trial=trial, passed=trial < pl.lit(np.repeat(passes, TRIALS)))
    fixed = row.scores.collect().drop(places.columns, "content_hash", "outcome")
    outcome = pl.when("passed").then(pl.lit("passed")).otherwise(pl.lit("wrong_value"))
    many = places.join(fixed, how="cross").with_columns(content_hash="case_id", outcome=outcome)
    return Side(many.lazy(), row.calls, row.arguments)


def fails(base: Passes, new: Passes) -> bool:
    """Return whether the gate fails a run for any drop."""
    return gate(side(new), side(base), GateSettings(max_drop=0.0)).verdict == "failed"


@pytest.mark.parametrize(("cases", "drop", "runs"), [(100, 0.08, 8_000), (500, 0.03, 4_000), (2000, 0.015, 2_000)])
def test_gate_is_as_careful_and_as_sharp_as_theory(cases: int, drop: float, runs: int) -> None:
    """False alarms at most alpha and 1.5 points, power within 5 points of that of the t test, by the noncentral t."""
    for true_drop in (0.0, drop):
        base, new = drawn(cases, true_drop, runs)
        differences = (new - base) / TRIALS
        p_drop = np.asarray(ttest_1samp(differences, 0.0, axis=1, alternative="less").pvalue)
        found = float((p_drop <= ALPHA).mean())
        spread = float(differences.std(axis=1, ddof=1).mean())
        shift = -float(differences.mean()) * np.sqrt(cases) / spread
        assert found == pytest.approx(nct.sf(t.isf(ALPHA, cases - 1), cases - 1, shift), abs=0.05)
        if not true_drop:
            assert found <= ALPHA + 0.015
        else:
            assert found > 0.6
        order = np.argsort(np.abs(p_drop - ALPHA))
        for at in (*order[p_drop[order] <= ALPHA][:NEAREST], *order[p_drop[order] > ALPHA][:NEAREST]):
            assert fails(base[at], new[at]) == (p_drop[at] <= ALPHA)
