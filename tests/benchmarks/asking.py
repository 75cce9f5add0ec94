"""What `pace` measures: `python -m tests.benchmarks.asking URL CASES CONCURRENCY RPM` asks, and keeps nothing.

An RPM of 0 is no pace. Prints a JSON object: `lag_p99_s`, how late its event loop woke up in the worst hundredth of the
times; `cpu_share`, what it took of a core while it asked; `answers`, how many there were.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from fceval import dialects
from fceval.asking import event_loop
from fceval.cases.read import read_cases
from fceval.client.endpoint import Endpoint, EndpointSettings
from fceval.dialogue import Dialogue, Variant
from fceval.engines import Stop, Work, load
from fceval.records import Attempt, Request, Response, Usage
from tests.benchmarks.lateness import Lateness
from tests.benchmarks.workload import MODEL


class _Counter:
    """A record that counts the answers."""

    def __init__(self) -> None:
        self.answers = 0

    async def admit(self, request: Request) -> None:
        pass

    def sending(self, attempts: Sequence[tuple[Request, int]]) -> None:
        pass

    def tried(self, request: Request, attempt: Attempt, usage: Usage) -> None:
        pass

    def answered(self, response: Response) -> None:
        self.answers += response.message is not None

    def noted(self, text: str) -> None:
        pass


def _work(cases: Path) -> Work:
    dialect = dialects.load("tools")
    for case in read_cases(cases):
        yield Dialogue(case, Variant(), 0, dialect, MODEL, {}), ()


async def ask(settings: EndpointSettings, cases: Path) -> dict[str, float]:
    """Ask for every case, and return what is printed."""
    counter, engine = _Counter(), load("local")
    cpu_s, started = time.process_time(), time.monotonic()
    async with Lateness() as late:
        await engine.run(_work(cases), Endpoint(settings, settings.base_url, None), counter, Stop())
    share = (time.process_time() - cpu_s) / (time.monotonic() - started)
    return {"lag_p99_s": late.percentile_s(99), "cpu_share": share, "answers": counter.answers}


if __name__ == "__main__":
    url, file, workers, rpm = sys.argv[1:]
    given = EndpointSettings(base_url=url, model=MODEL, concurrency=int(workers), rpm=float(rpm) or None)
    with asyncio.Runner(loop_factory=event_loop) as runner:
        sys.stdout.write(json.dumps(runner.run(ask(given, Path(file)))))
