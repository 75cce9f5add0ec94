"""Kills runs of fceval: `python -m tests.killed_runs FOLDER RUNS KILLS SEED ARGUMENT...`.

For each run a new process is forked again and again, which begins the run or goes on with it as `python -m fceval
run` does, and is killed with SIGKILL after a random time. The times follow what the machine gets done, so that about
three quarters of the kills hit a run that asks, and the others one that has all its answers and writes its tables and
reports. Then it goes on to its end undisturbed. The forks share one import, which is most of what a process of its
own would cost.

Prints one JSON object a run: its folder, its exit code at the end, and how many processes were killed in which stage.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import random
import shutil
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from fceval.cli import main as fceval
from fceval.config import parse_config

_FIRST_S = 0.2
_LONGER, _SHORTER = 1.15, 0.8
_TRIES = 10
_IMPORTED_LATE = (
    "fceval.cli.ending",
    "fceval.cli.progress",
    "fceval.dialects.tools",
    "fceval.engines.local",
    "fceval.pipeline",
    "fceval.report.exporters.html",
    "fceval.report.exporters.markdown",
    "pyarrow.parquet",
    "rich.progress",
)


def started(arguments: Sequence[str]) -> int:
    """Fork a process that runs a command, and return its id."""
    process = os.fork()
    if process:
        return process
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    code = 70
    try:
        code = fceval(list(arguments))
    finally:
        os._exit(code)


def killed(arguments: Sequence[str], after_s: float) -> bool:
    """Kill a command after some time; return whether it was still at it."""
    process = started(arguments)
    time.sleep(after_s)
    os.kill(process, signal.SIGKILL)
    _, status = os.waitpid(process, 0)
    return os.WIFSIGNALED(status)


def answers(run: Path) -> int:
    """Return how many responses are in a run's journal."""
    journal = run / "journal.jsonl"
    return journal.read_bytes().count(b'"message": {') if journal.is_file() else 0


def going_on(run: Path, arguments: Sequence[str]) -> list[str]:
    """Return the command that begins a run or goes on with it."""
    is_begun = (run / "run.json").exists()
    if not is_begun:  # nothing was asked yet, and a folder that is not empty is never taken for a new run
        shutil.rmtree(run, ignore_errors=True)
    return ["run", "--quiet", "--resume" if is_begun else "--out", str(run), *arguments]


def killed_while_asking(run: Path, kills: int, responses: int, chance: random.Random, arguments: Sequence[str]) -> int:
    """Kill a run up to so often while it asks; return how often it was."""
    longest_s, count = _FIRST_S, 0
    while count < kills and answers(run) < responses:
        before = answers(run)
        count += killed(going_on(run, arguments), chance.uniform(0, longest_s))
        longest_s *= _LONGER if answers(run) - before < responses / kills else _SHORTER
    return count


def killed_while_writing(run: Path, kills: int, chance: random.Random, arguments: Sequence[str]) -> int:
    """Kill a run so often that has all its answers; return how often it was."""
    longest_s, count = _FIRST_S, 0
    for _ in range(_TRIES * kills):
        if count == kills:
            break
        was_killed = killed(going_on(run, arguments), chance.uniform(0, longest_s))
        count += was_killed
        longest_s *= _LONGER if was_killed else _SHORTER
    return count


def ended(run: Path, arguments: Sequence[str]) -> int:
    """Let a run go on to its end, and return its exit code."""
    _, status = os.waitpid(started(going_on(run, arguments)), 0)
    return os.waitstatus_to_exitcode(status)


def main(folder: Path, runs: int, kills: int, chance: random.Random, arguments: Sequence[str]) -> None:
    """Kill and end so many runs, one after the other; the dataset is the file that `--dataset` names."""
    for name in _IMPORTED_LATE:
        importlib.import_module(name)
    parse_config({}, origin="nowhere")  # what checks settings is made once a process
    gc.freeze()  # what the forks share stays shared
    dataset = Path(arguments[arguments.index("--dataset") + 1])
    responses = len(dataset.read_bytes().splitlines())
    for number in range(runs):
        run = folder / f"run-{number}"
        asking = killed_while_asking(run, kills * 3 // 4, responses, chance, arguments)
        if answers(run) < responses:
            ended(run, arguments)
        writing = killed_while_writing(run, kills - asking, chance, arguments)
        told = {"run": str(run), "code": ended(run, arguments), "asking": asking, "writing": writing}
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), random.Random(int(sys.argv[4])), sys.argv[5:])
