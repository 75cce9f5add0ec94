"""`fceval plan`: what a run would take, before it costs anything."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fceval.cli import streams
from fceval.cli.options import PATH, overrides, run_options

if TYPE_CHECKING:
    from fceval.config import RunConfig
    from fceval.planning import Amounts, Plan, Range

_NAMES = 2  # columns of text, the first ones of a plan's table
_MINUTE_S = 60.0
_HOUR_S = 3600.0


@click.command()
@click.argument("config", type=PATH, required=False)
@run_options
@click.option("--latency", type=click.FloatRange(0.001, 86_400), metavar="SECONDS", help="Time to an answer. [1 to 6]")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def plan(
    config: Path | None,
    settings: tuple[str, ...],
    latency: float | None,
    as_json: bool,
    **flags: Any,  # noqa: ANN401 -- click passes each flag's own type
) -> None:
    """Say how many requests, tokens, dollars and minutes a run would take; sends nothing.

    CONFIG and flags are those of `fceval run`.
    """
    from fceval.config import load_config
    from fceval.planning import LATENCY_S, Range
    from fceval.report.visible import visible_lines

    latency_s = Range(*LATENCY_S) if latency is None else Range(latency, latency)
    planned = _planned(load_config(config, overrides(flags, settings)), latency_s)
    streams.tell(json.dumps(dataclasses.asdict(planned), indent=2) if as_json else visible_lines(text_of(planned)))


def _planned(config: RunConfig, latency_s: Range) -> Plan:
    from fceval import opening, planning
    from fceval.cases.select import select
    from fceval.client.endpoint import check_key
    from fceval.errors import ConfigError
    from fceval.prices import resolve
    from fceval.runs import dialogues_of

    opening.check_settings(config, with_key=False)
    models = [variant.model or config.endpoint.model for variant in config.variants]
    known = resolve(models, config.endpoint.base_url, config.prices)
    once = dataclasses.replace(config, trials=1)  # a plan multiplies by the trials
    dialogues = dialogues_of(select(opening.checked_cases(config), config.dataset), once)
    pace = planning.PaceLimits(config.endpoint.concurrency, config.endpoint.rpm, config.endpoint.tpm)
    planned = planning.plan(dialogues, config, pace, known, latency_s)
    try:
        check_key(config.endpoint)
    except ConfigError as error:  # a run would need it; a plan may be made where no key is
        return dataclasses.replace(planned, warnings=(*planned.warnings, str(error)))
    return planned


# --- told -----------------------------------------------------------------------------------------------------


def text_of(planned: Plan) -> str:
    """Return a plan as lines of text."""
    shape = f"{_counted(planned.cases, 'case')}, {_counted(len(planned.variants), 'variant')}"
    rows = [("variant", "model", "requests", "prompt tokens", "completion tokens", "cost")]
    rows += [(each.name, each.model, *_cells(each.amounts)) for each in planned.variants]
    rows += [("total", "", *_cells(planned.total))]
    return "\n".join(
        [
            f"{shape}, {_counted(planned.trials, 'trial')}; nothing is sent",
            "",
            *_aligned(rows),
            "",
            f"Time:     {_time(planned)}",
            *(f"Assumed:  {each}" for each in _assumed(planned)),
            *(f"Warning:  {each}" for each in planned.warnings),
        ]
    )


def _cells(amounts: Amounts) -> tuple[str, str, str, str]:
    cost = "unknown" if amounts.cost_usd is None else _range(amounts.cost_usd, _dollars)
    return (
        _range(amounts.requests, _number),
        _range(amounts.prompt_tokens, _number),
        _range(amounts.completion_tokens, _number),
        cost,
    )


def _aligned(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    """Yield rows as columns: the first two are names, the others numbers."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [
            cell.ljust(width) if at < _NAMES else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  ".join(cells).rstrip()


def _time(planned: Plan) -> str:
    at_least, at_most = planned.bound_by
    if at_least == at_most:
        return f"{_range(planned.time_s, _duration)}, bound by {at_most}"
    return f"{_range(planned.time_s, _duration)}, bound by {at_most}; by {at_least} where answers are quick and short"


def _assumed(planned: Plan) -> Iterator[str]:
    assumed = planned.assumptions
    latency = _range(assumed.latency_s, lambda seconds: f"{seconds:g}")
    yield f"an answer takes {latency} s (--latency); no attempt is made twice"
    yield f"a token is {assumed.bytes_a_token:g} bytes of a request's JSON, {assumed.spread:.0%} more or less"
    if assumed.unlimited_completion_tokens is not None:
        yield (
            f"an answer has at most {assumed.unlimited_completion_tokens} tokens, as no limit is set "
            "(--set request.max_tokens=N)"
        )
    for variant in planned.variants:
        if variant.price is not None:
            price = variant.price
            yield f"{variant.model} costs ${price.input_usd:g} and ${price.output_usd:g} a million ({price.source})"


def _range(numbers: Range, written: Callable[[float], str]) -> str:
    low, high = written(numbers.low), written(numbers.high)
    return low if low == high else f"{low} – {high}"


def _number(number: float) -> str:
    return f"{number:,.0f}"


def _dollars(amount: float) -> str:
    return f"${amount:,.2f}" if amount >= 1 or not amount else f"${amount:.2g}"


def _duration(seconds: float) -> str:
    if seconds < 2 * _MINUTE_S:
        return f"{seconds:.0f} s"
    if seconds < 2 * _HOUR_S:
        return f"{seconds / _MINUTE_S:.0f} min"
    return f"{seconds / _HOUR_S:.1f} h"


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
