"""`fceval redact`: take out of a run's folder what was said."""

from __future__ import annotations

from pathlib import Path

import click

from fceval.cli import streams
from fceval.cli.options import PATH


@click.command()
@click.argument("run", type=PATH)
def redact(run: Path) -> None:
    """Remove messages, answers and the values of arguments from RUN's folder, for good.

    Numbers, names (of cases, tools, arguments) and settings stay: the run can still be compared, gated and reported,
    but neither gone on with nor judged again.
    """
    from fceval import pipeline

    streams.tell(f"redacted: {pipeline.redact(run)}")
