"""A run's folder: what it is called, what is in it, and what must agree before it is gone on with.

`run.json` (settings without secrets, versions, the dataset's digest), `cases.parquet` (the cases as they were run)
and `journal.jsonl` (the answers) are what a run is; every other file in the folder is made from those three.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import platform
import secrets
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType
from typing import Any

import fceval
from fceval import dialects
from fceval.budget import BudgetSettings
from fceval.client.endpoint import EndpointSettings
from fceval.config import RunConfig, parse_config, resolved
from fceval.dialogue import Dialogue, Shape
from fceval.errors import ConfigError, LocalError
from fceval.journal import is_answered
from fceval.jsontext import JsonTextError, read_json
from fceval.prices import Price, from_json, to_json
from fceval.records import Case, Json, JsonObject
from fceval.tables import FORMAT_VERSION

LATEST = "latest"
"""File in the reports' folder with the name of the newest run; also how commands call that run."""

_GIT_S = 5.0
_LIBRARIES = ("aiohttp", "asyncio-throttle", "jsonschema-rs", "polars", "pyarrow")


@dataclass(frozen=True, slots=True)
class Run:
    """A run folder with its settings."""

    folder: Path
    config: RunConfig
    manifest: JsonObject
    """`run.json`, decoded."""

    @property
    def cases(self) -> Path:
        """The cases as they were run."""
        return self.folder / "cases.parquet"

    @property
    def journal(self) -> Path:
        """The answers."""
        return self.folder / "journal.jsonl"

    @property
    def is_redacted(self) -> bool:
        """Whether its cases and answers were removed."""
        return self.manifest.get("redacted") is True

    @property
    def prices(self) -> Mapping[str, Price]:
        """What the models' tokens cost, as it was known when the run began."""
        return from_json(self.manifest.get("prices"))

    @property
    def own_settings(self) -> RunConfig:
        """Its settings, but not the dataset's file, as it has its cases itself, nor the budget, which is spent."""
        return replace(self.config, dataset=replace(self.config.dataset, path=None), budget=BudgetSettings())

    def meta(self) -> dict[str, str]:
        """Return what a report says about the run, in its order."""
        dataset: Any = self.manifest["dataset"]
        said = {
            "name": self.config.name,
            "model": ", ".join(dict.fromkeys(v.model or self.config.endpoint.model for v in self.config.variants)),
            "base_url": self.config.endpoint.base_url or "none: answers made elsewhere",
            "certificates": "not checked (insecure_tls)" if self.config.endpoint.insecure_tls else "",
            "started_at": str(self.manifest["started_at"]),
            "dataset": f"{dataset['path']} ({dataset['cases']} cases, sha256 {str(dataset['sha256'])[:12]})",
            "dialect": self.config.endpoint.dialect,
            "stream": "yes" if self.config.endpoint.stream else "",
            "turns": "teacher-forced" if self.config.turns == "teacher_forced" else "",
            "trials": str(self.config.trials),
            "rules": self.config.rules.name,
            "strings": self.config.rules.strings,
            "version": f"fceval {self.manifest['fceval_version']}",
        }
        return {name: value for name, value in said.items() if value}


def new_folder(config: RunConfig, out: Path | None) -> Path:
    """Make and return the folder of a new run: `out`, or one in the reports' folder, named by time and name.

    Raises:
        ConfigError: `out` holds a run or anything else already, or has the name that means the newest run.
        LocalError: The folder cannot be made.
    """
    if out is not None and not str(out).isprintable():  # Parquet's libraries open no path that is no Unicode text
        msg = f"{str(out)!r}: not a path that can be used; choose another --out"
        raise ConfigError(msg)
    if out is not None and out.name == LATEST:
        msg = f"{out}: `{LATEST}` means the newest run; choose another --out"
        raise ConfigError(msg)
    moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    folder = out or config.report.dir / f"{moment}-{config.name}-{secrets.token_hex(2)}"
    if (folder / "run.json").exists():
        msg = f"{folder}: holds a run already: go on with it (--resume {folder}) or choose another --out"
        raise ConfigError(msg)
    if folder.is_dir() and any(folder.iterdir()):  # what is in it may be named as our own files are
        msg = f"{folder}: is not empty: choose another --out"
        raise ConfigError(msg)
    try:
        folder.mkdir(parents=True, mode=0o700, exist_ok=out is not None)
    except OSError as error:
        msg = f"{folder}: cannot be made: {error.strerror or error}"
        raise LocalError(msg) from error
    return folder


def write_manifest(
    folder: Path,
    config: RunConfig,
    dataset: Mapping[str, Json],
    responses: int,
    prices: Mapping[str, Price] = MappingProxyType({}),
) -> Run:
    """Write `run.json` of a new run and return the run.

    Args:
        folder: Of the run.
        config: Its settings.
        dataset: `path`, `sha256` and number of `cases`.
        responses: How many are planned.
        prices: What the models' tokens cost, where that is known.
    """
    manifest: JsonObject = {
        "format_version": FORMAT_VERSION,
        "fceval_version": fceval.__version__,
        "started_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "python_version": platform.python_version(),
        "library_versions": {name: version(name) for name in _LIBRARIES},
        "dataset": dataset,
        "planned_responses": responses,
        "prices": to_json(prices),
        "commit": _commit(),
        "config": resolved(config),
    }
    run = Run(folder, config, manifest)
    write_run_json(run)
    return run


