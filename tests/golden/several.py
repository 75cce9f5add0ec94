"""Reports on more than one run: one compared with another, two variants with a third, and a history with a drop."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import polars as pl

from fceval.records import Key
from fceval.report.comparison import comparison_report
from fceval.report.differences import Caution, Compared
from fceval.report.document import Example, Pair, Report
from fceval.report.examples import examples
from fceval.report.history import LeftOut, PastRun, history_report
from fceval.rows import MetricRow
from fceval.stats.compare import BYS, Side, compare
from fceval.stats.intervals import wilson
from fceval.stats.paired import ALPHA, MATTERS, holm
from fceval.stats.repeats import flakes
from tests.golden.rows import Tables, score, tables
from tests.golden.runs import HOSTILE, Run, troubled_run, variants_run

_META = {"base": "monday: qwen-测试, support.jsonl (2f7a…)", "new": "tuesday: qwen-测试, support.jsonl (91c0…)"}
_RESCORE = "answers were judged differently: score both under the same rules first"


def compared_runs() -> Report:
    """Return a comparison: cases got worse and better, are new, removed and changed, and rules differ."""
    monday = troubled_run()
    base = _side(monday.tables)
    new = _side(_tuesday(monday.tables))
    caution = Caution("rules.strings", "exact", f"normalized {HOSTILE}", _RESCORE)
    each = replace(_compared("monday", "tuesday", base, new, monday), cautions=(caution,))
    return comparison_report([each], _META, ALPHA, MATTERS)


def compared_variants() -> Report:
    """Return two comparisons with one base, in three trials: one of another prompt, one of the very same answers."""
    run = variants_run()
    terse, polite = (_side(_of_variant(run.tables, name)) for name in ("terse", "polite"))
    pairs = [_compared("terse", "polite", terse, polite, run), _compared("terse", "terse again", terse, terse, run)]
    adjusted = holm([each.overall.p_value for each in pairs])
    pairs = [replace(each, p_adjusted=p) for each, p in zip(pairs, adjusted, strict=True)]
    return comparison_report(pairs, {"base": "two prompts: m"}, ALPHA, MATTERS)


def past_runs() -> Report:
    """Return a history of nine nights: an outage, a drop with another model, a run of two variants, a torn folder."""
    accuracies = (0.9, 0.91, 0.89, None, 0.9, 0.72, 0.7, 0.71, 0.7)
    nights = [_night(at, accuracy) for at, accuracy in enumerate(accuracies, 1)]
    other = [
        replace(_night(10, share), folder="grid", series=f"grid#{HOSTILE}-{at}") for at, share in ((0, 0.5), (1, 0.6))
    ]
    left_out = [LeftOut(f"torn {HOSTILE}", "damaged: journal.jsonl, line 3")]
    metrics = ("accuracy", "coverage", "latency_p50_s", "cost_usd")
    return history_report("History of reports", [*nights, *other], left_out, metrics, ALPHA)


def _side(of: Tables) -> Side:
    """Return a run's tables as a side; its cases are told apart by name, unless they say otherwise."""
    told = pl.when(pl.col("content_hash") == "").then("case_id").otherwise("content_hash")
    return Side(of.scores.with_columns(content_hash=told), of.calls, of.arguments)


def _of_variant(of: Tables, name: str) -> Tables:
    own = pl.col("variant") == name
    return Tables(of.scores.filter(own), of.calls.filter(own), of.arguments.filter(own))


def _tuesday(monday: Tables) -> Tables:
    """Return the next night's tables: a pass that fell, a failure that passes, a case each new, gone and changed."""
    case = pl.col("case_id")
    fell, rose = case == "passed-0", case == "refund-value"
    faulty = ("missing_argument", "wrong_value")
    verdict = {
        name: pl.when(fell).then(pl.lit(value=False)).when(rose).then(pl.lit(value=True)).otherwise(name)
        for name in ("passed", "passed_strict", "passed_repaired", "arguments_ok")
    }
    scores = monday.scores.filter(case != "small-talk").with_columns(
        outcome=pl.when(fell).then(pl.lit("wrong_value")).when(rose).then(pl.lit("passed")).otherwise("outcome"),
        latency_s=pl.col("latency_s") * 1.5,
        completion_tokens=pl.col("completion_tokens") + 5,
        content_hash=pl.when(case == "wrong-tool").then(pl.lit("edited")).otherwise("content_hash"),
        **verdict,
    )
    fault = pl.when(fell).then(pl.lit("wrong_value")).when(rose & pl.col("fault").is_in(faulty)).then(None)
    judged = {"fault": fault.otherwise("fault")}
    added = tables([score("added", tags=["en"])])
    return Tables(
        pl.concat([scores, added.scores]),
        monday.calls.filter(case != "small-talk").with_columns(
            **judged,
            predicted_arguments=pl.when(fell).then(pl.lit('{"order_id":"12345"}')).otherwise("predicted_arguments"),
        ),
        monday.arguments.with_columns(**judged, predicted=pl.when(fell).then(pl.lit('"12345"')).otherwise("predicted")),
    )


def _compared(base_name: str, new_name: str, base: Side, new: Side, run: Run) -> Compared:
    found = compare(base, new, BYS)
    assert found.overall is not None
    rows = found.flipped.to_dicts()
    before, after = (
        _examples(side, [(row[f"{end}_case"], row[f"{end}_trial"]) for row in rows], run)
        for end, side in (("base", base), ("new", new))
    )
    return Compared(
        base=base_name,
        new=new_name,
        found=found,
        overall=found.overall,
        p_adjusted=found.overall.p_value,
        flips=tuple(
            Pair(
                row["new_case"],
                base_name,
                new_name,
                row["base_mean"],
                row["new_mean"],
                before.get(row["base_case"]),
                after.get(row["new_case"]),
            )
            for row in rows
        ),
        cautions=(),
        base_flakes=flakes(base.scores),
        new_flakes=flakes(new.scores),
    )


def _examples(side: Side, places: list[tuple[str, int]], run: Run) -> Mapping[str, Example]:
    variant = side.scores.select(pl.col("variant").first()).collect().item()
    keys = [Key(case_id, variant, trial, 0, 0) for case_id, trial in places]
    shown = examples(keys, side.scores, side.calls, side.arguments, run.cases, run.responses)
    return {example.case_id: example for example in shown}


def _night(number: int, accuracy: float | None) -> PastRun:
    cases = 0 if accuracy is None else 200
    low, high = (None, None) if accuracy is None else wilson(accuracy, cases) or (None, None)
    later = number > 5
    rows = (
        MetricRow("default", "run", "", "accuracy", accuracy, cases, low, high),
        MetricRow("default", "run", "", "coverage", cases / 200, 200, None, None),
        MetricRow("default", "run", "", "latency_p50_s", 1.0 + 0.01 * (number % 3) + later, cases, None, None),
        MetricRow("default", "run", "", "cost_usd", None, 0, None, None),
    )
    return PastRun(
        folder=f"2026110{number}T020000Z-nightly-{number:04x}",
        series="nightly",
        started_at=f"2026-11-{number:02}T02:00:00+00:00",
        model="qwen-2" if later else "qwen-测试",
        commit=None if number == 1 else "eba2655" + 33 * "0",
        config="0badcafe" if later else "1badcafe",
        changed=("endpoint.model: qwen-测试 → qwen-2",) if number == 6 else (),
        metrics={row.metric: row for row in rows},
    )
