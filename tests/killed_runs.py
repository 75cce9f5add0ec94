"""Kills runs of fceval: `python -m tests.killed_runs FOLDER RUNS KILLS SEED ARGUMENT...`.

For each run a new process is forked again and again, which begins the run or goes on with it as `python -m fceval
run` does, and is killed with SIGKILL: after a random time, or, every other time that nothing is left to ask, at a
random moment of judging and report writing. After so many kills the run goes on to its end undisturbed. The forks
share one import, which is most of what a process of its own would cost.

Prints one JSON object a run: its folder, its exit code at the end, and how many processes were killed in which stage.
"""

from __future__ import annotations

import importlib
import json
import os
import random
import shutil
import signal
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from fceval.cli import main as fceval

_WRITES_S = 0.4
_ASKS_S = 0.25
_TRIES = 10
_IMPORTED_LATE = (
    "fceval.cli.ending",
    "fceval.cli.progress",
    "fceval.dialects.tools",
    "fceval.engines.local",
    "fceval.pipeline",
    "fceval.report.exporters.html",
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


def stage(run: Path, responses: int) -> str:
    """Return how far a run had come: `new`, `asking` or `writing`."""
    journal = run / "journal.jsonl"
    answered = journal.read_bytes().count(b'"message": {') if journal.is_file() else 0
    if answered >= responses:
        return "writing"
    return "asking" if answered else "new"


def main(folder: Path, runs: int, kills: int, chance: random.Random, arguments: Sequence[str]) -> None:
    """Kill and end so many runs, one after the other; the dataset is the file that `--dataset` names."""
    for name in _IMPORTED_LATE:
        importlib.import_module(name)
    dataset = Path(arguments[arguments.index("--dataset") + 1])
    responses = len(dataset.read_bytes().splitlines())
    for number in range(runs):
        run = folder / f"run-{number}"
        stages: Counter[str] = Counter()
        for _ in range(_TRIES * kills):
            if stages.total() == kills:
                break
            at = stage(run, responses)
            is_begun = (run / "run.json").exists()
            if not is_begun:  # nothing was asked yet, and a folder that is not empty is never taken for a new run
                shutil.rmtree(run, ignore_errors=True)
            going_on = ("--resume" if is_begun else "--out", str(run))
            longest_s = _WRITES_S if at == "writing" else _ASKS_S
            if killed(("run", "--quiet", *going_on, *arguments), chance.uniform(0, longest_s)):
                stages[stage(run, responses)] += 1
        process = started(("run", "--quiet", "--resume", str(run), *arguments))
        _, status = os.waitpid(process, 0)
        told = {"run": str(run), "code": os.waitstatus_to_exitcode(status), "killed": dict(stages)}
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), random.Random(int(sys.argv[4])), sys.argv[5:])
