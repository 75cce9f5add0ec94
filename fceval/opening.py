"""How a run begins: its settings and dataset are checked as a whole before a folder is laid down, or one is opened."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from fceval import runs
from fceval.cases.read import read_cases
from fceval.cases.select import select
from fceval.cases.write import write_cases
from fceval.client.endpoint import key_from_environment
from fceval.config import RunConfig
from fceval.dialogue import check_teacher_forced
from fceval.errors import ConfigError, FcevalError
from fceval.judging import check_scorable
from fceval.prices import require_prices, resolve
from fceval.records import Case, JsonObject
from fceval.runs import Run


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
        key_from_environment(config.endpoint.api_key_env)


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
    """
    this = runs.open_run(reference)
    runs.check_identity(this, config)
    if config.rules.name != this.config.rules.name:
        for _ in read_cases(this.cases, lambda case: check_scorable(case, config.rules)):
            pass
    return this


def begun(config: RunConfig, out: Path | None, turns: dict[str, int] | None = None) -> Run:
    """Read and check the whole dataset, and lay down the folder of a new run.

    Args:
        config: The settings.
        out: Folder of the run; None: one in the reports' folder.
        turns: Is filled with the number of turns by case_id, of all cases of the dataset, chosen or not.

    Raises:
        FcevalError: Settings or dataset cannot make a run; nothing is left behind.
    """
    chosen_turns = Counter[str]()
    cases = checked_cases(config)
    if turns is not None:
        cases = _noting(cases, lambda case: turns.update({case.case_id: len(case.turns)}))
    models = [variant.model or config.endpoint.model for variant in config.variants]
    prices = resolve(models, config.endpoint.base_url, config.prices)
    if config.budget.max_cost_usd is not None:
        require_prices(models, prices, config.endpoint.base_url)
    folder = runs.new_folder(config, out)
    try:
        selected = _noting(select(cases, config.dataset), lambda case: chosen_turns.update(all=len(case.turns)))
        chosen = write_cases(folder / "cases.parquet", selected, 0o600)
        if not chosen:
            msg = f"{config.dataset.path}: [dataset] and --limit select none of its cases: a run needs at least one"
            raise ConfigError(msg)
    except (FcevalError, KeyboardInterrupt):
        runs.discard(folder)
        raise
    path = config.dataset.path or Path()
    dataset: JsonObject = {"path": path.name, "sha256": runs.sha256_of(path), "cases": chosen}
    planned = chosen_turns.total() * len(config.variants) * config.trials
    return runs.write_manifest(folder, config, dataset, planned, prices)


def _noting(cases: Iterable[Case], note: Callable[[Case], None]) -> Iterator[Case]:
    for case in cases:
        note(case)
        yield case
