"""What a gate lets pass: each threshold, what cannot be decided, and how often it is wrong.

False alarms and power are simulated through `gate` itself. Its decision rests on how many cases fell and rose only,
and grows with the former: so it is asked along the border between passing and failing, and never for a whole run.
Runs of several trials are held to the t test all at once; `gate` is asked about those nearest to that border, where it
must decide the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import polars as pl
import pytest
from scipy.stats import binom, nct, t, ttest_1samp

from fceval.rows import Score
from fceval.stats.compare import Side
from fceval.stats.gate import Check, Gated, GateSettings, SliceGate, gate
from fceval.stats.paired import ALPHA
from tests.golden.rows import score, tables


def side(scores: Sequence[Score]) -> Side:
    """Return one side of a gate."""
    made = tables(scores)
    return Side(made.scores, made.calls, made.arguments)


def of(passed: int, failed: int, **fields: object) -> Side:
    """Return a run in which the first cases passed and the rest failed."""
    return side(
        [
            score(f"c{n:03}", "passed" if n < passed else "wrong_value", content_hash=str(n), **fields)
            for n in range(passed + failed)
        ]
    )


def named(found: Gated) -> dict[str, tuple[str, str]]:
    """Return the verdict and finding of each check."""
    return {check.name: (check.verdict, check.finding) for check in found.checks}


def test_least_accuracy() -> None:
    """At the threshold is enough, whatever floating-point numbers make of it."""
    assert gate(of(55, 45), None, GateSettings(min_accuracy=0.55)).verdict == "passed"
    found = gate(of(54, 46), None, GateSettings(min_accuracy=0.55))
    assert found.verdict == "failed"
    assert named(found)["min_accuracy"][1] == "accuracy 54.0% (54 of 100), at least 55.0% is wanted"


@pytest.mark.parametrize(
    ("passed", "settings", "verdict", "words"),
    [
        (
            60,
            GateSettings(max_drop=0.02),
            "failed",
            "fell from 90.0% to 60.0% over 100 shared cases (30 worse, 0 better",
        ),
        (89, GateSettings(max_drop=0.02), "passed", "a drop of 2 points is tolerated"),
        (87, GateSettings(max_drop=0.02), "passed", "but this one may well be chance"),
        (60, GateSettings(max_drop=0.4), "passed", "a drop of 40 points is tolerated"),
        (90, GateSettings(max_drop=0.0), "passed", "stayed at 90.0%"),
        (95, GateSettings(max_drop=0.01), "passed", "rose from 90.0% to 95.0%"),
    ],
)
def test_drop_fails_where_it_is_too_large_and_significant(
    passed: int, settings: GateSettings, verdict: str, words: str
) -> None:
    """Both, or it passes, and the finding says which."""
    found = gate(of(passed, 100 - passed), of(90, 10), settings)
    assert found.verdict == verdict
    assert words in named(found)["max_drop"][1]


def test_tolerance_is_exact() -> None:
    """92 to 90 of 100 is a drop of 2 points, not of 2 and a bit; so many more cases make it significant."""
    settings = GateSettings(max_drop=0.02, alpha=0.5)
    assert gate(of(90, 10), of(92, 8), settings).verdict == "passed"
    assert gate(of(89, 11), of(92, 8), settings).verdict == "failed"


def test_power_and_coverage_leave_it_open() -> None:
    """Neither passed nor failed; but a failure stays one."""
    few = gate(of(9, 1), of(9, 1), GateSettings(max_drop=0.02, require_power=0.05))
    assert few.verdict == "inconclusive"
    assert "one of 5 points must" in named(few)["require_power"][1]
    enough = gate(of(9, 1), of(9, 1), GateSettings(require_power=0.9))
    assert enough.verdict == "passed"
    half = [score("a", content_hash="1"), score("b", "timed_out", content_hash="2")]
    assert gate(side(half), None, GateSettings(min_coverage=0.5)).verdict == "passed"
    assert gate(side(half), None, GateSettings(min_coverage=0.6)).verdict == "inconclusive"
    assert gate(of(5, 5), None, GateSettings(min_coverage=1.0, min_accuracy=0.9)).verdict == "failed"


def test_nothing_measured_or_shared_is_undecided() -> None:
    """An outage is no pass."""
    out = side([score("a", "timed_out", content_hash="0")])
    assert gate(out, None, GateSettings(min_accuracy=0.0)).verdict == "inconclusive"
    found = gate(of(3, 0), side([score("z", content_hash="z")]), GateSettings(max_drop=0.0))
    assert found.checks == (
        Check("baseline", "inconclusive", "no case was measured both in this run and in the baseline"),
    )


@pytest.mark.parametrize(
    ("outcomes", "verdict"),
    [
        (["passed", "passed"], "passed"),
        (["wrong_value", "passed"], "passed"),
        (["wrong_value", "wrong_value"], "failed"),
        (["wrong_value", "timed_out"], "failed"),
        (["timed_out", "timed_out"], "inconclusive"),
    ],
)
def test_golden_case_that_fails_stably_fails_the_run(outcomes: list[str], verdict: str) -> None:
    """In every measured trial; one that wavers is none."""
    run = side(
        [
            *(score("gold", outcome, trial=trial, tags=["golden"]) for trial, outcome in enumerate(outcomes)),
            score("other"),
        ]
    )
    assert gate(run, None, GateSettings()).verdict == verdict
    assert gate(run, None, GateSettings(golden=None)).verdict == "passed"
    assert gate(run, None, GateSettings(flaky=("gold",))).verdict == "passed"


def test_flaky_cases_take_no_part() -> None:
    """Neither in the run nor in the baseline."""
    cases = tuple(f"c{number:03}" for number in range(60, 90))
    settings = GateSettings(max_drop=0.02, min_accuracy=0.8, flaky=cases)
    found = gate(of(60, 40), of(90, 10), settings)
    assert found.verdict == "passed"
    assert found.comparison is not None
    assert found.comparison.overall is not None
    assert found.comparison.overall.cases == 70


def in_groups(fallen: int, groups: int) -> tuple[Side, Side]:
    """Return a base that passes, and a run in which so many of ten cases of one group of many fell."""
    base, new = [], []
    for group in range(groups):
        for number in range(10):
            fields: dict[str, Any] = {
                "content_hash": f"{group} {number}",
                "category": f"g{group}",
                "tags": [f"t{group}"],
            }
            base.append(score(f"{group} {number}", **fields))
            new.append(
                score(f"{group} {number}", "wrong_value" if group == 0 and number < fallen else "passed", **fields)
            )
    return side(base), side(new)


def test_groups_are_one_family() -> None:
    """Five of ten cases fell (p = 0.031): significant alone, not as the worst of two or of a dozen groups."""
    only = {"category=g0": SliceGate(max_drop=0.1)}
    both = {**only, "tag=t1": SliceGate(max_drop=0.1)}
    base, new = in_groups(5, 12)
    assert gate(new, base, GateSettings(slices=only)).verdict == "failed"
    assert gate(new, base, GateSettings(slices=both)).verdict == "passed"
    assert gate(new, base, GateSettings(max_drop=0.5, by=("category",))).verdict == "passed"
    base, new = in_groups(10, 12)
    found = gate(new, base, GateSettings(max_drop=0.2, by=("category",)))
    assert [check.finding for check in found.checks if check.verdict == "failed"] == [
        "accuracy of category=g0 fell from 100.0% to 0.0% over 10 shared cases (p of a drop = 0.012)"
    ]


def test_group_has_thresholds_of_its_own() -> None:
    """A stricter or a looser drop than the run, an accuracy, and a group that is not there."""
    base, new = in_groups(10, 3)
    loose = GateSettings(max_drop=0.5, by=("category",), slices={"category=g0": SliceGate(max_drop=1.0)})
    assert gate(new, base, loose).verdict == "passed"
    assert gate(new, base, GateSettings(slices={"tag=t0": SliceGate(min_accuracy=0.5)})).verdict == "failed"
    typo = gate(new, base, GateSettings(slices={"tag=t9": SliceGate(min_accuracy=0.5, max_drop=0.1)}))
    assert [check.verdict for check in typo.checks] == ["inconclusive", "inconclusive"]


# --- how often it is wrong --------------------------------------------------------------------------------------

CHURN = 0.02
"""Share of cases that rise, and as many fall, between equals."""
RUNS = 20_000


def decided_by_gate(cases: int) -> Callable[[int, int], bool]:
    """Return a function of the numbers of cases that fell and rose: whether `gate` fails the run."""
    made = tables([score(f"c{number:04}", content_hash=str(number)) for number in range(cases)])
    rows = made.scores.collect()
    number = pl.int_range(pl.len())

    def variant(passed: pl.Expr) -> Side:
        outcome = pl.when(passed).then(pl.lit("passed")).otherwise(pl.lit("wrong_value"))
        return Side(rows.with_columns(passed=passed, outcome=outcome).lazy(), made.calls, made.arguments)

    def fails(worse: int, better: int) -> bool:
        base, new = variant(~number.is_between(worse, worse + better - 1)), variant(number >= worse)
        return gate(new, base, GateSettings(max_drop=0.0)).verdict == "failed"

    return fails


def border(fails: Callable[[int, int], bool], betters: range) -> dict[int, int]:
    """Return, by the number of cases that rose, the least number of cases that must fall for a failure."""
    least: dict[int, int] = {}
    worse = betters.start
    for better in betters:
        while not fails(worse, better):
            worse += 1
        least[better] = worse
    return least


def power_in_theory(cases: int, worse: float, better: float) -> float:
    """Return the exact unconditional power of the one-sided test of McNemar: over how many cases change at all."""
    changed = np.arange(cases + 1)
    critical = binom.isf(ALPHA, changed, 0.5) + 1  # least number of falls whose p-value is at most alpha
    found = binom.sf(critical - 1, changed, worse / (worse + better))
    return float((binom.pmf(changed, cases, worse + better) * found).sum())


@pytest.mark.untraced
@pytest.mark.parametrize(("cases", "drop"), [(100, 0.08), (500, 0.025), (2000, 0.0125)])
def test_gate_is_as_careful_and_as_sharp_as_theory(cases: int, drop: float) -> None:
    """False alarms at most alpha and 1.5 points, power within 5 points of that of the exact test."""
    draw = np.random.default_rng(cases)
    quiet, fallen = (
        draw.multinomial(cases, [CHURN + extra, CHURN, 1 - 2 * CHURN - extra], size=RUNS)[:, :2] for extra in (0, drop)
    )
    rose = np.concatenate([quiet, fallen])[:, 1]
    least = border(decided_by_gate(cases), range(int(rose.min()), int(rose.max()) + 1))
    alarms, found = (np.mean([worse >= least[better] for worse, better in runs.tolist()]) for runs in (quiet, fallen))
    assert alarms <= ALPHA + 0.015
    assert alarms == pytest.approx(power_in_theory(cases, CHURN, CHURN), abs=0.01)
    assert found == pytest.approx(power_in_theory(cases, CHURN + drop, CHURN), abs=0.05)
    assert found > 0.6


# --- how often it is wrong about cases that are asked several times ---------------------------------------------------

TRIALS = 3
NEAREST = 3
"""How many runs on either side of the border between passing and failing are gated."""
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


def in_trials(passes: Passes) -> Side:
    """Return a run of which so many trials of each case passed."""
    row = tables([score("c")])
    case, trial = (pl.int_range(len(passes) * TRIALS) // TRIALS, pl.int_range(len(passes) * TRIALS) % TRIALS)
    places = pl.select(case_id=case.cast(pl.String), trial=trial, passed=trial < pl.lit(np.repeat(passes, TRIALS)))
    fixed = row.scores.collect().drop(places.columns, "content_hash", "outcome")
    outcome = pl.when("passed").then(pl.lit("passed")).otherwise(pl.lit("wrong_value"))
    many = places.join(fixed, how="cross").with_columns(content_hash="case_id", outcome=outcome)
    return Side(many.lazy(), row.calls, row.arguments)


def fails_in_trials(base: Passes, new: Passes) -> bool:
    """Return whether the gate fails a run for any drop."""
    return gate(in_trials(new), in_trials(base), GateSettings(max_drop=0.0)).verdict == "failed"


@pytest.mark.parametrize(("cases", "drop", "runs"), [(100, 0.08, 8_000), (500, 0.03, 4_000), (2000, 0.015, 2_000)])
def test_gate_of_several_trials_is_as_careful_and_as_sharp(cases: int, drop: float, runs: int) -> None:
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
            assert fails_in_trials(base[at], new[at]) == (p_drop[at] <= ALPHA)