def _commit() -> str | None:
    """Return the commit that is checked out here, marked where files differ from it; None outside of a repository."""
    git = shutil.which("git")
    if git is None:
        return None
    try:
        head, changed = (
            subprocess.run([git, *arguments], capture_output=True, check=True, timeout=_GIT_S, text=True).stdout.strip()  # noqa: S603 -- git itself, no user input
            for arguments in (("rev-parse", "HEAD"), ("status", "--porcelain", "--untracked-files=no"))
        )
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError):
        return None
    return head + ("-dirty" if changed else "")


def copied(run: Run, out: Path) -> Run:
    """Return a copy of a run in another folder: its settings, cases and answers, without what is made from them.

    Raises:
        ConfigError: `out` holds a run already.
        LocalError: The folder cannot be written.
    """
    folder = new_folder(run.config, out)
    copy = Run(folder, run.config, run.manifest)
    try:
        for source, target in ((run.cases, copy.cases), (run.journal, copy.journal)):
            target.touch(mode=0o600)
            shutil.copyfile(source, target)
    except OSError as error:
        msg = f"{folder}: cannot be written: {error.strerror or error}"
        raise LocalError(msg) from error
    write_run_json(copy)
    return copy


def is_unanswered(run: Run) -> bool:
    """Whether the model answered nothing in a run."""
    return not run.journal.is_file() or not is_answered(run.journal)


def discard(folder: Path) -> None:
    """Remove the run in a folder that got no answer, and the folder if nothing else is in it."""
    with contextlib.suppress(OSError):
        for name in ("run.json", "cases.parquet", "journal.jsonl"):
            (folder / name).unlink(missing_ok=True)
        folder.rmdir()
    with contextlib.suppress(FileNotFoundError, ValueError):
        pointer = folder.parent / LATEST
        if pointer.read_text(encoding="utf-8").strip() == folder.name:
            pointer.unlink()
            newest = max(path.parent.name for path in folder.parent.glob("*/run.json"))  # names begin with the time
            write_file(pointer, newest.encode() + b"\n")


def write_run_json(run: Run) -> None:
    """Write a run's manifest into its folder."""
    write_file(run.folder / "run.json", json.dumps(run.manifest, indent=2, ensure_ascii=False).encode() + b"\n")


def write_file(path: Path, content: bytes) -> None:
    """Write a file so that it is there whole or not at all.

    Raises:
        LocalError: It cannot be written.
    """
    partial = path.with_name(path.name + ".partial")
    try:
        partial.touch(mode=0o600)
        partial.write_bytes(content)
        partial.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            partial.unlink()
        msg = f"{path}: cannot be written: {error.strerror or error}"
        raise LocalError(msg) from error


def mark_latest(run: Run) -> None:
    """Note a run as the newest, if it is in the reports' folder: elsewhere there is nothing to be the newest of."""
    if run.folder.parent.resolve() == run.config.report.dir.resolve():
        write_file(run.folder.parent / LATEST, run.folder.name.encode() + b"\n")


def open_run(reference: Path) -> Run:
    """Return the run in a folder; `.../latest` is the newest run there.

    Raises:
        ConfigError: There is no run.
        LocalError: Its `run.json` cannot be used.
    """
    folder = reference
    if reference.name == LATEST and not reference.is_dir():
        is_bare = reference == Path(LATEST) and not reference.is_file()
        folder = _latest(Path("reports") / LATEST if is_bare else reference)
    path = folder / "run.json"
    try:
        manifest: Any = read_json(path.read_text(encoding="utf-8"))
        if manifest["format_version"] > FORMAT_VERSION:
            msg = f"{path}: format version {manifest['format_version']}: update fceval"
            raise LocalError(msg)
        _refuse_gaps(manifest)
        return Run(folder, parse_config(manifest["config"], origin=str(path)), manifest)
    except (FileNotFoundError, NotADirectoryError):
        msg = f"{reference}: no run there: give the folder of a run (or `latest`)"
        raise ConfigError(msg) from None
    except OSError as error:
        msg = f"{path}: cannot be read: {error.strerror or error}"
        raise LocalError(msg) from None
    except (JsonTextError, UnicodeDecodeError, KeyError, TypeError) as error:
        msg = f"{path}: not a `run.json` that fceval wrote: {error}"
        raise LocalError(msg) from None


def _refuse_gaps(manifest: Any) -> None:  # noqa: ANN401 -- decoded JSON of any shape
    """Refuse a manifest without the members that others rely on.

    Raises:
        KeyError: One is missing.
        TypeError: It has no members.
    """
    for name in ("fceval_version", "started_at", "planned_responses"):
        manifest[name]
    for name in ("path", "sha256", "cases"):
        manifest["dataset"][name]


def _latest(pointer: Path) -> Path:
    try:
        return pointer.parent / pointer.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        msg = f"{pointer}: no run yet"
        raise ConfigError(msg) from None


def sha256_of(path: Path) -> str:
    """Return the hex sha256 of a file."""
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def dialogues_of(cases: Iterable[Case], config: RunConfig) -> Iterator[Dialogue]:
    """Yield what settings ask of cases, in the order of a run's tables: by case, variant and trial."""
    endpoint = config.endpoint
    dialect = dialects.load(endpoint.dialect)
    shape = shape_of(endpoint)
    variants = config.variants  # which makes them anew
    for case in cases:
        for variant in variants:
            for trial in range(config.trials):
                yield Dialogue(case, variant, trial, dialect, endpoint.model, config.request, shape, config.turns)


def shape_of(endpoint: EndpointSettings) -> Shape:
    """Return what an endpoint wants of every body."""
    return Shape(
        stream=endpoint.stream,
        extra_body=endpoint.extra_body,
        omit=frozenset(endpoint.omit),
        developer_as_system=endpoint.developer_role == "system",
        token_limit=None if endpoint.token_limit == "as_given" else endpoint.token_limit,  # noqa: S105 -- a limit, not a secret
    )
