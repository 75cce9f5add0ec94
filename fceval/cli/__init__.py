"""The command line: flags in, results on stdout, everything else on stderr, an exit code that means something.

Commands import what they run inside their callback, so that `fceval --help` is quick.
"""

from __future__ import annotations

import gc
import io
import traceback
from collections.abc import Sequence

import click

import fceval
from fceval.cli import streams
from fceval.cli.baseline import baseline
from fceval.cli.compare import compare
from fceval.cli.dataset import dataset, import_
from fceval.cli.gate import gate
from fceval.cli.history import history
from fceval.cli.init import init
from fceval.cli.plan import plan
from fceval.cli.probe import probe
from fceval.cli.redact import redact
from fceval.cli.report import report
from fceval.cli.run import run
from fceval.cli.schema import schema
from fceval.cli.score import score
from fceval.cli.serve import serve
from fceval.cli.show import show
from fceval.errors import ExitCode, FcevalError


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(fceval.__version__, message="fceval %(version)s")
def cli() -> None:
    """Measure how well an OpenAI-compatible endpoint calls tools.

    Exit codes: 0 done, gates passed; 1 a gate failed; 2 usage, config or dataset error, nothing sent; 3 inconclusive
    (too much was not measured); 4 the endpoint refused; 5 local I/O; 6 stopped by a budget, resumable; 70 a bug;
    130 interrupted, resumable.
    """


for _command in (
    init,
    plan,
    run,
    score,
    report,
    show,
    compare,
    gate,
    baseline,
    history,
    dataset,
    probe,
    redact,
    serve,
    schema,
):
    cli.add_command(_command)
cli.add_command(import_)  # as `dataset import`; people type the short form


_COLLECT_AFTER = (400_000, 20, 100)
"""Cases and answers, of which there are many, hold no cycles: looking for some after each 700 took a seventh of the
time of judging, after each 50,000 a twentieth."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code.

    Args:
        arguments: What follows the program's name; None: this process's.
    """
    streams.prepare()
    if arguments is None:  # whoever calls this with arguments has a process of their own
        gc.set_threshold(*_COLLECT_AFTER)
    try:
        code = cli.main(args=None if arguments is None else list(arguments), prog_name="fceval", standalone_mode=False)
    except click.ClickException as error:
        shown = io.StringIO()
        error.show(shown)
        streams.note(shown.getvalue())
        return int(ExitCode.USAGE)
    except FcevalError as error:
        streams.note(f"Error: {error}")
        return int(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        streams.note("interrupted")
        return int(ExitCode.INTERRUPTED)
    except SystemExit:  # so click ends when the reader of its help text has gone
        return int(ExitCode.OK)
    except Exception:  # noqa: BLE001 -- the one place where a bug of ours becomes an exit code
        streams.note(traceback.format_exc())
        streams.note("This is a bug in fceval; please report it with the lines above.")
        return int(ExitCode.BUG)
    return int(code or 0)
