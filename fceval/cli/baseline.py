"""`fceval baseline`: what later runs are held against, as a file that is committed with the project."""

from __future__ import annotations

from pathlib import Path

import click

from fceval.cli import streams
from fceval.cli.options import PATH


@click.group()
def baseline() -> None:
    """Keep a run's outcomes as a file that `gate` and `compare` take."""


@baseline.command("set")
@click.argument("run")
@click.option("-o", "--output", type=PATH, default=Path("baseline.json"), metavar="FILE", help="[baseline.json]")
def set_(run: str, output: Path) -> None:
    """Write the baseline of the scored RUN (a folder or `latest`; RUN#VARIANT picks a variant).

    The file holds the outcome of each case, and no prompt, answer, address or key: commit it.
    """
    from fceval.comparing.keeping import keep_baseline

    number = keep_baseline(run, output)
    streams.tell(f"{number:,} {'case' if number == 1 else 'cases'} of {run} kept in {output}")
