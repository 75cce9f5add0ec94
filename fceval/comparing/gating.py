"""`fceval gate`: hold a run against its thresholds and a baseline, and say in one paragraph why it passes or not."""

from __future__ import annotations

import dataclasses
import json
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from fceval.comparing.comparison import check_scopes, warnings_of
from fceval.comparing.sources import Pairing, Source, open_source, pairings, source_of, unmatched
from fceval.errors import ConfigError, ExitCode
from fceval.runs import Run
from fceval.stats.compare import Side
from fceval.stats.gate import BY, Gated, GateSettings, GateVerdict, gate

FORMAT_VERSION = 1
"""Of the decision as JSON. Within a version a field keeps its name and meaning; fields may be added."""

EXIT_CODES: dict[GateVerdict, ExitCode] = {
    "passed": ExitCode.OK,
    "failed": ExitCode.GATE_FAILED,
    "inconclusive": ExitCode.INCONCLUSIVE,
}
_NAMED = 5
"""How many cases that got worse a paragraph names."""
_SCOPES = ("category", "tag")


@dataclass(frozen=True, slots=True)
class Decision:
    """What a gate decided on a run: one entry per variant."""

    gated: tuple[tuple[str, Gated], ...]
    """By what the variant is called."""
    warnings: tuple[str, ...]
    """A line each: what else differs from the baseline, and what was left out."""
    see: str
    """The command that shows more; empty where there is no baseline."""

    @property
    def verdict(self) -> GateVerdict:
        """Failed where any variant failed, else inconclusive where any is."""
        verdicts = {gated.verdict for _, gated in self.gated}
        return "failed" if "failed" in verdicts else "inconclusive" if "inconclusive" in verdicts else "passed"

    @property
    def exit_code(self) -> ExitCode:
        """Of the command."""
        return EXIT_CODES[self.verdict]


def gate_reference(new: str, settings: GateSettings) -> Decision:
    """Hold a scored run against a gate.

    Args:
        new: Reference of the run, as `fceval.comparing.sources.open_source` takes it.
        settings: The thresholds, and the baseline.

    Raises:
        ConfigError: There is nothing to check, or what is needed for it is missing.
        LocalError: A file of the run or the baseline cannot be used.
    """
    base = checked_baseline(settings)
    return _decided(open_source(new), base, settings)


def gate_run(this: Run, settings: GateSettings, base: Source | None) -> tuple[ExitCode, str]:
    """Hold a run that was just scored against its own gate.

    Args:
        this: The run.
        settings: Its `[gate]`.
        base: The baseline, as `checked_baseline` returned it before anything was sent.

    Returns:
        The exit code, and the paragraph that says why.

    Raises:
        ConfigError: There is nothing to check.
        LocalError: A file of the run or the baseline cannot be used.
    """
    decision = _decided(source_of(this), base, settings)
    return decision.exit_code, paragraph(decision)


def checked_baseline(settings: GateSettings) -> Source | None:
    """Return the baseline of a gate, and refuse a gate that can decide nothing, or not what it is asked to.

    Raises:
        ConfigError: The message names each mistake; or the baseline is not there.
        LocalError: A file of the baseline cannot be used.
    """
    problems = list(_misfits(settings))
    if problems:
        raise ConfigError("\n".join(problems))
    if settings.baseline is None:
        return None
    base = open_source(str(settings.baseline))
    check_scopes([base], settings.by)
    return base


def _misfits(settings: GateSettings) -> Iterator[str]:
    if settings.drops and settings.baseline is None:
        yield "gate: a drop is held against a baseline: give one (--baseline RUN|FILE, or gate.baseline)"
    if settings.by and settings.tolerated is None:
        yield "gate.by: the groups are held to gate.max_drop: set it (--max-drop 2pp)"
    for name, each in settings.slices.items():
        scope, equals, group = name.partition("=")
        if scope not in _SCOPES or not equals or not group:
            yield f"gate.slices.{name}: name a group as category=NAME or tag=NAME"
        elif each.min_accuracy is None and each.max_drop is None:
            yield f"gate.slices.{name}: neither min_accuracy nor max_drop is set"


def _decided(new: Source, base: Source | None, settings: GateSettings) -> Decision:
    if not (settings.drops or settings.levels or _has_golden(new, settings.golden)):
        msg = (
            "gate: nothing to check: set a threshold (--min-accuracy 90%, or --max-drop 2pp with --baseline RUN|FILE; "
            "in a config: [gate])"
        )
        raise ConfigError(msg)
    if base is None:
        alone = ((new.label(variant), gate(side, None, settings)) for variant, side in new.variants.items())
        return Decision(tuple(alone), (), "")
    pairs = pairings(base, [new])
    check_scopes([new], settings.by)
    warnings = (*unmatched(base, [new], pairs), *warnings_of(pairs))
    see = f"fceval compare {shlex.quote(base.reference)} {shlex.quote(new.reference)}"
    return Decision(tuple(_gated(pair, settings) for pair in pairs), warnings, see)


