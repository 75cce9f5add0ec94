"""`fceval history`: how the runs below a folder went over time, and where a metric changed."""

from __future__ import annotations

from pathlib import Path

import click

from fceval.cli.compare import alpha_option, format_option, output_option, tell
from fceval.cli.options import PATH


@click.command()
@click.argument("folder", type=PATH, metavar="DIR")
@click.option("--metric", "metrics", multiple=True, metavar="NAME", help="Follow this metric alone; may be repeated.")
@alpha_option
@format_option
@output_option
def history(
    folder: Path, metrics: tuple[str, ...], alpha: float | None, format_name: str | None, outputs: tuple[Path, ...]
) -> None:
    """Follow every scored run below DIR, in order of time; sends nothing.

    Runs of one name are one series. Changes beyond chance are marked, with the settings that changed there.
    """
    from fceval.comparing.history import history_of
    from fceval.comparing.writing import check_outputs
    from fceval.report.history import brief
    from fceval.stats.paired import ALPHA

    check_outputs(outputs)
    report = history_of(folder, metrics, alpha or ALPHA)
    tell(report, brief(report), format_name, outputs)
