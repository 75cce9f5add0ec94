"""The yardstick of `scoring` and `read`: decodes files with nothing but json and pyarrow.

`python -m tests.benchmarks.bare_reading FILE...`: JSONL line by line, Parquet batch by batch and with the JSON of its
nested columns.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

_PLAIN = frozenset({"case_id", "category", "order", "extra_calls", "strings"})


def _read_parquet(path: Path) -> None:
    import pyarrow.parquet as pq  # noqa: PLC0415 -- reading JSONL needs none of it, nor should it take the time

    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches():
            for row in batch.to_pylist():
                for name, value in row.items():
                    if isinstance(value, str) and name not in _PLAIN:
                        json.loads(value)


def _read_jsonl(path: Path) -> None:
    with path.open("rb") as lines:
        for line in lines:
            json.loads(line)


if __name__ == "__main__":
    for each in map(Path, sys.argv[1:]):
        (_read_parquet if each.suffix == ".parquet" else _read_jsonl)(each)
