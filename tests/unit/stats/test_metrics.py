"""Metrics of small tables, computed by hand."""

from __future__ import annotations

from itertools import permutations

import pytest
from scipy.stats import binomtest

from fceval.rows import ArgumentFact, CallFact, MetricRow, Score
from fceval.scoring.verdict import OUTCOMES
from fceval.stats.metrics import BY_NAME, TABLE, measure
from fceval.tables import METRICS
from tests.golden.rows import argument, call, score, tables
from tests.golden.runs import troubled_run


class Measured:
    """Metrics of rows, for looking up."""

    def __init__(
        self, scores: list[Score], calls: list[CallFact] | None = None, arguments: list[ArgumentFact] | None = None
    ) -> None:
        made = tables(scores, calls or [], arguments or [])
        self.frame = measure(made.scores, made.calls, made.arguments)

    def row(self, metric: str, scope: str = "run", group: str = "", variant: str = "default") -> MetricRow:
        """Return the one row of a metric."""
        wanted = {"variant": variant, "scope": scope, "group": group, "metric": metric}
        (row,) = self.frame.filter(**wanted).iter_rows()
        return MetricRow(*row)

    def __call__(
        self, metric: str, scope: str = "run", group: str = "", variant: str = "default"
    ) -> tuple[float | None, int]:
        """Return value and n."""
        row = self.row(metric, scope, group, variant)
        return row.value, row.n


def test_accuracy_leaves_out_what_was_not_measured() -> None:
    """Two of three measured passed; the fourth timed out and shows in coverage and bounds alone."""
    of = Measured([score("a"), score("b"), score("c", "wrong_value"), score("d", "timed_out")])
    assert of("accuracy") == (2 / 3, 3)
    assert of("coverage") == (0.75, 4)
    assert of("worst_case") == (0.5, 4)
    assert of("best_case") == (0.75, 4)
    assert (of("planned"), of("measured"), of("passed")) == ((4, 4), (3, 4), (2, 4))


def test_accuracy_has_wilson_interval() -> None:
    """One trial per case: the interval is scipy's."""
    row = Measured([score("a"), score("b"), score("c", "wrong_value")]).row("accuracy")
    reference = binomtest(2, 3).proportion_ci(method="wilson")
    assert (row.low, row.high) == pytest.approx((reference.low, reference.high), abs=1e-9)


def test_bounds_and_coverage_have_no_interval() -> None:
    """They are facts of this run, and estimate nothing."""
    of = Measured([score("a"), score("b", "timed_out")])
    assert [of.row(name).low for name in ("coverage", "worst_case", "best_case")] == [None, None, None]


def test_nothing_measured_is_no_value() -> None:
    """Neither 0 nor NaN: quality metrics without an observation are null."""
    of = Measured([score("a", "endpoint_error"), score("b", "not_run")])
    assert of("accuracy") == (None, 0)
    assert of("call_f1") == (None, 0)
    assert of("argument_accuracy_per_argument") == (None, 0)
    assert of("latency_p50_s") == (None, 0)
    assert of("cost_usd") == (None, 0)
    assert of("coverage") == (0.0, 2)
    assert of("passed") == (0, 2)
    assert not of.frame["value"].is_nan().any()


def test_strict_accuracy_counts_lenient_passes_as_failed() -> None:
    """A pass that needed a rule is no strict one."""
    assert Measured([score("a"), score("b", passed_strict=False)])("strict_accuracy") == (0.5, 2)


def test_repaired_accuracy_counts_what_repair_would_let_pass() -> None:
    """Where it does, the headline stays as it is."""
    of = Measured([score("a"), score("b", "unparsable_call", passed_repaired=True), score("c", "timed_out")])
    assert (of("accuracy"), of("repaired_accuracy")) == ((0.5, 2), (1.0, 2))


