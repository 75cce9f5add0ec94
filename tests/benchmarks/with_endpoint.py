"""Benchmarks that ask: `client`, `pace` and `resume`."""

from __future__ import annotations

import json
import shutil
import urllib.request
from collections.abc import Iterator
from contextlib import AbstractContextManager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tests.benchmarks.measuring import Bench, Figure, Measured, Side, Target, beside, fceval, python, side
from tests.benchmarks.workload import MODEL, write_cases

_MS = 1000
_WAYS = ((64, False), (64, True), (1, False), (512, False))
"""(concurrency, streamed), the ones with targets first."""
_WORKERS = 64
_PER_SECOND = 10
_MANY_WORKERS = 512
_CASES_FOR_LAG = 3_000
_LACKING = 10
_LOOP = "uvloop" if find_spec("uvloop") else "asyncio"
"""The event loop of both sides: fceval's and the yardstick's."""


def _endpoint(bench: Bench, *arguments: str | Path) -> AbstractContextManager[str]:
    return beside(python("-m", "tests.benchmarks.endpoint", *arguments), bench.folder)


def _counted(url: str) -> dict[str, Any]:
    """Return what an endpoint was asked since it was last asked this."""
    with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 -- our own endpoint, over http
        told: dict[str, Any] = json.load(answer)
    return told


def _run(url: str, cases: Path, out: Path, concurrency: int, *, streamed: bool) -> list[str | Path]:
    shutil.rmtree(out, ignore_errors=True)
    flags = ["--stream"] if streamed else []
    where: list[str | Path] = ["--dataset", cases, "--base-url", url, "--model", MODEL, "--out", out]
    return fceval("run", *where, "-j", str(concurrency), "-q", *flags)


def _recorded(bench: Bench, cases: Path, *, streamed: bool) -> Path:
    """Return a file with the bodies that fceval sends for some cases."""
    bodies = bench.folder / ("streamed.bodies" if streamed else "whole.bodies")
    if not bodies.exists():
        with _endpoint(bench, bodies) as url:
            bench.run(_run(url, cases, bench.folder / "recorded", _WORKERS, streamed=streamed))
            _counted(url)
    return bodies


def client(bench: Bench) -> Iterator[Figure]:
    """CPU of a whole run per case, from reading the dataset to the report, and of a bare loop with the same requests.

    The CPU of a run over a single case says how much of it does not grow.
    """
    cases = write_cases(bench.folder / "cases.jsonl", bench.size)
    one_case = write_cases(bench.folder / "one.jsonl", 1)
    with _endpoint(bench) as url:
        for concurrency, streamed in _WAYS:
            yield _client(bench, url, cases, one_case, concurrency, streamed=streamed)


def _client(  # noqa: PLR0913 -- what is asked of whom, and how
    bench: Bench, url: str, cases: Path, one_case: Path, concurrency: int, *, streamed: bool
) -> Figure:
    out = bench.folder / "run"
    bodies = _recorded(bench, cases, streamed=streamed)
    start = bench.run(_run(url, one_case, out, concurrency, streamed=streamed))
    _counted(url)

    def whole(_: int) -> Measured:
        used = bench.run(_run(url, cases, out, concurrency, streamed=streamed))
        return _checked(used, _counted(url)["requests"], bench.size)

    def bare(_: int) -> Measured:
        used = bench.run(python("-m", "tests.benchmarks.bare_loop", url, bodies, str(concurrency)))
        return _checked(used, _counted(url)["requests"], bench.size)

    ours, theirs = bench.paired(whole, bare)
    target = Target(2.0 if streamed else 1.6, where="20,000 cases") if concurrency == _WORKERS else None

    def per_case(used: Measured) -> float:
        return used.cpu_s * _MS / bench.size

    return Figure(
        "client",
        f"CPU per case, {concurrency} in flight{', streamed' if streamed else ''}",
        side(f"fceval run ({_LOOP})", "ms", ours, per_case),
        side(f"aiohttp alone ({_LOOP})", "ms", theirs, per_case),
        target,
        notes={"CPU of a run of one case, s": start.cpu_s},
    )


