"""One run as a `Report`: the finding in a sentence, its figures, its tables and its failures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import polars as pl

from fceval.records import Case, Key, Response
from fceval.report.case_list import case_list
from fceval.report.conformance import repair_matters
from fceval.report.document import Figure, Kind, Report, Section
from fceval.report.examples import SHOWN, examples, failing_keys, opened_keys
from fceval.report.numbers import Numbers
from fceval.report.sections import sections
from fceval.report.wavering import wavering_section
from fceval.report.wording import UNKNOWN, counted, in_words, percent, percent_range
from fceval.stats.latencies import latency_bins
from fceval.stats.repeats import flakes

VARIANTS_IN_HEADLINE = 4
_FIRST = ("variants", "categories", "outcomes")
"""Chapters that every report begins with."""


def summarise(  # noqa: PLR0913, PLR0917 -- the tables of a run and what they refer to
    meta: Mapping[str, str],
    metrics: pl.DataFrame,
    scores: pl.LazyFrame,
    calls: pl.LazyFrame,
    arguments: pl.LazyFrame,
    cases: Mapping[str, Case],
    responses: Mapping[Key, Response],
    *,
    limit: int = SHOWN,
) -> Report:
    """Return the report on one run.

    Args:
        meta: What was run; `name` becomes part of the title.
        metrics: As `fceval.stats.metrics.measure` returns them.
        scores: Rows of `fceval.rows.Score`.
        calls: Rows of `fceval.rows.CallFact`.
        arguments: Rows of `fceval.rows.ArgumentFact`.
        cases: At least those of `opened_keys(scores)`, by case_id.
        responses: At least those of `opened_keys(scores)`, every step of them.
        limit: The most failures to show in full as a chapter; the list of cases opens more.
    """
    numbers = Numbers(metrics)
    first, keys = set(failing_keys(scores, limit)), opened_keys(scores)
    opened = dict(zip(keys, examples(keys, scores, calls, arguments, cases, responses), strict=True))
    shown = tuple(example for key, example in opened.items() if key in first)
    failing = numbers.total("planned") - numbers.total("passed")
    failures = Section("failures", "Failures, case by case", _extent(len(shown), failing), examples=shown)
    lines, cases_note = case_list(scores, calls, arguments)
    return Report(
        title=f"Function calling: {meta['name']}" if meta.get("name") else "Function calling",
        headline=headline(numbers),
        complete=numbers.total("measured") == numbers.total("planned"),
        meta=tuple((in_words(label), value) for label, value in meta.items()),
        figures=_figures(numbers),
        sections=(*sections(numbers, latency_bins(scores)), *_wavering(numbers, scores), failures),
        cases=lines,
        cases_note=cases_note,
        examples=tuple(example for key, example in opened.items() if key not in first),
    )


def _wavering(numbers: Numbers, scores: pl.LazyFrame) -> tuple[Section, ...]:
    """Return the chapter on cases whose trials disagree, where there are several trials and any does."""
    if "pass@1" not in numbers.names:
        return ()
    several = len(numbers.variants) > 1
    of = ((name if several else "", flakes(scores.filter(pl.col("variant") == name))) for name in numbers.variants)
    chapter = wavering_section(of)
    return (chapter,) if chapter.tables else ()


def with_chapter(report: Report, chapter: Section) -> Report:
    """Return the report with one more chapter, after the outcomes."""
    place = 1 + max(position for position, section in enumerate(report.sections) if section.key in _FIRST)
    return replace(report, sections=(*report.sections[:place], chapter, *report.sections[place:]))


def headline(numbers: Numbers) -> str:
    """Return the finding in words that need no explanation; what was not measured comes first."""
    planned, measured = numbers.total("planned"), numbers.total("measured")
    noun = _noun(numbers)
    if measured == 0:
        return f"INCOMPLETE: none of {counted(planned, noun)} was measured, so there is no accuracy ({UNKNOWN})."
    if measured == planned:
        finding = _finding(numbers)
        return f"{finding[0].upper()}{finding[1:]}; everything planned was measured."
    extent = f"only {measured:,} of {counted(planned, noun)} were measured (coverage {percent(measured / planned)})"
    return f"INCOMPLETE: {extent}; {_finding(numbers)}."


def _noun(numbers: Numbers) -> str:
    """Return what is counted: a case has several responses where there are several trials or turns."""
    repeated = bool(numbers.groups("turn")) or "pass@1" in numbers.names
    return "response" if repeated or len(numbers.variants) > 1 else "case"


def _finding(numbers: Numbers) -> str:
    if len(numbers.variants) == 1:
        (variant,) = numbers.variants
        responses = counted(numbers.count(variant, "measured"), f"measured {_noun(numbers)}")
        return f"{numbers.count(variant, 'passed'):,} of {responses} passed: accuracy {_accuracy(variant, numbers)}"
    ranked = sorted(numbers.variants, key=lambda variant: -(numbers.value(variant, "accuracy") or 0))
    told = list(numbers.variants)
    if len(told) > VARIANTS_IN_HEADLINE:
        told = [ranked[0], ranked[-1]]
    each = ", ".join(f"{variant} {_accuracy(variant, numbers)}" for variant in told)
    which = "accuracy" if len(told) == len(ranked) else "best and worst accuracy"
    return f"{which} of {len(ranked)} variants: {each}"


def _accuracy(variant: str, numbers: Numbers) -> str:
    """Return the accuracy with its interval, and with its bounds where not everything was measured."""
    row = numbers.row(variant, "accuracy")
    if row is None or row.value is None or row.low is None or row.high is None:
        return UNKNOWN
    text = f"{percent(row.value)} (95% interval {percent_range(row.low, row.high)}"
    worst, best = numbers.value(variant, "worst_case"), numbers.value(variant, "best_case")
    if worst is not None and best is not None and worst < best:
        text += f"; worst case {percent(worst)}, best case {percent(best)}"
    return text + ")"


def _figures(numbers: Numbers) -> tuple[Figure, ...]:
    if len(numbers.variants) != 1:
        return tuple(
            Figure(f"Accuracy, {variant}", numbers.cell(variant, "accuracy"), "rate", _measured_of(variant, numbers))
            for variant in numbers.variants
        )
    (variant,) = numbers.variants
    if_not_measured = "if all that is not measured had {}"
    told: list[tuple[str, str, Kind, str]] = [
        ("Accuracy", "accuracy", "rate", "passed of measured, with 95% interval"),
        ("Coverage", "coverage", "rate", _measured_of(variant, numbers)),
    ]
    if numbers.value(variant, "coverage") != 1:
        # Where everything was measured, both are the accuracy.
        told += [
            ("Worst case", "worst_case", "rate", if_not_measured.format("failed")),
            ("Best case", "best_case", "rate", if_not_measured.format("passed")),
        ]
    told += [("Strict accuracy", "strict_accuracy", "rate", "without any rule of leniency")]
    if repair_matters(variant, numbers):
        told += [("Accuracy after repair", "repaired_accuracy", "rate", "had the flaws been undone that can be")]
    if numbers.groups("turn"):
        told += [("Dialogue accuracy", "dialogue_accuracy", "rate", "passed in every turn")]
    if numbers.n(variant, "latency_p50_s"):
        told += [("Latency p50", "latency_p50_s", "seconds", "half of the responses were at least this fast")]
    return tuple(Figure(label, numbers.cell(variant, metric), kind, note) for label, metric, kind, note in told)


def _measured_of(variant: str, numbers: Numbers) -> str:
    return f"{numbers.count(variant, 'measured'):,} of {numbers.count(variant, 'planned'):,} measured"


def _extent(shown: int, failing: int) -> str:
    if failing == 0:
        return "Nothing failed."
    if shown < failing:
        return (
            f"{shown:,} of {failing:,} are shown, every kind of failure in turn; all of them are in scores.parquet. "
            "What was not measured comes last."
        )
    return f"{counted(failing, 'response')} did not pass; what was not measured comes last."
