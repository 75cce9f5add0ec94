"""`fceval compare`: what got better or worse between runs, and how sure that is."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from fceval.cli import streams
from fceval.cli.options import PATH
from fceval.cli.shares import SHARE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fceval.report.document import Report
    from fceval.stats.compare import By

GROUPS = ("category", "tag", "tool", "argument")
WIDEST = 110
"""Columns of a terminal that are used at most."""

by_option = click.option(
    "--by",
    multiple=True,
    type=click.Choice([*GROUPS, "variant"]),
    help="Compare these groups one by one as well; may be repeated.",
)
alpha_option = click.option(
    "--alpha", type=click.FloatRange(0, 1, min_open=True, max_open=True), help="Share of false alarms. [0.05]"
)
format_option = click.option(
    "--format", "format_name", metavar="NAME", help="Print the whole report as markdown, json or html."
)
output_option = click.option(
    "-o",
    "--output",
    "outputs",
    type=PATH,
    multiple=True,
    metavar="FILE",
    help="Write the report to FILE; its ending chooses the format.",
)


@click.command()
@click.argument("base")
@click.argument("new", nargs=-1)
@by_option
@alpha_option
@click.option("--detect", type=SHARE, metavar="POINTS", help="The drop that must not be missed, e.g. 5pp. [5pp]")
@format_option
@output_option
def compare(
    base: str,
    new: tuple[str, ...],
    by: tuple[str, ...],
    alpha: float | None,
    detect: float | None,
    format_name: str | None,
    outputs: tuple[Path, ...],
) -> None:
    """Compare scored runs with BASE, case by case; sends nothing, and exits 0 whatever it finds.

    BASE and NEW are run folders, `latest` or baseline files; RUN#VARIANT picks a variant. Variants are matched by
    name. BASE alone: its other variants are compared with its first. Runs that share no case exit with 3.
    """
    from fceval.comparing.comparison import compare_runs
    from fceval.comparing.writing import check_outputs
    from fceval.report.comparison import brief
    from fceval.stats.paired import ALPHA, MATTERS

    check_outputs(outputs)
    scopes = cast("Sequence[By]", by)
    told = compare_runs(base, new, scopes, alpha or ALPHA, MATTERS if detect is None else detect)
    warn(told.warnings)
    tell(told.report, brief(told.report), format_name, outputs)


def warn(warnings: Sequence[str]) -> None:
    """Print what a reader must mind."""
    from fceval.report.visible import visible

    for warning in warnings:
        streams.note(f"Warning: {visible(warning)}")


def tell(report: Report, short: Report, format_name: str | None, outputs: Sequence[Path]) -> None:
    """Write a report to its files, and print it: whole in a format, else in short."""
    from fceval.comparing.writing import in_format, write_to
    from fceval.report.terminal import short_report

    whole = in_format(report, format_name) if format_name else None
    write_to(report, outputs)
    streams.tell(whole or short_report(short, width=min(shutil.get_terminal_size().columns, WIDEST)))
    for path in outputs:
        if not format_name:
            streams.tell(f"Report: {path}")
