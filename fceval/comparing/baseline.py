"""The baseline file: a run's outcomes, small enough to be committed, and enough to compare with.

One JSON object, a case a line, sorted by name, so that a change of the file shows in a diff what became another. It
holds no prompt, answer, address or key. Latencies, tokens, and the single calls and arguments stay in the run.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl
from pydantic import TypeAdapter, ValidationError

from fceval.comparing.provenance import Provenance
from fceval.errors import ConfigError, FieldError, LocalError
from fceval.jsontext import JsonTextError, read_json
from fceval.rows import Score
from fceval.runs import LATEST
from fceval.scoring.verdict import NOT_MEASURED, OUTCOMES
from fceval.stats.compare import Side
from fceval.tables import ARGUMENTS, CALLS, SCORES, frame

FORMAT_VERSION = 1
"""Of baseline files; a reader accepts its own and the one before it."""


@dataclass(frozen=True, slots=True)
class BaselineCase:
    """What became of one case."""

    case_id: str
    content_hash: str
    category: str
    tags: tuple[str, ...]
    outcomes: Mapping[str, tuple[tuple[str, ...], ...]]
    """By variant: a list per trial, an outcome per turn."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """What a baseline file holds."""

    format_version: int
    provenance: Provenance
    accuracy: Mapping[str, float | None]
    """By variant, for the reader; None where nothing was measured."""
    cases: tuple[BaselineCase, ...]

    def sides(self) -> dict[str, Side]:
        """Return each variant as a side of a comparison; it has no calls and no arguments."""
        return {
            variant: Side(self._scores(variant), frame([], CALLS).lazy(), frame([], ARGUMENTS).lazy())
            for variant in self.provenance.models
        }

    def _scores(self, variant: str) -> pl.LazyFrame:
        rows = [
            _score(case, variant, trial, turn, outcome)
            for case in self.cases
            for trial, outcomes in enumerate(case.outcomes.get(variant, ()))
            for turn, outcome in enumerate(outcomes)
        ]
        return frame(rows, SCORES).lazy()


def is_baseline(path: Path) -> bool:
    """Whether a path is that of a file; runs are folders, and `latest` points to one."""
    return path.is_file() and path.name != LATEST


def baseline_of(provenance: Provenance, variants: Mapping[str, Side]) -> Baseline:
    """Return what of a scored run is kept as a baseline.

    Args:
        provenance: Where its scores come from.
        variants: Those to keep.
    """
    scores = pl.concat([side.scores for side in variants.values()]).sort("case_id", "variant", "trial", "turn")
    columns = ("case_id", "content_hash", "category", "tags", "variant", "trial", "outcome")
    cases: dict[str, dict[str, Any]] = {}
    for row in scores.select(columns).collect().iter_rows(named=True):
        kept = {name: row[name] for name in columns[:4]}
        trials = cases.setdefault(row["case_id"], {**kept, "outcomes": {}})["outcomes"].setdefault(row["variant"], {})
        trials.setdefault(row["trial"], []).append(row["outcome"])
    return Baseline(
        format_version=FORMAT_VERSION,
        provenance=replace(provenance, models={name: provenance.models[name] for name in variants}),
        accuracy={
            name: side.scores.select(pl.col("passed").mean()).collect().item() for name, side in variants.items()
        },
        cases=tuple(_case(each) for each in cases.values()),
    )


def _case(kept: Mapping[str, Any]) -> BaselineCase:
    outcomes = {variant: tuple(tuple(each) for each in trials.values()) for variant, trials in kept["outcomes"].items()}
    return BaselineCase(kept["case_id"], kept["content_hash"], kept["category"], tuple(kept["tags"]), outcomes)


def baseline_text(baseline: Baseline) -> str:
    """Return the file's text, in ASCII; the same run gives the same text."""
    document = dataclasses.asdict(baseline)
    cases = ",\n".join(f"  {json.dumps(case)}" for case in document.pop("cases"))
    head = [f" {json.dumps(name)}: {json.dumps(value)}," for name, value in document.items()]
    return "\n".join(["{", *head, ' "cases": [', cases, " ]", "}"]) + "\n"


def read_baseline(path: Path) -> Baseline:
    """Return the baseline in a file.

    Raises:
        ConfigError: The file is something else.
        LocalError: It cannot be read, or a newer fceval wrote it.
    """
    try:
        document: Any = read_json(path.read_text(encoding="utf-8"))
    except OSError as error:
        msg = f"{path}: cannot be read: {error.strerror or error}"
        raise LocalError(msg) from None
    except (JsonTextError, UnicodeDecodeError) as error:
        msg = f"{path}: neither a run's folder nor a baseline file: {error}"
        raise ConfigError(msg) from None
    version = document.get("format_version") if isinstance(document, dict) else None
    if isinstance(version, int) and version > FORMAT_VERSION:
        msg = f"{path}: format version {version}, but this fceval reads {FORMAT_VERSION}: update fceval"
        raise LocalError(msg)
    try:
        baseline = _adapter().validate_json(json.dumps(document), strict=True)
        _check(baseline)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"])) or "the whole file"
        msg = f"{path}: not a file of `fceval baseline set`: {place}: {first['msg']}"
        raise ConfigError(msg) from None
    except FieldError as error:
        msg = f"{path}: not a file of `fceval baseline set`: {error.field}: {error}"
        raise ConfigError(msg) from None
    return baseline


@cache
def _adapter() -> TypeAdapter[Baseline]:
    return TypeAdapter(Baseline)


def _check(baseline: Baseline) -> None:
    """Refuse what no run can have.

    Raises:
        FieldError: An outcome or a variant is none, or a case stands there twice.
    """
    seen: set[str] = set()
    for number, case in enumerate(baseline.cases):
        place = f"cases.{number}"
        if case.case_id in seen:
            msg = f"case `{case.case_id}` stands there twice"
            raise FieldError(msg, place)
        seen.add(case.case_id)
        for variant, trials in case.outcomes.items():
            if variant not in baseline.provenance.models:
                msg = f"there is no variant `{variant}` in provenance.models"
                raise FieldError(msg, f"{place}.outcomes")
            unknown = {outcome for outcomes in trials for outcome in outcomes} - set(OUTCOMES)
            if unknown:
                msg = f"there is no outcome `{min(unknown)}`"
                raise FieldError(msg, f"{place}.outcomes.{variant}")


def _score(case: BaselineCase, variant: str, trial: int, turn: int, outcome: str) -> Score:
    """Return a row in which only what a baseline knows has a value."""
    measured = outcome not in NOT_MEASURED
    known: dict[str, Any] = {
        "case_id": case.case_id,
        "variant": variant,
        "trial": trial,
        "turn": turn,
        "category": case.category,
        "tags": list(case.tags),
        "content_hash": case.content_hash,
        "outcome": outcome,
        "measured": measured,
        "passed": outcome == "passed" if measured else None,
        "irregularities": [],
        "repairs": [],
    }
    return Score(**{**dict.fromkeys(SCORES.names()), **known})
