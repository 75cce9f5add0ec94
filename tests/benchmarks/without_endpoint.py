"""Benchmarks that ask nobody, and `memory`, which measures a whole run beside the scoring of its answers."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks.measuring import Bench, Figure, Measured, Side, Target, beside, fceval, python, side
from tests.benchmarks.workload import MODEL, write_cases, write_predictions

_TENTH = 10
_MILLION = "1,000,000 cases"


def _wall_s(used: Measured) -> float:
    return used.wall_s


def _cpu_s(used: Measured) -> float:
    return used.cpu_s


def _score(cases: Path, predictions: Path, out: Path, rules: str = "native") -> list[str | Path]:
    shutil.rmtree(out, ignore_errors=True)
    files: list[str | Path] = ["--dataset", cases, "--predictions", predictions, "--out", out]
    return fceval("score", *files, "--rules", rules, "--set", 'report.formats=["html","markdown"]')


def scoring(bench: Bench) -> Iterator[Figure]:
    """Predictions that `fceval score` reads, judges and reports on per second; the yardstick decodes the same files."""
    yield _scoring(bench, "native", 30_000)
    yield _scoring(bench, "bfcl", 40_000)


def _scoring(bench: Bench, rules: str, bound: float) -> Figure:
    cases = write_cases(bench.folder / "cases.jsonl", bench.size, alike=False, bfcl=rules == "bfcl")
    predictions = write_predictions(bench.folder / "predictions.jsonl", bench.size)
    ours, theirs = bench.paired(
        lambda _: bench.run(_score(cases, predictions, bench.folder / "scored", rules)),
        lambda _: bench.run(python("-m", "tests.benchmarks.bare_reading", cases, predictions)),
    )
    taken = side("fceval score", "s", ours, _wall_s)
    read = side("json.loads alone", "s", theirs, _wall_s)
    target = Target(bound, at_least=True, where="1,000,000 predictions, two cores")
    return Figure("scoring", f"{rules} rules", taken, read, target, bench.size / taken.median, "/s")


def _scored(bench: Bench, size: int, name: str, wrong_every: int = 0) -> Path:
    """Return the folder of a scored run of some size."""
    folder = bench.folder / f"{name}-{size}"
    cases = write_cases(bench.folder / f"{size}.jsonl", size, alike=False)
    predictions = write_predictions(bench.folder / f"{name}-{size}.jsonl", size, wrong_every)
    bench.run(_score(cases, predictions, folder))
    return folder


def _against_a_tenth(what: str, large: list[Measured], small: list[Measured], size: int) -> tuple[Side, Side]:
    tenth = side(f"{what}, {size // _TENTH:,} cases", "s", small, _wall_s)
    return side(f"{what}, {size:,} cases", "s", large, _wall_s), tenth


def report(bench: Bench) -> Iterator[Figure]:
    """Time of `fceval report` over a scored run, against one of a tenth of its size."""
    whole, tenth = _scored(bench, bench.size, "run"), _scored(bench, bench.size // _TENTH, "run")

    def written(folder: Path) -> Measured:
        return bench.run(fceval("report", folder, "--format", "html", "--format", "json"))

    taken, of_tenth = _against_a_tenth(
        "fceval report", *bench.paired(lambda _: written(whole), lambda _: written(tenth)), bench.size
    )
    yield Figure("report", "HTML and JSON", taken, of_tenth, Target(15, where=_MILLION), taken.median, "s")


def compare(bench: Bench) -> Iterator[Figure]:
    """Time of `fceval compare` over two scored runs, against two of a tenth of their size."""
    sizes = (bench.size, bench.size // _TENTH)
    pairs = {size: (_scored(bench, size, "base"), _scored(bench, size, "new", wrong_every=9)) for size in sizes}

    def compared(size: int) -> Measured:
        return bench.run(fceval("compare", *pairs[size]))

    taken, of_tenth = _against_a_tenth(
        "fceval compare", *bench.paired(lambda _: compared(sizes[0]), lambda _: compared(sizes[1])), bench.size
    )
    yield Figure("compare", "two runs", taken, of_tenth, None, taken.median, "s")


def read(bench: Bench) -> Iterator[Figure]:
    """CPU per case of reading a dataset, checks included, against decoding the same file and no more."""
    jsonl = write_cases(bench.folder / "cases.jsonl", bench.size)
    parquet = bench.folder / "cases.parquet"
    bench.run(fceval("dataset", "convert", jsonl, parquet))

    yield _read(bench, "JSONL", jsonl, "json alone")
    yield _read(bench, "Parquet", parquet, "pyarrow and json alone")


def _read(bench: Bench, name: str, path: Path, bare: str) -> Figure:
    ours, theirs = bench.paired(
        lambda _: bench.run(python("-m", "tests.benchmarks.reading", path)),
        lambda _: bench.run(python("-m", "tests.benchmarks.bare_reading", path)),
    )

    def per_case(used: Measured) -> float:
        return used.cpu_s * 1e6 / bench.size

    fully, barely = side("fceval", "µs", ours, per_case), side(bare, "µs", theirs, per_case)
    return Figure("read", f"{name}, CPU per case", fully, barely)


def memory(bench: Bench) -> Iterator[Figure]:
    """Peak resident set of a whole run and of scoring, and their CPU, against a tenth of the cases."""
    sizes = (bench.size, bench.size // _TENTH)

    def scored(size: int) -> Measured:
        return bench.run(_score(*files[size], bench.folder / "scored"))

    with beside(python("-m", "tests.benchmarks.endpoint"), bench.folder) as url:

        def ran(size: int) -> Measured:
            out = bench.folder / "run"
            shutil.rmtree(out, ignore_errors=True)
            asked = ["--base-url", url, "--model", MODEL, "-j", "64", "-q"]
            return bench.run(fceval("run", "--dataset", asked_for[size], "--out", out, *asked))

        asked_for = {size: write_cases(bench.folder / f"{size}.jsonl", size) for size in sizes}
        yield from _growth("run", sizes, *bench.paired(lambda _: ran(sizes[0]), lambda _: ran(sizes[1])))
    files = {
        size: (
            write_cases(bench.folder / f"{size}.jsonl", size, alike=False),
            write_predictions(bench.folder / f"predictions-{size}.jsonl", size),
        )
        for size in sizes
    }
    yield from _growth("score", sizes, *bench.paired(lambda _: scored(sizes[0]), lambda _: scored(sizes[1])))


def _growth(name: str, sizes: tuple[int, int], large: list[Measured], small: list[Measured]) -> Iterator[Figure]:
    labels = [f"{size:,} cases" for size in sizes]
    peaks = [side(labels[at], "MiB", runs, lambda used: used.peak_mib) for at, runs in enumerate((large, small))]
    yield Figure(
        "memory", f"fceval {name}, peak", peaks[0], peaks[1], Target(600, where=_MILLION), peaks[0].median, "MiB"
    )
    yield Figure("memory", f"fceval {name}, growth of the peak", peaks[0], peaks[1], Target(1.2, where=_MILLION))
    for what, seconds in (("CPU", _cpu_s), ("time", _wall_s)):
        whole, tenth = (
            Side(label, "µs a case", tuple(seconds(used) * 1e6 / size for used in runs))
            for label, size, runs in zip(labels, sizes, (large, small), strict=True)
        )
        yield Figure("memory", f"fceval {name}, growth of {what} per case", whole, tenth, Target(1.1, where=_MILLION))


def startup(bench: Bench) -> Iterator[Figure]:
    """CPU of `fceval --help` against that of importing click."""
    bench.run(fceval("--help"))  # so that neither side compiles what it imports
    rounds = Bench(bench.folder, bench.size, bench.size)
    ours, theirs = rounds.paired(
        lambda _: bench.run(fceval("--help")), lambda _: bench.run(python("-c", "import click"))
    )
    yield Figure(
        "startup",
        "fceval --help",
        side("fceval --help", "ms", ours, lambda used: used.cpu_s * 1000),
        side("import click", "ms", theirs, lambda used: used.cpu_s * 1000),
        Target(3),
    )
