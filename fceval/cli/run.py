"""`fceval run`: ask an endpoint, score the answers, report."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from fceval.cli import streams
from fceval.cli.compare import output_option
from fceval.cli.options import PATH, check_trust, out_option, overrides, run_options, warn


@click.command()
@click.argument("config", type=PATH, required=False)
@run_options
@out_option
@click.option("--resume", type=PATH, metavar="RUN", help="Go on with the run in this folder (or `latest`).")
@click.option("--salvage", is_flag=True, help="With --resume: set damaged lines of the journal aside and go on.")
@output_option
@click.option("--trust", is_flag=True, help="The key that CONFIG names may go to the endpoint that it names.")
@click.option("-q", "--quiet", is_flag=True, help="No progress on stderr.")
def run(
    config: Path | None,
    settings: tuple[str, ...],
    out: Path | None,
    resume: Path | None,
    salvage: bool,
    outputs: tuple[Path, ...],
    trust: bool,
    quiet: bool,
    **flags: Any,  # noqa: ANN401 -- click passes each flag's own type
) -> int:
    """Ask an endpoint for every case, score the answers and report on them.

    CONFIG is a TOML file; flags go over it. Without one, give --dataset, --base-url and --model.
    """
    from fceval import pipeline
    from fceval.cli.ending import tell
    from fceval.cli.progress import Progress
    from fceval.comparing.writing import check_files
    from fceval.config import load_config
    from fceval.errors import ExitCode
    from fceval.runs import open_run

    if out is not None and resume is not None:
        msg = "--out and --resume: a resumed run stays in its own folder"
        raise click.UsageError(msg)
    if salvage and resume is None:
        msg = "--salvage goes with --resume: a new run has no journal that could be damaged"
        raise click.UsageError(msg)
    check_files(outputs, made=out)
    base = open_run(resume).own_settings if resume and not config else None
    typed = overrides(flags, settings)
    wanted = load_config(config, typed, base)
    warn(wanted.endpoint)
    check_trust(wanted.endpoint, typed=trust or "endpoint.api_key_env" in dict(typed))
    with Progress(quiet=quiet) as watch:
        ended = pipeline.run(wanted, out, resume, watch, salvage=salvage)
    code = tell(ended)
    # A run without any answer is told of, too: a pipeline without its JUnit file may take that for a quiet night.
    if outputs and ended.exit_code is not ExitCode.INTERRUPTED:
        for path in pipeline.write_reports(ended.run.folder, (), outputs):
            streams.tell(f"Report: {path}")
    return code
