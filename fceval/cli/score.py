"""`fceval score`: judge answers that are there already; sends nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from fceval.cli.options import PATH, out_option, overrides, set_option


@click.command()
@click.argument("run", type=PATH, required=False)
@click.option("--dataset", type=PATH, metavar="FILE", help="Cases, with --predictions.")
@click.option("--predictions", type=PATH, metavar="FILE", help="Answers made elsewhere, .jsonl.")
@click.option("--rules", type=click.Choice(["native", "bfcl"]), help="Whose rules judge. [native]")
@click.option("--name", metavar="WORD", help="Becomes part of the run folder's name.")
@set_option
@out_option
def score(
    run: Path | None,
    predictions: Path | None,
    settings: tuple[str, ...],
    out: Path | None,
    **flags: Any,  # noqa: ANN401 -- click passes each flag's own type
) -> int:
    """Score the answers of RUN again, or --predictions for a --dataset; sends nothing.

    With --out the scores go to a new folder, and RUN stays as it is.
    """
    from fceval import pipeline
    from fceval.cli.ending import tell
    from fceval.config import load_config
    from fceval.runs import open_run

    if (run is None) == (predictions is None):
        msg = "give either a RUN or --dataset with --predictions"
        raise click.UsageError(msg)
    given = overrides(flags, settings)
    if run is not None:
        if flags["dataset"] is not None:
            msg = "--dataset goes with --predictions; a RUN has its cases in its folder"
            raise click.UsageError(msg)
        return tell(pipeline.score_again(run, load_config(None, given, open_run(run).own_settings), out))
    assert predictions is not None  # noqa: S101 -- one of the two is given
    return tell(pipeline.score_predictions(load_config(None, given), predictions, out))
