"""Taking out of a run's folder what was said: what stays are numbers, names and settings.

Messages, answers, and the values of arguments, expected and predicted, are gone for good, so that a folder may be
passed on or kept. Its tables can still be compared, gated and reported; its answers cannot be judged again.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

import polars as pl

from fceval import runs
from fceval.errors import LocalError
from fceval.journal import Journal
from fceval.report import exporters
from fceval.runs import Run
from fceval.tables import ARGUMENTS, CALLS, SCORES, read_table, write_table

_SAID: Mapping[str, tuple[pl.Schema, tuple[str, ...]]] = MappingProxyType(
    {
        "scores": (SCORES, ("failure_detail",)),
        "calls": (CALLS, ("expected_arguments", "predicted_arguments")),
        "arguments": (ARGUMENTS, ("expected", "predicted")),
    }
)
"""Columns with what was said, by table."""
_FILES = ("cases.parquet", "journal.jsonl", "journal.torn-*", "journal.damaged-*", "journal.spilled-*", "*.partial")


def redacted(this: Run) -> Run:
    """Take what was said out of a scored run's tables and out of its reports, which are to be written anew.

    Returns:
        The run, marked as redacted; what it was made of is still there, see `forget`.

    Raises:
        LocalError: Another process writes to the run, or a file cannot be written.
    """
    with Journal(this.journal) if this.journal.is_file() else contextlib.nullcontext():
        for name, (schema, said) in _SAID.items():
            path = this.folder / f"{name}.parquet"
            kept = read_table(path).with_columns(pl.lit(None, schema[column]).alias(column) for column in said)
            write_table(path, [kept.collect()], schema)
    marked = replace(this, manifest={**this.manifest, "redacted": True})
    runs.write_run_json(marked)
    for name in exporters.names():
        (this.folder / exporters.load(name).filename).unlink(missing_ok=True)
    return marked


def forget(this: Run) -> None:
    """Remove cases and answers of a redacted run, damaged and half-written ones among them.

    Raises:
        LocalError: One of them cannot be removed.
    """
    try:
        for pattern in _FILES:
            for path in this.folder.glob(pattern):
                path.unlink()
    except OSError as error:
        msg = f"{this.folder}: not all of what was said could be removed: {error.strerror or error}"
        raise LocalError(msg) from error
