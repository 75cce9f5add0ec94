"""Folders of runs with one case and one answer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fceval import runs
from fceval.cases.rows import case_of
from fceval.cases.write import write_cases
from fceval.config import RunConfig, parse_config
from fceval.journal import Journal
from fceval.records import Key, Response, Usage
from tests.case_rows import row

SHAPING: dict[str, object] = {
    "stream": True,
    "extra_body": {"top_k": 5},
    "omit": ["seed"],
    "headers": {"X-A": "b"},
    "query": {"api-version": "1"},
    "developer_role": "system",
    "token_limit": "max_tokens",
}
"""Settings of an endpoint that decide what it is asked."""


def config(folder: Path, **tables: object) -> RunConfig:
    """Return settings whose runs go below a folder."""
    plain: dict[str, Any] = {
        "report": {"dir": str(folder / "reports")},
        "endpoint": {"base_url": "http://127.0.0.1:9/v1", "model": "m"},
    }
    return parse_config(plain | tables, origin="x")


def begun(folder: Path, out: Path | None = None, **tables: object) -> runs.Run:
    """Return a run with one case and one answer."""
    settings = config(folder, **tables)
    place = runs.new_folder(settings, out)
    write_cases(place / "cases.parquet", [case_of(row(), 1)], 0o600)
    run = runs.write_manifest(place, settings, {"path": "a.jsonl", "sha256": "0" * 64, "cases": 1}, 1)
    with Journal(run.journal) as journal:
        journal.append(Response(Key("a", "default", 0, 0, 0), "f", {"content": "x"}, "stop", Usage(), None, (), ()))
    return run
