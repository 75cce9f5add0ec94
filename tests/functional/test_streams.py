"""The surroundings of a process: who reads its output may leave or know no Chinese, and files may be few."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli_process import PROJECT, Fceval
from tests.functional.conftest import Command
from tests.functional.orders import case, orders, write_cases

MOCK = ("run", "--dataset", "orders.jsonl", "--base-url", "embedded:mock", "--model", "m", "--out", "run")
FILES = {
    "run.json", "cases.parquet", "journal.jsonl", "scores.parquet", "calls.parquet", "arguments.parquet",
    "metrics.parquet", "summary.json", "report.html", "report.md", "junit.xml",
}  # fmt: skip


def _shell(fceval: Fceval, command: str, **env: str) -> subprocess.CompletedProcess[bytes]:
    """Run a line of shell in which `$F` is fceval."""
    return subprocess.run(
        ["/bin/bash", "-c", command],
        env=fceval.environment({"F": f"{sys.executable} -m fceval", **env}),
        cwd=fceval.folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=60,
        check=False,
    )


def test_reader_may_leave(fceval: Fceval, tmp_path: Path) -> None:
    """`| head` ends no run early: the exit code is the run's own, every file is there, and nothing is complained of."""
    write_cases(tmp_path / "orders.jsonl", [case(1)])
    ended = _shell(fceval, f"$F {' '.join(MOCK)} -q --mistakes wrong_value=1 | true; exit ${{PIPESTATUS[0]}}")
    assert (ended.returncode, ended.stderr) == (0, b"")
    assert {path.name for path in (tmp_path / "run").iterdir()} == FILES


@pytest.mark.parametrize("command", ["dataset stats orders.jsonl", "schema", "--help", "run --help"])
def test_reader_of_a_result_may_leave(fceval: Fceval, tmp_path: Path, command: str) -> None:
    """A command whose reader is gone ends quietly."""
    orders(tmp_path)
    reading, writing = os.pipe()
    os.close(reading)
    ended = subprocess.run(
        [sys.executable, "-m", "fceval", *command.split()],
        env=fceval.environment(),
        cwd=tmp_path,
        stdout=writing,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(writing)
    assert (ended.returncode, ended.stderr) == (0, b"")


def test_closed_streams_are_left_closed(fceval: Fceval, tmp_path: Path) -> None:
    """With all three streams closed a run still ends well, and no file of it holds what was meant for a stream."""
    orders(tmp_path)
    ended = _shell(fceval, f"$F {' '.join(MOCK)} <&- >&- 2>&-")
    assert ended.returncode == 0
    assert {path.name for path in (tmp_path / "run").iterdir()} == FILES
    assert b"accuracy" not in (tmp_path / "run" / "journal.jsonl").read_bytes()


def test_too_few_files_are_no_fault_of_the_endpoint(fceval: Fceval, tmp_path: Path) -> None:
    """More connections than this process may open are refused before anything is sent, with the number that fits."""
    orders(tmp_path)
    ended = _shell(fceval, f"ulimit -n 100; $F {' '.join(MOCK)} -j 200")
    assert ended.returncode == 2
    assert b"endpoint.concurrency: 200, but this process may open 100 files (ulimit -n): at most 36" in ended.stderr
    assert not (tmp_path / "run").exists()
    assert _shell(fceval, f"ulimit -S -n 100; $F {' '.join(MOCK)} -j 200").returncode == 0


def test_full_disk_under_stdout_is_said(fceval: Fceval, tmp_path: Path) -> None:
    """A result that cannot be written is exit code 5 and a line, not a traceback."""
    orders(tmp_path)
    ended = _shell(fceval, "$F dataset stats orders.jsonl >/dev/full")
    assert ended.returncode == 5
    assert ended.stderr.decode() == f"Error: standard output cannot be written: {os.strerror(errno.ENOSPC)}\n"


def test_watcher_may_leave(fceval: Fceval, tmp_path: Path) -> None:
    """A run goes on when nobody can read its progress."""
    orders(tmp_path)
    ended = _shell(fceval, f"$F {' '.join(MOCK)} 2> >(true)")
    assert ended.returncode == 0
    assert b"accuracy 100%" in ended.stdout


def test_terminal_without_unicode_is_written_to(fceval: Fceval, command: Command, tmp_path: Path) -> None:
    """What an encoding does not know is escaped; lines and dashes become plain ones."""
    write_cases(tmp_path / "orders.jsonl", [case(1, category="查询")])
    assert command(*MOCK).code == 0
    ended = _shell(fceval, "$F score run", PYTHONIOENCODING="ascii")
    assert ended.returncode == 0
    text = ended.stdout.decode("ascii")
    assert "\\u67e5\\u8be2" in text
    assert "---" in text
    assert "\\u2500" not in text


def test_terminal_cannot_be_steered(command: Command, tmp_path: Path) -> None:
    """Control characters of a dataset are shown, not obeyed, wherever they come out."""
    hostile = "\x1b]0;gone\x07\x1b[2J"
    twice = [case(1, case_id=hostile, category=hostile), case(1, case_id=hostile)]
    write_cases(tmp_path / "orders.jsonl", twice)
    ended = [command("dataset", "lint", "orders.jsonl"), command(*MOCK)]
    write_cases(tmp_path / "orders.jsonl", [case(1, case_id=hostile, category=hostile, tags=[hostile])])
    ended += [command("dataset", "stats", "orders.jsonl"), command(*MOCK, "--mistakes", "missing_call=1")]
    ended += [command("show", "run"), command("show", "run", hostile)]
    assert [each.code for each in ended] == [2, 2, 0, 0, 0, 0]
    said = [each.out + each.err for each in ended]
    assert ["\x1b" in text for text in said] == [False] * 6
    assert ["gone" in text for text in said] == [True] * 6


def test_help_is_quick_to_load(fceval: Fceval) -> None:
    """`fceval --help` and a wrong flag load none of the heavy libraries."""
    heavy = ("polars", "pyarrow", "aiohttp", "scipy", "altair", "jinja2", "pydantic", "rich", "numpy", "jsonschema_rs")
    code = (
        "import sys; from fceval.cli import main\n"
        "codes = [main([*words]) for words in (['--help'], ['run', '--help'], ['dataset', '--help'], ['run', '--x'])]\n"
        f"print('loaded', codes, sorted(set(sys.modules) & set({heavy!r})))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], env=fceval.environment(), cwd=PROJECT, capture_output=True, text=True, check=True
    )
    assert ended.stdout.splitlines()[-1] == "loaded [0, 0, 0, 2] []"


def test_command_that_asks_nothing_loads_no_client(fceval: Fceval, tmp_path: Path) -> None:
    """Each library of a process takes its CPU before anything is done: linting and scoring send no request."""
    write_cases(tmp_path / "orders.jsonl", [case(1)])
    code = (
        "import sys; from fceval.cli import main\n"
        "words = [['dataset', 'lint', 'orders.jsonl'], ['dataset', 'convert', 'orders.jsonl', 'orders.parquet']]\n"
        "codes = [main(each) for each in [*words, ['dataset', 'stats', 'orders.parquet'], ['score', 'none']]]\n"
        "print('loaded', codes, sorted(set(sys.modules) & {'aiohttp', 'rich', 'scipy', 'altair', 'pyarrow.compute'}))"
    )
    environment = {**fceval.environment(), "PYTHONPATH": str(PROJECT)}
    ended = subprocess.run(
        [sys.executable, "-c", code], env=environment, cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert ended.stdout.splitlines()[-1] == "loaded [0, 0, 0, 2] []"
