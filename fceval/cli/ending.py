"""How commands over a run end: the short report on stdout, where the rest is, and the exit code."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from fceval.cli import streams

if TYPE_CHECKING:
    from fceval.pipeline import Ended


def tell(ended: Ended) -> int:
    """Print how it ended and return the exit code."""
    from fceval.errors import ExitCode
    from fceval.report.terminal import short_report
    from fceval.report.visible import visible_lines

    if ended.report is not None:
        streams.tell(short_report(ended.report, width=min(shutil.get_terminal_size().columns, 110)))
    if ended.exit_code is not ExitCode.INTERRUPTED:
        for name in ("report.html", "report.md"):
            if (ended.run.folder / name).exists():
                streams.tell(f"Report: {ended.run.folder / name}")
                break
        streams.tell(f"Run:    {ended.run.folder}")
    if ended.gate:
        streams.tell(visible_lines(ended.gate))
    if ended.why:
        streams.note(visible_lines(f"{'' if ended.exit_code is ExitCode.INTERRUPTED else 'Error: '}{ended.why}"))
    return int(ended.exit_code)
