"""Whether a run may pass: thresholds and a baseline in, a verdict with its reasons out. Pure.

A drop fails a gate only where it is larger than what is tolerated *and* statistics says that it is one (a one-sided
test at level alpha). The run as a whole is one test; all groups that are held to a drop are a second one, adjusted
for their number (Holm), so that more groups make no more false alarms. What could not be decided (too little
measured, or too few cases to have seen the drop that matters) is neither passed nor failed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

import polars as pl
from annotated_types import Ge, Gt, Le, Lt

from fceval.stats.compare import By, Comparison, Side, SliceComparison, compare
from fceval.stats.paired import ALPHA, Paired, holm

Share: TypeAlias = Annotated[float, Ge(0), Le(1)]
GateVerdict: TypeAlias = Literal["passed", "failed", "inconclusive"]

BY = "by "
"""How checks of groups that `by` asks for are named, before the scope."""
_ROUNDING = 1e-9
"""What floating-point numbers may be off: 92% to 90% is a drop of exactly 2 points."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SliceGate:
    """Settings: thresholds of one group of cases."""

    min_accuracy: Share | None = None
    """Least accuracy of the group."""
    max_drop: Share | None = None
    """Largest drop of the group that is tolerated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GateSettings:
    """Settings: when a run fails."""

    baseline: Path | None = None
    """What the run is held against: a run's folder, or a file of `fceval baseline set`."""
    min_accuracy: Share | None = None
    """Least accuracy, in [0, 1]."""
    max_drop: Share | None = None
    """Largest drop against the baseline that is tolerated, in [0, 1]; a larger one fails where it is significant.
    None with a baseline: no drop is tolerated, unless groups have their own."""
    alpha: Annotated[float, Gt(0), Lt(1)] = ALPHA
    """Share of quiet nights that may be called a drop; once for the run, once for all groups together."""
    by: tuple[By, ...] = ()
    """Scopes whose groups are each held to `max_drop` as well."""
    slices: Mapping[str, SliceGate] = field(default_factory=dict)
    """Thresholds of single groups, by `category=NAME` or `tag=NAME`."""
    golden: str | None = "golden"
    """Tag of cases that must never fail: one that fails in every trial fails the run."""
    flaky: tuple[str, ...] = ()
    """Cases known to waver: they take no part in any check, and are counted."""
    require_power: Share | None = None
    """A drop of this size must be detectable, or the gate is inconclusive."""
    min_coverage: Share | None = None
    """Least share of responses that were measured, or the gate is inconclusive."""

    @property
    def tolerated(self) -> float | None:
        """Largest drop of the run that is tolerated; None where nothing is asked of the whole run."""
        if self.max_drop is None and self.baseline is not None and not self._groups_drop:
            return 0.0
        return self.max_drop

    @property
    def drops(self) -> bool:
        """Whether anything needs a baseline to be held against."""
        return self.tolerated is not None or self.require_power is not None or self._groups_drop

    @property
    def _groups_drop(self) -> bool:
        return any(each.max_drop is not None for each in self.slices.values())

    @property
    def levels(self) -> bool:
        """Whether anything is asked of the run alone, golden cases aside."""
        slices = any(each.min_accuracy is not None for each in self.slices.values())
        return self.min_accuracy is not None or self.min_coverage is not None or slices


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was checked."""

    name: str
    """The setting it comes from."""
    verdict: GateVerdict
    finding: str
    """What was found, against what was allowed; a clause for a sentence."""


@dataclass(frozen=True, slots=True)
class Gated:
    """What a gate decided."""

    checks: tuple[Check, ...]
    comparison: Comparison | None
    """With the baseline; None where there is none."""

    @property
    def verdict(self) -> GateVerdict:
        """Failed where any check failed, else inconclusive where any is."""
        verdicts = {check.verdict for check in self.checks}
        return "failed" if "failed" in verdicts else "inconclusive" if "inconclusive" in verdicts else "passed"


def gate(new: Side, base: Side | None, settings: GateSettings) -> Gated:
    """Hold a run against its thresholds and, where there is one, its baseline.

    Args:
        new: The run.
        base: The baseline; None: only what needs none is checked.
        settings: The thresholds.
    """
    steady = _without(new, settings.flaky)
    checks = [*_coverage(steady, settings), *_accuracies(steady, settings), *_golden(steady, settings)]
    comparison: Comparison | None = None
    if base is not None:
        comparison = compare(_without(base, settings.flaky), steady, _scopes(settings), settings.alpha)
        checks += _drops(comparison, settings)
    return Gated(tuple(checks), comparison)


def _without(side: Side, flaky: Sequence[str]) -> Side:
    if not flaky:
        return side
    keep = ~pl.col("case_id").is_in(list(flaky))
    return Side(side.scores.filter(keep), side.calls.filter(keep), side.arguments.filter(keep))


def _scopes(settings: GateSettings) -> tuple[By, ...]:
    named: list[By] = [
        scope for scope in ("category", "tag") if any(name.startswith(f"{scope}=") for name in settings.slices)
    ]
    return tuple(dict.fromkeys([*settings.by, *named]))


def _coverage(run: Side, settings: GateSettings) -> Iterator[Check]:
    planned, measured = run.scores.select(pl.len(), pl.col("measured").sum()).collect(engine="streaming").row(0)
    if not measured:
        yield Check("min_coverage", "inconclusive", f"none of {planned:,} responses was measured")
    elif settings.min_coverage is not None:
        enough = measured >= settings.min_coverage * planned
        finding = (
            f"{measured:,} of {planned:,} responses were measured, at least {_percent(settings.min_coverage)} must be"
        )
        yield Check("min_coverage", "passed" if enough else "inconclusive", finding)


def _accuracies(run: Side, settings: GateSettings) -> Iterator[Check]:
    if settings.min_accuracy is not None:
        yield _accuracy("min_accuracy", "accuracy", run.scores, settings.min_accuracy)
    for name, slice_gate in settings.slices.items():
        if slice_gate.min_accuracy is not None:
            yield _accuracy(f"slices.{name}", f"accuracy of {name}", _group(run, name), slice_gate.min_accuracy)


def _accuracy(name: str, label: str, scores: pl.LazyFrame, least: float) -> Check:
    counts = scores.select(passed=pl.col("passed").sum(), measured=pl.col("passed").count())
    passed, measured = counts.collect(engine="streaming").row(0)
    if not measured:
        return Check(name, "inconclusive", f"{label} is not known: no such case was measured")
    verdict: GateVerdict = "passed" if passed >= least * measured - _ROUNDING else "failed"
    finding = (
        f"{label} {_percent(passed / measured)} ({passed:,} of {measured:,}), at least {_percent(least)} is wanted"
    )
    return Check(name, verdict, finding)


def _group(run: Side, name: str) -> pl.LazyFrame:
    scope, _, group = name.partition("=")
    return run.scores.filter(pl.col("tags").list.contains(group) if scope == "tag" else pl.col("category") == group)


def _golden(run: Side, settings: GateSettings) -> Iterator[Check]:
    if settings.golden is None:
        return
    golden = run.scores.filter(pl.col("tags").list.contains(settings.golden))
    per_trial = golden.group_by("case_id", "trial").agg(
        pl.col("passed").all().alias("passed"), pl.col("passed").count().alias("measured")
    )
    per_case = (
        per_trial.filter(pl.col("measured") > 0)
        .group_by("case_id")
        .agg(pl.col("passed").any().alias("passed"))
        .sort("case_id")
        .collect(engine="streaming")
    )
    total, trials = golden.select(pl.col("case_id").n_unique(), pl.col("trial").n_unique()).collect().row(0)
    failing = per_case.filter(~pl.col("passed"))["case_id"].to_list()
    if failing:
        shown = ", ".join(failing[:5]) + (f" and {len(failing) - 5} more" if len(failing) > 5 else "")  # noqa: PLR2004 -- as many as a line shows
        stably = " in every trial" if trials > 1 else ""
        yield Check("golden", "failed", f"{len(failing)} of {total} golden cases fail{stably}: {shown}")
    elif per_case.height < total:
        yield Check("golden", "inconclusive", f"{total - per_case.height} of {total} golden cases were not measured")
    elif total:
        yield Check("golden", "passed", f"all {total} golden cases pass")


def _drops(compared: Comparison, settings: GateSettings) -> Iterator[Check]:
    overall = compared.overall
    if overall is None:
        yield Check("baseline", "inconclusive", "no case was measured both in this run and in the baseline")
        return
    if settings.tolerated is not None:
        yield _drop("max_drop", "accuracy", overall, overall.p_drop, settings.tolerated, settings.alpha)
    yield from _slice_drops(compared.slices, settings)
    if settings.require_power is not None:
        enough = overall.detectable <= settings.require_power
        finding = (
            f"over {_cases(overall.cases)} a drop of {_points(overall.detectable)} or more would reliably show, "
            f"one of {_points(settings.require_power)} must"
        )
        yield Check("require_power", "passed" if enough else "inconclusive", finding)


def _slice_drops(slices: Sequence[SliceComparison], settings: GateSettings) -> Iterator[Check]:
    """Yield a check per group that is held to a drop, and for those that could not be; all of them are one family."""
    tolerated = {name: each.max_drop for name, each in settings.slices.items() if each.max_drop is not None}
    held = [
        (f"slices.{name}" if name in tolerated else f"{BY}{each.scope}", name, each.found, most)
        for each in slices
        if (name := f"{each.scope}={each.group}") in tolerated or each.scope in settings.by
        if (most := tolerated.get(name, settings.tolerated)) is not None
    ]
    adjusted = holm([found.p_drop for _, _, found, _ in held])
    for (setting, name, found, most), p_drop in zip(held, adjusted, strict=True):
        yield _drop(setting, f"accuracy of {name}", found, p_drop, most, settings.alpha)
    for name in sorted(tolerated.keys() - {name for _, name, _, _ in held}):
        finding = f"no case of {name} was measured both in this run and in the baseline"
        yield Check(f"slices.{name}", "inconclusive", finding)


def _drop(name: str, label: str, found: Paired, p_drop: float, tolerated: float, alpha: float) -> Check:  # noqa: PLR0913, PLR0917 -- what the finding says
    too_far = -found.difference > tolerated + _ROUNDING
    fails = too_far and p_drop <= alpha
    if found.difference:
        moved = f"{'fell' if found.difference < 0 else 'rose'} from {_percent(found.base)} to {_percent(found.new)}"
    else:
        moved = f"stayed at {_percent(found.new)}"
    why = f"a drop of {_points(tolerated)} is tolerated" if tolerated else "no drop is tolerated"
    if too_far and not fails:
        why += ", but this one may well be chance"
    finding = f"{label} {moved} over {_cases(found.cases)}"
    if name.startswith(BY):  # there are many of them, and the run's own finding has said the rest
        finding += f" (p of a drop {_p(p_drop)})"
    else:
        finding += f" ({found.worse:,} worse, {found.better:,} better; p of a drop {_p(p_drop)}); {why}"
    return Check(name, "failed" if fails else "passed", finding)


def _cases(number: int) -> str:
    return f"{number:,} shared {'case' if number == 1 else 'cases'}"


def _p(p_value: float) -> str:
    return "< 0.0001" if p_value < 0.0001 else f"= {p_value:.2g}"  # noqa: PLR2004 -- smaller ones say no more


def _points(share: float) -> str:
    return "1 point" if share == 0.01 else f"{100 * share:.3g} points"  # noqa: PLR2004 -- a hundredth


def _percent(share: float) -> str:
    return f"{100 * share:.1f}%"