def _checked(used: Measured, requests: int, wanted: int) -> Measured:
    if requests != wanted:
        msg = f"{requests} requests were sent, not {wanted}: nothing was measured"
        raise RuntimeError(msg)
    return used


def pace(bench: Bench) -> Iterator[Figure]:
    """What waiting takes: of a core with 64 workers at 10 requests a second; and how late an event loop wakes up.

    The yardstick of both is a bare loop: one worker that sleeps between its requests, and 512 that do not.
    """
    slow_cases = write_cases(bench.folder / "slow.jsonl", bench.size * _PER_SECOND)
    many_cases = write_cases(bench.folder / "many.jsonl", _CASES_FOR_LAG)
    slow_bodies, many_bodies = bench.folder / "slow.bodies", bench.folder / "many.bodies"
    for cases, bodies in ((slow_cases, slow_bodies), (many_cases, many_bodies)):
        with _endpoint(bench, bodies) as url:
            bench.run(_asking(url, cases, _MANY_WORKERS, 0))
            _counted(url)
    with _endpoint(bench) as url:
        ours, theirs = bench.paired(
            lambda _: bench.run(_asking(url, slow_cases, _WORKERS, 60 * _PER_SECOND)),
            lambda _: bench.run(_bare(url, slow_bodies, 1, 1 / _PER_SECOND)),
        )
        yield Figure(
            "pace",
            f"CPU of waiting, {_WORKERS} workers at {_PER_SECOND}/s",
            _printed(f"fceval's engine ({_LOOP})", "% of a core", ours, "cpu_share", 100),
            _printed("aiohttp alone", "% of a core", theirs, "cpu_share", 100),
        )
        ours, theirs = bench.paired(
            lambda _: bench.run(_asking(url, many_cases, _MANY_WORKERS, 0)),
            lambda _: bench.run(_bare(url, many_bodies, _MANY_WORKERS, 0)),
        )
        late = _printed(f"fceval's engine ({_LOOP})", "ms", ours, "lag_p99_s", _MS)
        bare = _printed("aiohttp alone", "ms", theirs, "lag_p99_s", _MS)
        name = f"event loop lag p99, {_MANY_WORKERS} in flight"
        yield Figure("pace", name, late, bare, Target(20), late.median, "ms")


def _asking(url: str, cases: Path, workers: int, rpm: float) -> list[str | Path]:
    return python("-m", "tests.benchmarks.asking", url, cases, str(workers), str(rpm))


def _bare(url: str, bodies: Path, workers: int, gap_s: float) -> list[str | Path]:
    return python("-m", "tests.benchmarks.bare_loop", url, bodies, str(workers), str(gap_s))


def _printed(what: str, unit: str, runs: list[Measured], name: str, factor: float) -> Side:
    return side(what, unit, runs, lambda used: json.loads(used.output)[name] * factor)


def resume(bench: Bench) -> Iterator[Figure]:
    """Time from `fceval run --resume` to the first new request, with so many answers in the journal, and a tenth."""
    small = max(bench.size // 10, _LACKING)
    with _endpoint(bench) as url:
        for size in (bench.size, small):
            cases = write_cases(bench.folder / f"{size}.jsonl", size + _LACKING)
            folder = bench.folder / f"answered-{size}"
            bench.run(python("-m", "tests.benchmarks.answered", folder, cases, url, str(_LACKING)))

        def resumed(size: int) -> Measured:
            folder = bench.folder / "resumed"
            shutil.rmtree(folder, ignore_errors=True)
            shutil.copytree(bench.folder / f"answered-{size}", folder)
            used = bench.run(fceval("run", "--resume", folder, "-q"))
            told = _counted(url)
            _checked(used, told["requests"], _LACKING)
            until = told["first_at"] - used.begun_at
            return Measured(used.cpu_s, until, used.peak_mib, used.begun_at, used.output)

        large, little = bench.paired(lambda _: resumed(bench.size), lambda _: resumed(small))
    first = side(f"{bench.size:,} answers", "s", large, lambda used: used.wall_s)
    target = Target(20, where="1,000,000 answers")
    sooner = side(f"{small:,} answers", "s", little, lambda used: used.wall_s)
    yield Figure("resume", "time to the first new request", first, sooner, target, first.median, "s")
