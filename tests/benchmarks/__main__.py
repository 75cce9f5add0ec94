"""`python -m tests.benchmarks [NAME...]`: run benchmarks, print a table, and write JSON where asked to."""

from __future__ import annotations

import argparse
import json
import platform
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.benchmarks import with_endpoint, without_endpoint
from tests.benchmarks.measuring import Bench, Figure


@dataclass(frozen=True, slots=True)
class _Benchmark:
    """A benchmark, and how large it is."""

    figures: Callable[[Bench], Iterator[Figure]]
    size_of: str
    quick: int
    default: int
    full: int
    """The size that the targets are meant for."""


_BENCHMARKS: Mapping[str, _Benchmark] = {
    "startup": _Benchmark(without_endpoint.startup, "rounds", 5, 15, 31),
    "client": _Benchmark(with_endpoint.client, "cases", 1_000, 4_000, 20_000),
    "pace": _Benchmark(with_endpoint.pace, "seconds", 4, 10, 60),
    "scoring": _Benchmark(without_endpoint.scoring, "predictions", 5_000, 20_000, 1_000_000),
    "read": _Benchmark(without_endpoint.read, "cases", 5_000, 30_000, 1_000_000),
    "report": _Benchmark(without_endpoint.report, "cases", 5_000, 50_000, 1_000_000),
    "compare": _Benchmark(without_endpoint.compare, "cases", 5_000, 50_000, 1_000_000),
    "resume": _Benchmark(with_endpoint.resume, "answers", 5_000, 50_000, 1_000_000),
    "memory": _Benchmark(without_endpoint.memory, "cases", 2_000, 20_000, 1_000_000),
}
_QUICK_ROUNDS, _ROUNDS = 1, 3
_COLUMNS = ("benchmark", "figure", "value", "target", "ratio", "median", "of", "yardstick", "of")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"{', '.join(_BENCHMARKS)} [all of them]")
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--quick", action="store_true", help="small, in about two minutes")
    size.add_argument("--full", action="store_true", help="as large as the targets are meant for: hours")
    sizes = "; ".join(f"{name}: {each.size_of}" for name, each in _BENCHMARKS.items())
    parser.add_argument(
        "--size", action="append", default=[], metavar="NAME=NUMBER", help=f"how large one is ({sizes})"
    )
    parser.add_argument("--rounds", type=int, help=f"pairs of a figure [{_ROUNDS}; {_QUICK_ROUNDS} with --quick]")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures, with all their rounds")
    return parser


def _sizes(given: argparse.Namespace, parser: argparse.ArgumentParser) -> dict[str, int]:
    sizes = {
        name: each.quick if given.quick else each.full if given.full else each.default
        for name, each in _BENCHMARKS.items()
    }
    for text in given.size:
        name, _, number = text.partition("=")
        if name not in sizes or not number.isdecimal():
            parser.error(f"--size {text}: give NAME=NUMBER, NAME one of {', '.join(sizes)}")
        sizes[name] = int(number)
    return sizes


def _figures(names: Sequence[str], sizes: Mapping[str, int], rounds: int) -> Iterator[Figure]:
    for name in names:
        with tempfile.TemporaryDirectory(prefix=f"fceval-{name}-") as folder:
            _note(f"{name}: {sizes[name]:,} {_BENCHMARKS[name].size_of}")
            for figure in _BENCHMARKS[name].figures(Bench(Path(folder), sizes[name], rounds)):
                _note(f"  {figure.name}: {_number(figure.told)} {figure.unit}")
                yield figure


def _note(text: str) -> None:
    sys.stderr.write(text + "\n")


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def _cells(figure: Figure) -> tuple[str, ...]:
    target = figure.target
    bound = f"{'≥' if target.at_least else '≤'} {_number(target.bound)}" if target else ""
    return (
        figure.benchmark,
        figure.name,
        f"{_number(figure.told)} {figure.unit}",
        f"{bound}{f' at {target.where}' if target and target.where else ''}",
        f"{figure.ratio:.2f}",
        f"{_number(figure.subject.median)} {figure.subject.unit}",
        figure.subject.what,
        f"{_number(figure.yardstick.median)} {figure.yardstick.unit}",
        figure.yardstick.what,
    )


def table(figures: Sequence[Figure]) -> str:
    """Return figures as a table in Markdown."""
    rows = [_COLUMNS, *map(_cells, figures)]
    widths = [max(len(row[at]) for row in rows) for at in range(len(_COLUMNS))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in rows
    ]
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([lines[0], rule, *lines[1:]])


def main(arguments: Sequence[str]) -> None:
    """Run what the command line names."""
    parser = _parser()
    given = parser.parse_args(arguments)
    for name in given.names:
        if name not in _BENCHMARKS:
            parser.error(f"there is no benchmark `{name}`: {', '.join(_BENCHMARKS)}")
    sizes = _sizes(given, parser)
    rounds = given.rounds or (_QUICK_ROUNDS if given.quick else _ROUNDS)
    figures = list(_figures(given.names or list(_BENCHMARKS), sizes, rounds))
    sys.stdout.write(table(figures) + "\n")
    if given.json:
        document: dict[str, Any] = {
            "python": platform.python_version(),
            "machine": platform.machine(),
            "rounds": rounds,
            "sizes": {name: sizes[name] for name in given.names or _BENCHMARKS},
            "figures": [figure.as_json() for figure in figures],
        }
        given.json.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
