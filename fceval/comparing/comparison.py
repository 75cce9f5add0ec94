"""`fceval compare`: two or more runs, or the variants of one, as a report on what differs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

import polars as pl

from fceval.comparing.provenance import Provenance, cautions
from fceval.comparing.sources import Pairing, Source, open_source, pairings, unmatched
from fceval.errors import ConfigError, Inconclusive
from fceval.judging import looked_up
from fceval.records import Key
from fceval.report.comparison import comparison_report
from fceval.report.differences import Caution, Compared
from fceval.report.document import Example, Pair, Report
from fceval.report.examples import examples
from fceval.stats.compare import By, Comparison, compare
from fceval.stats.paired import ALPHA, MATTERS, holm
from fceval.stats.repeats import flakes

ByVariant: TypeAlias = Literal["variant"]

FALLS_SHOWN = 70
RISES_SHOWN = 30
"""How many cases of either kind are shown in full, both answers side by side."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a comparison has to say."""

    report: Report
    warnings: tuple[str, ...]
    """A line each: what else differs between the runs, and what was left out."""


def compare_runs(
    base: str,
    news: Sequence[str],
    by: Sequence[By | ByVariant] = (),
    alpha: float = ALPHA,
    matters: float = MATTERS,
) -> Told:
    """Compare runs, or the variants of one, with a base.

    Args:
        base: Reference of what is compared with, as `open_source` takes it.
        news: Of what is compared; none: the other variants of the base with its first.
        by: Scopes to compare group by group as well; `variant` says what is done anyway where `news` is empty.
        alpha: Level of the verdicts and, as 1 - alpha, of the intervals.
        matters: What a comparison must be able to see not to be called underpowered, in [0, 1].

    Raises:
        ConfigError: A run is not there or not scored, or it is not clear what is to be compared.
        Inconclusive: Two runs share no case, or none that was measured in both.
    """
    first, others = open_source(base), [open_source(reference) for reference in news]
    pairs = pairings(first, others)
    scopes: list[By] = [scope for scope in by if scope != "variant"]
    compared = [_compared(pair, scopes, alpha, matters) for pair in pairs]
    adjusted = holm([each.overall.p_value for each in compared])
    compared = [replace(each, p_adjusted=p) for each, p in zip(compared, adjusted, strict=True)]
    report = comparison_report(compared, _meta(first, others, alpha), alpha, matters)
    return Told(report, (*unmatched(first, others, pairs), *warnings_of(pairs)))


def check_scopes(sources: Sequence[Source], scopes: Sequence[By]) -> None:
    """Refuse scopes that a baseline knows nothing of.

    Raises:
        ConfigError: One of the sources is a baseline, and has no calls and no arguments.
    """
    finer = [scope for scope in scopes if scope in {"tool", "argument"}]
    for source in sources:
        if finer and source.run is None:
            msg = f"--by {finer[0]}: {source.reference} is a baseline, which keeps outcomes only: name the run itself"
            raise ConfigError(msg)


def _compared(pair: Pairing, scopes: Sequence[By], alpha: float, matters: float) -> Compared:
    check_scopes((pair.base, pair.new), scopes)
    base, new = pair.sides
    found = compare(base, new, scopes, alpha, matters)
    labels = pair.labels
    if found.overall is None:
        raise Inconclusive(_nothing_shared(labels, found))
    return Compared(
        base=labels[0],
        new=labels[1],
        found=found,
        overall=found.overall,
        p_adjusted=found.overall.p_value,
        flips=_flips(pair, found.flipped),
        cautions=tuple(cautions(pair.base.provenance, pair.new.provenance)),
        base_flakes=flakes(base.scores),
        new_flakes=flakes(new.scores),
    )


def _nothing_shared(labels: tuple[str, str], found: Comparison) -> str:
    matching = found.matching
    if matching.pairs.height:
        return (
            f"{labels[0]} and {labels[1]} cannot be compared: they share {matching.pairs.height:,} cases, "
            "but none of them was measured in both"
        )
    changed = len(matching.changed)
    if changed:
        why = f"{changed:,} have the same name, but other content (messages, tools or what is expected)"
    else:
        why = "not one has the same content, nor the same name: are they runs of one dataset?"
    return f"{labels[0]} and {labels[1]} cannot be compared: they share no case; {why}"


def _flips(pair: Pairing, flipped: pl.DataFrame) -> tuple[Pair, ...]:
    """Return the cases to show in full: the worst falls, and the best rises."""
    falls = flipped.filter(pl.col("new_mean") < pl.col("base_mean")).head(FALLS_SHOWN)
    rises = flipped.filter(pl.col("new_mean") > pl.col("base_mean")).tail(RISES_SHOWN)
    rows = pl.concat([falls, rises]).filter(pl.col("turn").is_not_null()).to_dicts()
    ends = [
        (source, [Key(row[f"{end}_case"], variant, row[f"{end}_trial"], row["turn"], 0) for row in rows])
        for end, source, variant in (("base", pair.base, pair.base_variant), ("new", pair.new, pair.new_variant))
    ]
    shown = [_examples(source, variant, keys) for (source, keys), variant in zip(ends, _variants(pair), strict=True)]
    return tuple(
        Pair(
            row["new_case"], *pair.labels, row["base_mean"], row["new_mean"], shown[0].get(before), shown[1].get(after)
        )
        for row, before, after in zip(rows, ends[0][1], ends[1][1], strict=True)
    )


def _variants(pair: Pairing) -> tuple[str, str]:
    return pair.base_variant, pair.new_variant


def _examples(source: Source, variant: str, keys: list[Key]) -> Mapping[Key, Example]:
    """Return the answers to show; a baseline has none."""
    if source.run is None or not keys:
        return {}
    side = source.variants[variant]
    shown = examples(keys, side.scores, side.calls, side.arguments, *looked_up(source.run, keys))
    return dict(zip(keys, shown, strict=True))


def _meta(base: Source, news: Sequence[Source], alpha: float) -> dict[str, str]:
    told = {"base": _described(base.provenance)}
    for number, new in enumerate(news, 1):
        told["new" if len(news) == 1 else f"new {number}"] = _described(new.provenance)
    return {**told, "alpha": f"{alpha:g}"}


def _described(run: Provenance) -> str:
    models = ", ".join(dict.fromkeys(run.models.values()))
    commit = f", commit {run.commit[:12]}" if run.commit else ""
    return f"{run.name}: {models}, {run.dataset} ({run.dataset_sha256[:12]}), started {run.started_at}{commit}"


def warnings_of(pairs: Sequence[Pairing]) -> list[str]:
    """Return a line per setting that differs; a difference that several pairs have is said once."""
    found = (caution for pair in pairs for caution in cautions(pair.base.provenance, pair.new.provenance))
    return list(dict.fromkeys(map(_warning, found)))


def _warning(caution: Caution) -> str:
    return f"{caution.setting} differs: {caution.base}, then {caution.new}: {caution.why}"
