"""How a run begins or goes on: settings and dataset are checked as a whole before a folder is laid down or changed."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from fceval import runs
from fceval.cases.digests import TurnCounts
from fceval.cases.read import read_cases
from fceval.cases.select import select
from fceval.cases.write import write_cases
from fceval.client.endpoint import check_key
from fceval.config import RunConfig, resolved
from fceval.dialogue import Variant, check_teacher_forced
from fceval.errors import ConfigError, FcevalError, LocalError
from fceval.journal import Journal
from fceval.judging import check_scorable
from fceval.prices import require_prices, resolve
from fceval.records import Case, Json, JsonObject, Response, json_text
from fceval.runs import Run

_FREE = ("budget", "engine", "gate", "grace_s", "max_not_measured", "name", "prices", "report", "reuse", "rules")
_FREE_OF_THE_ENDPOINT = (
    "api_key_env",
    "api_key_header",
    "breaker",
    "breaker_pause_s",
    "burst",
    "ca_file",
    "concurrency",
    "insecure_http",
    "max_attempts",
    "max_case_s",
    "proxy",
    "proxy_env",
    "rpm",
    "timeout_s",
    "tpm",
)
_FREE_IN = {"dataset": ("path",), "endpoint": _FREE_OF_THE_ENDPOINT}
_WRITTEN_TOGETHER = 500
"""Answers made elsewhere that go to the journal in one write."""


def check_settings(config: RunConfig, *, with_key: bool = True) -> None:
    """Refuse settings that cannot make a run, before anything is read or sent.

    Args:
        config: The settings.
        with_key: Whether the key's variable must be set.

    Raises:
        ConfigError: No endpoint or model is named, or the key's variable is not set.
    """
    missing = [
        f"endpoint.{name}: not set (--{name.replace('_', '-')})"
        for name, value in (("base_url", config.endpoint.base_url), ("model", config.endpoint.model))
        if not value and not (name == "model" and config.variant and all(v.model for v in config.variant))
    ]
    if missing:
        raise ConfigError("\n".join(missing))
    if with_key:
        check_key(config.endpoint)


def checked_cases(config: RunConfig) -> Iterator[Case]:
    """Yield every case of a dataset, each of them fit to be asked and judged under the settings.

    Raises:
        ConfigError: No dataset is named.
        DatasetError: A case is not fit, with its row and field.
    """
    if config.dataset.path is None:
        msg = "dataset.path: not set (--dataset): which cases are to be run?"
        raise ConfigError(msg)

    def check(case: Case) -> None:
        check_scorable(case, config.rules)
        if config.turns == "teacher_forced":
            check_teacher_forced(case)

    return read_cases(config.dataset.path, check)


def opened(reference: Path, config: RunConfig) -> Run:
    """Return a run that settings may go on with; nothing is changed yet.

    Raises:
        ConfigError: They would ask for something else.
        DatasetError: Their rules lack what they need of a case.
        LocalError: It was scored, and its answers are gone since.
    """
    this = runs.open_run(reference)
    if this.is_redacted:
        msg = f"{reference}: is redacted: its cases and answers are gone; start a new run instead"
        raise ConfigError(msg)
    if (this.folder / "scores.parquet").exists() and not this.journal.exists():
        msg = f"{this.journal}: missing, though the run has scores: put it back, or start a new run to ask again"
        raise LocalError(msg)
    check_identity(this, config)
    if config.rules.name != this.config.rules.name:
        for _ in read_cases(this.cases, lambda case: check_scorable(case, config.rules)):
            pass
    return this


def begun(config: RunConfig, out: Path | None, turns: TurnCounts | None = None) -> Run:
    """Read and check the whole dataset, and lay down the folder of a new run.

    Args:
        config: The settings.
        out: Folder of the run; None: one in the reports' folder.
        turns: Is filled with all cases of the dataset, chosen or not.

    Raises:
        FcevalError: Settings or dataset cannot make a run; nothing is left behind.
    """
    chosen_turns = 0

    def note(case: Case) -> None:
        nonlocal chosen_turns
        chosen_turns += len(case.turns)

    cases = checked_cases(config)
    if turns is not None:
        cases = _noting(cases, lambda case: turns.add(case.case_id, len(case.turns)))
    models = [variant.model or config.endpoint.model for variant in config.variants]
    prices = resolve(models, config.endpoint.base_url, config.prices)
    if config.budget.max_cost_usd is not None:
        require_prices(models, prices, config.endpoint.base_url)
    folder = runs.new_folder(config, out)
    try:
        chosen = write_cases(folder / "cases.parquet", _noting(select(cases, config.dataset), note), 0o600)
        if turns is not None:
            deque(cases, maxlen=0)  # those behind a limit
        if not chosen:
            msg = f"{config.dataset.path}: [dataset] and --limit select none of its cases: a run needs at least one"
            raise ConfigError(msg)
    except (FcevalError, KeyboardInterrupt):
        runs.discard(folder)
        raise
    path = config.dataset.path or Path()
    dataset: JsonObject = {"path": path.name, "sha256": runs.sha256_of(path), "cases": chosen}
    planned = chosen_turns * len(config.variants) * config.trials
    return runs.write_manifest(folder, config, dataset, planned, prices)


def _noting(cases: Iterable[Case], note: Callable[[Case], None]) -> Iterator[Case]:
    for case in cases:
        note(case)
        yield case


def adopted(run: Run, config: RunConfig) -> Run:
    """Return the run under settings that ask for the same, and write them down in its folder.

    How fast is asked, how answers are judged and what is reported may change; everything else may not.

    Raises:
        ConfigError: Other settings differ, too; the message names each, and both values.
    """
    check_identity(run, config)
    config = replace(config, dataset=run.config.dataset)
    changed = Run(run.folder, config, {**run.manifest, "config": resolved(config)})
    if changed.manifest != run.manifest:
        runs.write_run_json(changed)
    return changed


def journalled(responses: Iterable[Response], journal: Journal) -> tuple[tuple[Variant, ...], int]:
    """Write responses that were made elsewhere to a journal; return the variants they are of, and the number of trials.

    Raises:
        LocalError: They cannot be written.
    """
    names: dict[str, None] = {}
    trials = 1
    for number, response in enumerate(responses, start=1):
        journal.keep(response)
        if number % _WRITTEN_TOGETHER == 0:  # they can be read again: none of them needs a write of its own
            journal.flush()
        names[response.key.variant] = None
        trials = max(trials, response.key.trial + 1)
    journal.flush()
    return () if list(names) in ([], ["default"]) else tuple(Variant(name=name) for name in names), trials


def widened(run: Run, variants: tuple[Variant, ...], trials: int) -> Run:
    """Return a run with other variants and trials than it began with, and write that down in its folder."""
    before, config = run.config, replace(run.config, variant=variants, trials=trials)
    turns = int(str(run.manifest["planned_responses"])) // (len(before.variants) * before.trials)
    planned = turns * len(config.variants) * trials
    changed = Run(run.folder, config, {**run.manifest, "planned_responses": planned, "config": resolved(config)})
    runs.write_run_json(changed)
    return changed


def check_identity(run: Run, config: RunConfig) -> None:
    """Refuse to go on with a run under settings that would mix two runs.

    Raises:
        ConfigError: Naming each setting that differs, and both values.
    """
    recorded: Any = run.manifest["dataset"]
    before = {**dict(_identity(resolved(run.config))), "dataset.sha256": recorded["sha256"]}
    now = {**dict(_identity(resolved(config))), "dataset.sha256": recorded["sha256"]}
    path = config.dataset.path
    if path is not None and path.is_file():  # the run has its cases in its folder and does without the file
        now["dataset.sha256"] = runs.sha256_of(path)
    differing = [name for name in sorted(before | now) if before.get(name) != now.get(name)]
    if differing:
        lines = [f"  {name}: {json_text(before.get(name))} then, {json_text(now.get(name))} now" for name in differing]
        msg = f"{run.folder}: its requests were made under other settings; start a new run instead\n" + "\n".join(lines)
        raise ConfigError(msg)


def _identity(settings: JsonObject) -> Iterator[tuple[str, Json]]:
    """Yield the settings that decide what is asked; where the dataset lies and how fast it is asked do not."""
    for name, value in settings.items():
        if isinstance(value, Mapping) and name not in _FREE:
            yield from ((f"{name}.{each}", kept) for each, kept in value.items() if each not in _FREE_IN.get(name, ()))
        elif name not in _FREE:
            yield name, value