def test_dialogue_passes_where_every_turn_does() -> None:
    """One that is not measured in every turn is no observation; a single turn is a dialogue of one."""
    of = Measured(
        [
            *(score("a", turn=turn) for turn in range(3)),
            *(score("b", "passed" if turn else "wrong_value", turn=turn) for turn in range(2)),
            *(score("c", "passed" if turn else "timed_out", turn=turn) for turn in range(2)),
            score("d", category="other"),
            score("a", "wrong_value", trial=1),
        ]
    )
    assert of("dialogue_accuracy") == (0.5, 4)
    assert of("dialogue_accuracy", "category", "other") == (1.0, 1)
    row = of.row("dialogue_accuracy")
    assert row.low is not None
    assert row.high is not None
    assert row.low < 0.5 < row.high


def test_single_turns_have_no_dialogue_accuracy() -> None:
    """It would be the accuracy."""
    assert Measured([score("a")])("dialogue_accuracy") == (None, 0)


def test_times_of_streams() -> None:
    """Percentiles of what was streamed and measured."""
    of = Measured(
        [
            score("a", ttft_s=1.0, first_call_s=2.0),
            score("b", ttft_s=3.0),
            score("c"),
            score("d", "timed_out", ttft_s=9.0, first_call_s=9.0),
        ]
    )
    assert of("ttft_p50_s") == (2.0, 2)
    assert of("first_call_p50_s") == (2.0, 1)


def test_tool_selection_accuracy_is_over_measured_responses() -> None:
    """A wrong value chose the right tool; a wrong tool did not."""
    of = Measured([score("a"), score("b", "wrong_value"), score("c", "wrong_tool"), score("d", "timed_out")])
    assert of("tool_selection_accuracy") == (2 / 3, 3)


def test_irrelevance_accuracy_is_over_cases_that_want_no_call() -> None:
    """Cases that want calls are no observation."""
    of = Measured([score("a", wanted="none"), score("b", "unexpected_call", wanted="none"), score("c", "wrong_value")])
    assert of("irrelevance_accuracy") == (0.5, 2)


CALLS = [
    call("a", "f"),
    call("b", "f", arguments_ok=False, schema_valid=False, fault="wrong_value"),
    call("c", "f", predicted_tool="g", selected=False, arguments_ok=None, fault="wrong_tool"),
    call(
        "d",
        "g",
        predicted_index=None,
        predicted_tool=None,
        selected=False,
        arguments_ok=None,
        schema_valid=None,
        fault="missing_call",
    ),
    call("d", "g", pair=1, expected_index=None, selected=False, arguments_ok=None, fault="extra_call"),
    call("d", "g", pair=2, expected_index=None, selected=False, arguments_ok=None, ignored=True, schema_valid=False),
]
"""Four expected and four predicted calls, one of them right; an extra one that the case allows."""


def test_call_metrics_by_hand() -> None:
    """Precision 1/4, recall 1/4, F1 1/4; allowed extra calls are not counted."""
    of = Measured([score(case) for case in "abcd"], CALLS)
    assert of("call_precision") == (0.25, 4)
    assert of("call_recall") == (0.25, 4)
    assert of("call_f1") == (0.25, 8)
    assert of("tool_selection_accuracy_per_call") == (0.5, 4)
    assert of("argument_accuracy_per_call") == (0.5, 2)
    assert of("schema_valid_rate") == (0.75, 4)
    assert of("fault:missing_call")[0] == 1


def test_wrong_tool_is_missed_by_one_and_made_up_by_another() -> None:
    """By tool, `f` was expected three times and called twice; `g` expected once and called twice."""
    of = Measured([score(case) for case in "abcd"], CALLS)
    assert of("call_recall", "tool", "f") == (1 / 3, 3)
    assert of("call_precision", "tool", "f") == (0.5, 2)
    assert of("call_f1", "tool", "f") == (0.4, 5)
    assert of("call_recall", "tool", "g") == (0.0, 1)
    assert of("call_precision", "tool", "g") == (0.0, 2)
    assert of("fault:wrong_tool", "tool", "f")[0] == 1
    assert of("fault:wrong_tool", "tool", "g")[0] == 0


