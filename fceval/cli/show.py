"""`fceval show`: one case of a run, argument by argument."""

from __future__ import annotations

from pathlib import Path

import click

from fceval.cli import streams
from fceval.cli.options import PATH


@click.command()
@click.argument("run", type=PATH)
@click.argument("case_id", required=False)
def show(run: Path, case_id: str | None) -> None:
    """Show CASE_ID of RUN: messages, expected and predicted calls, argument by argument.

    Without CASE_ID, list what did not pass.
    """
    from fceval import pipeline

    streams.tell(pipeline.show(run, case_id))
