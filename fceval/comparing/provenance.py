"""Where the scores of a run come from, and what of it must agree before two runs are compared."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from fceval.records import Json, json_text
from fceval.report.differences import Caution
from fceval.runs import Run


@dataclass(frozen=True, slots=True)
class Provenance:
    """What is known of a run beside its scores; no prompt, no address, no key."""

    name: str
    """Of the run's folder."""
    started_at: str
    models: Mapping[str, str]
    """By variant."""
    dialect: str
    turns: str
    trials: int
    rules: Mapping[str, Any]
    """Settings of `fceval.scoring.rules`."""
    fceval_version: str
    """That scored it."""
    dataset: str
    """The file's name."""
    dataset_sha256: str
    commit: str | None = None
    """Of the repository that it was run in."""


def provenance_of(run: Run) -> Provenance:
    """Return where a run's scores come from."""
    config, manifest = run.config, run.manifest
    dataset: Any = manifest["dataset"]
    commit = manifest.get("commit")
    return Provenance(
        name=run.folder.resolve().name,
        started_at=str(manifest["started_at"]),
        models={variant.name: variant.model or config.endpoint.model for variant in config.variants},
        dialect=config.endpoint.dialect,
        turns=config.turns,
        trials=config.trials,
        rules=dataclasses.asdict(config.rules),
        fceval_version=str(manifest.get("scored_by") or manifest["fceval_version"]),
        dataset=str(dataset["path"]),
        dataset_sha256=str(dataset["sha256"]),
        commit=str(commit) if commit else None,
    )


_RESCORE = (
    "answers were judged differently: score both under the same rules first (fceval score RUN --set rules.{}=...)"
)


def cautions(base: Provenance, new: Provenance) -> Iterator[Caution]:
    """Yield the settings that make two runs differ in more than what is to be compared."""
    for name in sorted({*base.rules, *new.rules}):
        yield from _differing(f"rules.{name}", base.rules.get(name), new.rules.get(name), _RESCORE.format(name))
    yield from _differing(
        "fceval",
        base.fceval_version,
        new.fceval_version,
        "another version may judge differently: score both again with this one first (fceval score RUN)",
    )
    yield from _differing(
        "endpoint.dialect", base.dialect, new.dialect, "tools were offered and calls read in another way"
    )
    yield from _differing("turns", base.turns, new.turns, "later turns were asked on other grounds")
    if base.dataset_sha256 != new.dataset_sha256:
        yield Caution(
            "dataset",
            f"{base.dataset} ({base.dataset_sha256[:8]})",
            f"{new.dataset} ({new.dataset_sha256[:8]})",
            "only cases whose content is the same are compared",
        )


def _differing(name: str, base: Json, new: Json, why: str) -> Iterator[Caution]:
    if base != new:
        before, after = (value if isinstance(value, str) else json_text(value) for value in (base, new))
        yield Caution(name, before, after, why)