def test_schema_validity_is_that_of_the_called_tool() -> None:
    """The call of `g` in place of `f` was valid for `g`."""
    of = Measured([score(case) for case in "abcd"], CALLS)
    assert of("schema_valid_rate", "tool", "f") == (0.5, 2)
    assert of("schema_valid_rate", "tool", "g") == (1.0, 2)


def test_calls_of_unmeasured_responses_are_not_counted() -> None:
    """Even where facts of them exist."""
    of = Measured([score("a"), score("b", "timed_out")], [call("a"), call("b")], [argument("a"), argument("b")])
    assert of("call_recall") == (1.0, 1)
    assert of("argument_accuracy_per_argument") == (1.0, 1)


def test_any_call_will_do_has_no_precision() -> None:
    """Where the case lists no calls, predicted ones are neither right nor wrong."""
    of = Measured([score("a", wanted="any")], [call("a", expected_index=None, arguments_ok=None)])
    assert of("call_precision") == (None, 0)
    assert of("call_f1") == (None, 0)


def test_argument_metrics_by_tool_and_argument() -> None:
    """Two of three arguments are right; the wrong one is found under its tool and name."""
    arguments = [argument("a"), argument("b"), argument("b", "days", fault="wrong_type")]
    of = Measured([score("a"), score("b", "wrong_type")], [call("a"), call("b")], arguments)
    assert of("argument_accuracy_per_argument") == (2 / 3, 3)
    assert of("argument_accuracy_per_argument", "argument", "get_weather.days") == (0.0, 1)
    assert of("fault:wrong_type", "argument", "get_weather.days") == (1, 1)
    assert of("fault:wrong_type", "tool", "get_weather") == (1, 3)


def test_latency_is_that_of_measured_responses() -> None:
    """A timeout of a minute is no latency of the model."""
    of = Measured(
        [*(score(str(n), latency_s=float(n)) for n in range(1, 102)), score("t", "timed_out", latency_s=600.0)]
    )
    assert of("latency_p50_s") == (51.0, 101)
    assert of("latency_p90_s") == (91.0, 101)
    assert of("latency_p99_s") == (100.0, 101)


def test_unreported_tokens_and_cost_are_unknown() -> None:
    """Null with n = 0 where never reported; where partly, n says of how many."""
    of = Measured([score("a", prompt_tokens=10, cost_usd=0.25), score("b", prompt_tokens=5)])
    assert of("prompt_tokens") == (15, 2)
    assert of("completion_tokens") == (None, 0)
    assert of("cost_usd") == (0.25, 1)


def test_retries_and_429s() -> None:
    """Attempts beyond the first, and answers with 429; responses that were never asked for say nothing."""
    asked = [score("a", attempts=3, retried_429=2), score("b"), score("c", attempts=0, requests=0)]
    of = Measured([*asked, score("d", attempts=4, requests=3)])
    assert of("retries") == (3, 3)
    assert of("rate_limited_responses") == (2, 3)


def test_every_outcome_is_counted() -> None:
    """One row for each outcome, zero included, and they add up to what was planned."""
    of = Measured([score("a"), score("b", "refused"), score("c", "refused")])
    counts = {outcome: of(f"outcome:{outcome}")[0] for outcome in OUTCOMES}
    assert counts["refused"] == 2
    assert sum(value or 0 for value in counts.values()) == 3


def test_groups_by_category_tag_and_turn() -> None:
    """A response with two tags counts in both; turns appear where there are several."""
    of = Measured(
        [
            score("a", category="simple", tags=["en", "new", "en"]),
            score("b", "wrong_value", category="multiple", tags=["en"]),
            score("b", category="multiple", turn=1),
        ]
    )
    assert of("accuracy", "category", "multiple") == (0.5, 2)
    assert of("accuracy", "tag", "en") == (0.5, 2)
    assert of("accuracy", "tag", "new") == (1.0, 1)
    assert of("accuracy", "turn", "1") == (1.0, 1)


