"""Processes measured from outside, pairs of them in turn, and the figures that come of it."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tests.cli_process import PROJECT

_KIB_PER_MIB = 1024
_SHOWN_OF_A_FAILURE = 2_000
_ENDS_WITHIN_S = 10.0


@dataclass(frozen=True, slots=True)
class Measured:
    """What a process took, from its start to its end."""

    cpu_s: float
    """Of itself and its children, in user and kernel mode."""
    wall_s: float
    peak_mib: float
    """Largest resident set, of itself or of a child."""
    begun_at: float
    """On the clock of `time.monotonic`, which all processes of a machine share."""
    output: str
    """What it printed, errors included."""


class CommandFailedError(Exception):
    """A measured command ended otherwise than it should; the message has the end of what it printed."""


def environment(home: Path) -> dict[str, str]:
    """Return the variables that a measured process gets: none of the tester's keys, proxies or settings."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}
    return {**kept, "HOME": str(home), "PYTHONPATH": str(PROJECT)}


def measured(command: Sequence[str | Path], folder: Path, codes: Sequence[int] = (0,)) -> Measured:
    """Run a command in a folder to its end.

    Args:
        command: Program and arguments.
        folder: Its working directory, and its user's home.
        codes: The exit codes that it may end with.

    Raises:
        CommandFailedError: It ended with another one.
    """
    with tempfile.TemporaryFile(dir=folder) as printed:
        begun_at = time.monotonic()
        process = subprocess.Popen(
            [str(part) for part in command],
            cwd=folder,
            env=environment(folder),
            stdin=subprocess.DEVNULL,
            stdout=printed,
            stderr=subprocess.STDOUT,
        )
        _, status, used = os.wait4(process.pid, 0)
        wall_s = time.monotonic() - begun_at
        process.returncode = os.waitstatus_to_exitcode(status)
        printed.seek(0)
        output = printed.read().decode(errors="replace")
    if process.returncode not in codes:
        shown = output[-_SHOWN_OF_A_FAILURE:]
        msg = f"{' '.join(map(str, command))}: exit code {process.returncode}\n{shown}"
        raise CommandFailedError(msg)
    return Measured(used.ru_utime + used.ru_stime, wall_s, used.ru_maxrss / _KIB_PER_MIB, begun_at, output)


def python(*arguments: str | Path) -> list[str | Path]:
    """Return the command that runs this interpreter."""
    return [sys.executable, *arguments]


def fceval(*arguments: str | Path) -> list[str | Path]:
    """Return the command that runs fceval from this tree."""
    return python("-m", "fceval", *arguments)


@contextmanager
def beside(command: Sequence[str | Path], folder: Path) -> Iterator[str]:
    """Run a process beside what is measured; give the first line that it prints."""
    with subprocess.Popen(
        [str(part) for part in command],
        cwd=folder,
        env=environment(folder),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        encoding="utf-8",
    ) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().strip()
        finally:
            process.terminate()
            process.wait(_ENDS_WITHIN_S)


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a pair: what was run, and what each round of it came to."""

    what: str
    unit: str
    rounds: tuple[float, ...]

    @property
    def median(self) -> float:
        """The middle round."""
        return statistics.median(self.rounds)

    def as_json(self) -> dict[str, Any]:
        """Return it with its median."""
        return {**asdict(self), "median": self.median}


@dataclass(frozen=True, slots=True)
class Target:
    """What a figure should come to."""

    bound: float
    at_least: bool = False
    """Else it should come to no more than the bound."""
    where: str = ""
    """The size that it is meant for."""

    def is_met_by(self, value: float) -> bool:
        """Whether a figure is where it should be."""
        return value >= self.bound if self.at_least else value <= self.bound


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of a benchmark, and what it is made of."""

    benchmark: str
    name: str
    subject: Side
    yardstick: Side
    target: Target | None = None
    value: float | None = None
    """What the target is about, where that is not the ratio itself."""
    unit: str = "×"
    notes: Mapping[str, float] = field(default_factory=dict)
    """Further numbers of the same runs, by name and unit."""

    @property
    def ratio(self) -> float:
        """Median of the subject over median of the yardstick."""
        return self.subject.median / self.yardstick.median if self.yardstick.median else float("nan")

    @property
    def told(self) -> float:
        """The number that the target is about."""
        return self.ratio if self.value is None else self.value

    def as_json(self) -> dict[str, Any]:
        """Return all that is known of it."""
        return {
            "benchmark": self.benchmark,
            "name": self.name,
            "value": self.told,
            "unit": self.unit,
            "target": asdict(self.target) if self.target else None,
            "reached": self.target.is_met_by(self.told) if self.target else None,
            "ratio": self.ratio,
            "subject": self.subject.as_json(),
            "yardstick": self.yardstick.as_json(),
            "notes": dict(self.notes),
        }


@dataclass(frozen=True, slots=True)
class Bench:
    """What a benchmark gets."""

    folder: Path
    """Empty, for it alone."""
    size: int
    rounds: int

    def run(self, command: Sequence[str | Path], codes: Sequence[int] = (0,)) -> Measured:
        """Run a command in the benchmark's folder; see `measured`."""
        return measured(command, self.folder, codes)

    def paired(
        self, subject: Callable[[int], Measured], yardstick: Callable[[int], Measured]
    ) -> tuple[list[Measured], list[Measured]]:
        """Run both in turn, the other one first in every other round; each is told the number of its round."""
        pairs = []
        for number in range(self.rounds):
            if number % 2:
                second, first = yardstick(number), subject(number)
            else:
                first, second = subject(number), yardstick(number)
            pairs.append((first, second))
        return [first for first, _ in pairs], [second for _, second in pairs]


def side(what: str, unit: str, runs: Sequence[Measured], number: Callable[[Measured], float]) -> Side:
    """Return one side of a pair by a number of each of its runs."""
    return Side(what, unit, tuple(number(run) for run in runs))
