"""The benchmarks can be run; how fast anything is, no test says."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.cli_process import PROJECT


def test_a_quick_benchmark_prints_its_table_and_writes_its_figures(tmp_path: Path) -> None:
    """Start-up, which needs neither an endpoint nor a dataset."""
    written = tmp_path / "figures.json"
    command = [sys.executable, "-m", "tests.benchmarks", "startup", "--quick", "--json", str(written)]
    ended = subprocess.run(command, cwd=PROJECT, capture_output=True, encoding="utf-8", timeout=60, check=False)
    assert ended.returncode == 0, ended.stderr
    head, _, *rows = ended.stdout.splitlines()
    assert head.startswith("| benchmark | figure ")
    assert [row.split("|")[1].strip() for row in rows] == ["startup"]
    (figure,) = json.loads(written.read_text(encoding="utf-8"))["figures"]
    assert figure["ratio"] == figure["subject"]["median"] / figure["yardstick"]["median"]
    assert len(figure["subject"]["rounds"]) == len(figure["yardstick"]["rounds"]) == 5