def test_single_turn_runs_have_no_turn_scope() -> None:
    """There is nothing to compare."""
    assert "turn" not in Measured([score("a")]).frame["scope"].to_list()


def test_turns_are_sorted_by_number() -> None:
    """Turn 10 comes after turn 2."""
    frame = Measured([score("a", turn=turn) for turn in range(11)]).frame.filter(scope="turn")
    assert frame["group"].unique(maintain_order=True).to_list() == [str(turn) for turn in range(11)]


def test_variants_are_never_pooled() -> None:
    """Each variant has its own accuracy, and there is none of both."""
    of = Measured([score("a", variant="x"), score("a", "refused", variant="y")])
    assert of("accuracy", variant="x") == (1.0, 1)
    assert of("accuracy", variant="y") == (0.0, 1)
    assert of.frame["variant"].unique().sort().to_list() == ["x", "y"]


def test_trials_widen_the_interval() -> None:
    """Three equal trials of a case are no three cases: the interval stays about that of the cases."""
    single = Measured([score(f"{n}", "passed" if n < 6 else "wrong_value") for n in range(10)]).row("accuracy")
    trials = [score(f"{n}", "passed" if n < 6 else "wrong_value", trial=trial) for n in range(10) for trial in range(3)]
    tripled = Measured(trials).row("accuracy")
    assert tripled.value == single.value
    assert single.low is not None
    assert tripled.low is not None
    assert tripled.low < single.low


def test_schema_and_order_of_rows() -> None:
    """The result has the schema of the file, and one row per variant, scope, group and metric."""
    run = troubled_run().tables
    found = measure(run.scores, run.calls, run.arguments)
    assert found.schema == METRICS
    assert not found.select("variant", "scope", "group", "metric").is_duplicated().any()
    run_scope = found.filter(scope="run")["metric"].to_list()
    assert run_scope == list(BY_NAME)


def test_order_of_rows_changes_no_digit() -> None:
    """Shuffled tables give the same metrics, costs included, to the last bit."""
    scores = [score(f"{n}", "passed" if n % 3 else "refused", cost_usd=0.1 * n, trial=n % 2) for n in range(50)]
    made = tables(scores)
    reference = measure(made.scores, made.calls, made.arguments)
    for seed in range(3):
        shuffled = made.scores.collect().sample(fraction=1, shuffle=True, seed=seed).lazy()
        assert measure(shuffled, made.calls, made.arguments).equals(reference)


def test_no_rows_no_metrics() -> None:
    """Empty tables have no variant, and so no metric."""
    assert Measured([]).frame.is_empty()


def test_each_metric_has_a_line_of_its_own() -> None:
    """Every metric is documented in one line; a name stands once, but for faults of calls and of arguments."""
    assert all(metric.doc and "\n" not in metric.doc for metric in TABLE)
    assert len({metric.name for metric in TABLE}) == len(TABLE)


def test_partial_credit_is_averaged_over_calls_that_count() -> None:
    """A pair counts by its right arguments, a missing or extra call as 0; an allowed extra call is not counted."""
    calls = [
        call("a", "f", credit=1.0),
        call("b", "f", credit=0.5, arguments_ok=False, fault="wrong_value"),
        call(
            "c", "f", predicted_index=None, predicted_tool=None, selected=False, arguments_ok=None, fault="missing_call"
        ),
        call("c", "g", pair=1, expected_index=None, selected=False, arguments_ok=None, ignored=True),
    ]
    assert Measured([score(case) for case in "abc"], calls)("partial_credit") == (0.5, 3)


def test_partial_credit_does_not_depend_on_the_order_of_the_rows() -> None:
    """To the last digit, so that a run scored again has the same bytes: 0.1 + 0.2 + 0.3 is not 0.3 + 0.2 + 0.1."""
    calls = [call("a", "f", credit=credit, arguments_ok=False, fault="wrong_value") for credit in (0.1, 0.2, 0.3)]
    ways = {Measured([score("a")], list(ordered))("partial_credit") for ordered in permutations(calls)}
    assert ways == {(0.2, 3)}
