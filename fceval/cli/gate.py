"""`fceval gate`: may this run pass? An exit code, and one paragraph that says why."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fceval.cli import streams
from fceval.cli.compare import GROUPS, warn
from fceval.cli.options import PATH
from fceval.cli.shares import SHARE

if TYPE_CHECKING:
    from fceval.stats.gate import GateSettings


@click.command()
@click.argument("new")
@click.option("--baseline", type=PATH, metavar="RUN|FILE", help="What the run is held against.")
@click.option("--config", type=PATH, metavar="FILE", help="Take [gate] from this config; flags go over it.")
@click.option("--min-accuracy", type=SHARE, metavar="SHARE", help="Least accuracy, e.g. 90%.")
@click.option("--max-drop", type=SHARE, metavar="POINTS", help="Largest drop that is tolerated, e.g. 2pp. [0pp]")
@click.option(
    "--alpha", type=click.FloatRange(0, 1, min_open=True, max_open=True), help="Share of false alarms. [0.05]"
)
@click.option("--by", multiple=True, type=click.Choice(GROUPS), help="Hold these groups to --max-drop as well.")
@click.option("--golden", metavar="TAG", help="Tag of cases that must never fail. [golden]")
@click.option("--flaky", multiple=True, metavar="CASE_ID", help="Leave this case out; may be repeated.")
@click.option("--require-power", type=SHARE, metavar="POINTS", help="Inconclusive unless such a drop would show.")
@click.option("--min-coverage", type=SHARE, metavar="SHARE", help="Inconclusive where less was measured.")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def gate(new: str, config: Path | None, as_json: bool, **flags: Any) -> int:  # noqa: ANN401 -- click passes each flag's own type
    """Hold the scored run NEW against thresholds and a baseline; sends nothing.

    NEW is a run folder or `latest`; RUN#VARIANT picks a variant. Exit codes: 0 passed, 1 failed, 3 inconclusive.
    A drop fails only where it is larger than --max-drop and significant (a one-sided test at --alpha).
    """
    from fceval.comparing.gating import document, gate_reference, paragraph
    from fceval.report.visible import visible

    decision = gate_reference(new, _settings(config, flags))
    warn(decision.warnings)
    streams.tell(document(decision) if as_json else visible(paragraph(decision)))
    return int(decision.exit_code)


def _settings(config: Path | None, flags: dict[str, Any]) -> GateSettings:
    """Return the settings of a config's gate with the flags that are given over them."""
    from dataclasses import replace

    from fceval.config import load_config
    from fceval.stats.gate import GateSettings

    configured = load_config(config).gate if config else None
    given = {name: value for name, value in flags.items() if value is not None and value != ()}
    return replace(configured or GateSettings(), **given)
