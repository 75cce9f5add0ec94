"""One case as plain text for a terminal: conversation, verdict, and each pair of calls argument by argument."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from fceval.report.document import ComparedArgument, ComparedCall, Example
from fceval.report.visible import visible, visible_lines
from fceval.report.wording import in_words, off_contract, repair_result, verdict, wanted
from fceval.tables import KEY_COLUMNS


def case_text(example: Example) -> str:
    """Return everything there is to say about one response, without any control character but line feeds."""
    return "\n".join(_lines(example)) + "\n"


def failure_list(scores: pl.LazyFrame) -> str:
    """Return one line per response that did not pass: the model's failures first, then what was not measured."""
    rows = (
        scores.filter(pl.col("outcome") != "passed")
        .sort(~pl.col("measured"), "outcome", *KEY_COLUMNS)
        .select("outcome", *KEY_COLUMNS)
        .collect()
    )
    lines = [
        f"{outcome:<20} {case_id}" + (f"  ({variant}, trial {trial}, turn {turn})" if several else "")
        for outcome, case_id, variant, trial, turn in rows.iter_rows()
        for several in [variant != "default" or trial or turn]
    ]
    return visible_lines("\n".join(lines or ["everything passed"])) + "\n"


def _lines(example: Example) -> Iterator[str]:
    yield f"{visible(example.case_id)}  {in_words(example.outcome).upper()}"
    place = f"category {example.category}, variant {example.variant}, trial {example.trial}, turn {example.turn}"
    yield visible(place)
    if example.tags:
        yield visible(f"tags {', '.join(example.tags)}")
    if example.failure_detail:
        yield f"{'what went wrong' if example.measured else 'not measured'}: {visible(example.failure_detail)}"
    yield ""
    for message in example.messages:
        yield from _indented(f"{visible(message.role)}: ", message.text)
    yield ""
    yield f"tools offered: {visible(', '.join(tool.name for tool in example.tools)) or 'none'}"
    yield f"wanted: {wanted(example) or 'the calls below'}"
    for number, call in enumerate(example.calls, start=1):
        yield ""
        yield from _call(number, call)
    yield ""
    yield from _indented("answer: ", example.answer or "none")
    if example.finish_reason is not None:
        yield f"finish reason: {visible(example.finish_reason)}"
    for code, meaning in off_contract(example):
        yield f"off the contract: {visible(code)}: {meaning or 'not known to this version'}"
    if example.repairs:
        yield visible(repair_result(example))


def _call(number: int, call: ComparedCall) -> Iterator[str]:
    said = "allowed extra call" if call.ignored else verdict(call.fault, None)
    yield f"call {number}: {said}"
    if call.expected_tool is not None:
        yield f"  expected   {visible(call.expected_tool)}({visible(call.expected_arguments or '')})"
    if call.predicted_tool is not None:
        yield f"  predicted  {visible(call.predicted_tool)}({visible(call.predicted_arguments or '')})"
    for argument in call.arguments:
        yield from _argument(argument)


def _argument(argument: ComparedArgument) -> Iterator[str]:
    yield f"    {visible(argument.argument)}: {verdict(argument.fault, argument.rule)}"
    if argument.fault:
        if argument.path != f"$.{argument.argument}":
            yield f"        at         {visible(argument.path)}"
        yield f"        expected   {'nothing' if argument.expected is None else visible(argument.expected)}"
        yield f"        predicted  {'nothing' if argument.predicted is None else visible(argument.predicted)}"


def _indented(label: str, text: str) -> Iterator[str]:
    first, *rest = visible_lines(text).split("\n")
    yield label + first
    yield from (" " * len(label) + line for line in rest)