def _gated(pair: Pairing, settings: GateSettings) -> tuple[str, Gated]:
    base, new = pair.sides
    return pair.new.label(pair.new_variant), gate(new, base, settings)


def _has_golden(run: Source, golden: str | None) -> bool:
    return golden is not None and any(_is_tagged(side, golden) for side in run.variants.values())


def _is_tagged(side: Side, tag: str) -> bool:
    return side.scores.filter(pl.col("tags").list.contains(tag)).head(1).collect().height > 0


# --- words ------------------------------------------------------------------------------------------------------


_OPENINGS: dict[GateVerdict, str] = {
    "passed": "Gate passed",
    "failed": "Gate FAILED",
    "inconclusive": "Gate inconclusive, neither passed nor failed",
}


def paragraph(decision: Decision) -> str:
    """Return why a gate decided as it did: what failed first, then what could not be decided, then the rest."""
    several = len(decision.gated) > 1
    sentences = [f"{name}: {_reasons(gated)}" if several else _reasons(gated) for name, gated in _worst_first(decision)]
    said = f"{_OPENINGS[decision.verdict]}: {' '.join(sentences)}"
    if decision.see and decision.verdict != "passed":
        said += f" See: {decision.see}"
    return said


def _worst_first(decision: Decision) -> list[tuple[str, Gated]]:
    return sorted(decision.gated, key=lambda each: _ORDER.index(each[1].verdict))


_ORDER: tuple[GateVerdict, ...] = ("failed", "inconclusive", "passed")


def _reasons(gated: Gated) -> str:
    clauses = []
    for verdict in _ORDER:
        told = [check for check in gated.checks if check.verdict == verdict]
        if verdict == "passed":
            findings = [check.finding for check in told if not check.name.startswith(BY)]
            groups = len(told) - len(findings)
            findings += (
                [f"{groups} groups did not drop too far" if groups > 1 else "one group did not drop too far"]
                if groups
                else []
            )
        else:
            findings = [check.finding for check in told]
        if findings:
            clauses.append(f"{'' if verdict == gated.verdict else _PREFIXES[verdict]}{'; '.join(findings)}.")
    return " ".join([*clauses, *_about_cases(gated)])


_PREFIXES: dict[GateVerdict, str] = {"failed": "", "inconclusive": "Not decided: ", "passed": "In order: "}


def _about_cases(gated: Gated) -> Iterator[str]:
    """Yield a sentence on the cases that got worse, and one on those that were not compared."""
    if gated.comparison is None:
        return
    flipped = gated.comparison.flipped
    fell = flipped.filter(pl.col("new_mean") < pl.col("base_mean"))["new_case"].to_list()
    if fell and gated.verdict == "failed":
        more = f" and {len(fell) - _NAMED:,} more" if len(fell) > _NAMED else ""
        yield f"Worse: {', '.join(fell[:_NAMED])}{more}."
    matching = gated.comparison.matching
    counts = {"new": matching.added, "removed": matching.removed, "changed": matching.changed}
    told = [f"{len(cases):,} {what}" for what, cases in counts.items() if cases]
    if told:
        yield f"Cases not compared: {', '.join(told)}."


def document(decision: Decision) -> str:
    """Return the decision as JSON text."""
    variants = [
        {
            "variant": name,
            "verdict": gated.verdict,
            "checks": [dataclasses.asdict(check) for check in gated.checks],
            "comparison": _comparison(gated),
        }
        for name, gated in decision.gated
    ]
    told: dict[str, Any] = {
        "format_version": FORMAT_VERSION,
        "verdict": decision.verdict,
        "exit_code": int(decision.exit_code),
        "why": paragraph(decision),
        "warnings": decision.warnings,
        "variants": variants,
    }
    return json.dumps(told, indent=2)


def _comparison(gated: Gated) -> dict[str, Any] | None:
    compared = gated.comparison
    if compared is None:
        return None
    overall = compared.overall
    flipped = compared.flipped
    return {
        "overall": None if overall is None else {**dataclasses.asdict(overall), "difference": overall.difference},
        "worse": _cases(flipped, pl.col("new_mean") < pl.col("base_mean")),
        "better": _cases(flipped, pl.col("new_mean") > pl.col("base_mean")),
        "added": compared.matching.added,
        "removed": compared.matching.removed,
        "changed": compared.matching.changed,
    }


def _cases(flipped: pl.DataFrame, which: pl.Expr) -> Sequence[str]:
    cases: list[str] = flipped.filter(which)["new_case"].to_list()
    return cases
