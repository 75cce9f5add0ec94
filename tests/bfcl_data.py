"""BFCL's data folder as its package ships it, made of the public cases in the shared data."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from fceval.cases.importers.bfcl import CATEGORIES


def bfcl_rows(shared_data: Path, name: str) -> Iterator[dict[str, Any]]:
    """Yield the rows of one shared file, as `cases_public`."""
    with gzip.open(shared_data / "bfcl" / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def write_bfcl_folder(folder: Path, cases: Iterable[Mapping[str, Any]]) -> Path:
    """Write cases as BFCL's question and answer files and return their folder; every category has its file."""
    entries: dict[str, list[dict[str, Any]]] = {category: [] for category in CATEGORIES}
    answers: dict[str, list[dict[str, Any]]] = {category: [] for category in CATEGORIES}
    for case in cases:
        entries[case["category"]].append({name: case[name] for name in ("id", "question", "function")})
        answers[case["category"]].append({"id": case["id"], "ground_truth": case.get("ground_truth")})
    (folder / "possible_answer").mkdir(parents=True)
    for category in CATEGORIES:
        _write(folder / f"BFCL_v4_{category}.json", entries[category])
        if "relevance" not in category:
            _write(folder / "possible_answer" / f"BFCL_v4_{category}.json", answers[category])
    return folder


def _write(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
