"""`fceval history`: the scored runs below a folder, in order of time."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from fceval import runs
from fceval.comparing.provenance import provenance_of
from fceval.comparing.sources import tables_of
from fceval.config import resolved
from fceval.errors import ConfigError, FcevalError, did_you_mean
from fceval.records import Json, json_text
from fceval.report.document import Report
from fceval.report.history import LeftOut, PastRun, history_report
from fceval.rows import MetricRow
from fceval.runs import Run
from fceval.stats.metrics import BY_NAME
from fceval.stats.paired import ALPHA

_NOT_OF_A_RUN = ("name", "report", "gate", "reuse", "max_not_measured")
"""Settings that decide nothing about the answers or their verdicts."""
_UNTOLD = ("endpoint.headers.", "endpoint.query.")
"""Settings whose values are nobody's affair."""
_DIGITS = 8
_LONGEST = 40


@dataclass(frozen=True, slots=True)
class _Opened:
    run: Run
    folder: str
    settings: Mapping[str, str]
    metrics: pl.DataFrame


def history_of(folder: Path, metrics: Sequence[str] = (), alpha: float = ALPHA) -> Report:
    """Return the report on all scored runs below a folder; what is damaged or not scored is listed in it.

    Args:
        folder: Where to look, at any depth.
        metrics: Names of metrics to follow; none: every one, the headline metrics first.
        alpha: Chance that any change is marked where there is none.

    Raises:
        ConfigError: There is no such folder or metric, or no scored run.
    """
    if not folder.is_dir():
        msg = f"{folder}: no such folder"
        raise ConfigError(msg)
    for name in metrics:
        _check_metric(name)
    opened, left_out = _opened(folder)
    if not opened:
        why = f": {left_out[0].folder}: {left_out[0].why}" if left_out else ""
        msg = f"{folder}: no scored run below it{why}"
        raise ConfigError(msg)
    return history_report(f"History of {folder.resolve().name}", list(_past(opened)), left_out, metrics, alpha)


def _check_metric(name: str) -> None:
    if name not in BY_NAME and not name.startswith(("pass@", "pass^")):
        msg = f"--metric {name}: there is no such metric{did_you_mean(name, BY_NAME)}"
        raise ConfigError(msg)


def _opened(folder: Path) -> tuple[list[_Opened], list[LeftOut]]:
    found: list[_Opened] = []
    left_out: list[LeftOut] = []
    for path in sorted(folder.rglob("run.json")):
        place = str(path.parent.relative_to(folder)) if path.parent != folder else path.parent.resolve().name
        try:
            run = runs.open_run(path.parent)
            (metrics,) = tables_of(run, "metrics")
            of_run = metrics.filter(pl.col("scope") == "run").collect()
        except FcevalError as error:
            left_out.append(LeftOut(place, str(error).removeprefix(f"{path.parent}: ")))
        else:
            found.append(_Opened(run, place, _settings(run), of_run))
    found.sort(key=lambda each: (str(each.run.manifest["started_at"]), each.folder))
    return found, left_out


def _settings(run: Run) -> dict[str, str]:
    """Return what decides a run, flat, by dotted name."""
    told = {name: value for name, value in resolved(run.config).items() if name not in _NOT_OF_A_RUN}
    dataset: Any = run.manifest["dataset"]
    provenance = provenance_of(run)
    flat = dict(_flat("", told))
    del flat["dataset.path"]  # where the file lay says nothing; what was in it does
    return {**flat, "dataset.sha256": str(dataset["sha256"])[:_DIGITS], "fceval": provenance.fceval_version}


def _flat(place: str, value: Json) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping) and value:
        for name, each in value.items():
            yield from _flat(f"{place}.{name}" if place else name, each)
    elif isinstance(value, list) and value:
        for number, each in enumerate(value):
            yield from _flat(f"{place}.{number}", each)
    else:
        yield place, value if isinstance(value, str) else json_text(value)


def _past(opened: Sequence[_Opened]) -> Iterator[PastRun]:
    before: dict[str, _Opened] = {}
    for each in opened:
        name = each.run.config.name
        digest = hashlib.sha256(json_text(dict(sorted(each.settings.items()))).encode()).hexdigest()[:_DIGITS]
        changed = tuple(_changed(before[name].settings, each.settings)) if name in before else ()
        before[name] = each
        provenance = provenance_of(each.run)
        for variant, model in provenance.models.items():
            rows = each.metrics.filter(pl.col("variant") == variant).iter_rows()
            yield PastRun(
                folder=each.folder,
                series=name if len(provenance.models) == 1 else f"{name}#{variant}",
                started_at=provenance.started_at,
                model=model,
                commit=provenance.commit,
                config=digest,
                changed=changed,
                metrics={row.metric: row for row in (MetricRow(*fields) for fields in rows)},
            )


def _changed(before: Mapping[str, str], now: Mapping[str, str]) -> Iterator[str]:
    for name in sorted(before.keys() | now.keys()):
        then, value = before.get(name, "not set"), now.get(name, "not set")
        if then != value:
            told = "another value" if name.startswith(_UNTOLD) else f"{_cut(then)} \N{RIGHTWARDS ARROW} {_cut(value)}"
            yield f"{name}: {told}"


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}\N{HORIZONTAL ELLIPSIS}"
