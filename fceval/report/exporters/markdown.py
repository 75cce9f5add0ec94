"""The report as Markdown that reads well both rendered (GitHub's flavour) and as plain text.

Foreign text stands in code spans and fenced blocks, where no markup, link, mention or HTML is read; in prose, every
character that Markdown reads is escaped.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from fceval.report.document import Cell, ComparedArgument, ComparedCall, Example, Kind, Pair, Report, Section, Table
from fceval.report.exporters import Exporter
from fceval.report.visible import visible, visible_lines
from fceval.report.wording import NO_VALUE, NOT_KEPT, in_words, off_contract, repair_result, verdict, wanted, written

_MARKUP = re.compile(r"([\\`*_\[\]<>#|~&$]|(?<=:)/(?=/)|(?<=www)\.)", re.IGNORECASE)
_BACKTICKS = re.compile("`+")
_WORDS = {"text", "name"}


class Markdown:
    """Exports a report as GitHub-flavoured Markdown."""

    name = "markdown"
    suffix = ".md"
    filename = "report.md"

    def render(self, report: Report) -> bytes:
        """Return the report as UTF-8 text."""
        lines = [f"# {prose(report.title)}", "", f"**{prose(report.headline)}**", ""]
        for figure in report.figures:
            note = f" ({figure.note})" if figure.note else ""
            lines.append(f"- {prose(figure.label)}: **{prose(written(figure.value, figure.kind))}**{prose(note)}")
        lines += ["", *(line for section in report.sections for line in _section(section))]
        lines += ["## What was run", "", *(f"- {prose(label)}: {code(value)}" for label, value in report.meta), ""]
        return "\n".join(lines).encode()


def prose(text: str) -> str:
    """Return text that does not begin a line; bare addresses are parted, so that no link comes of them."""
    return _MARKUP.sub(r"\\\1", visible(text))


def code(text: str) -> str:
    """Return a code span; an empty one cannot be written, so nothing stands for nothing."""
    shown = visible(text)
    if not shown:
        return ""
    fence = "`" * (_longest_run(shown) + 1)
    # A space on both sides is dropped again by the reader; it parts the text from the fence, and keeps its own spaces.
    pad = " " if shown[0] in "` " or shown[-1] in "` " else ""
    return f"{fence}{pad}{shown}{pad}{fence}"


def _longest_run(text: str) -> int:
    return max((len(run) for run in _BACKTICKS.findall(text)), default=0)


def _block(text: str, language: str = "") -> list[str]:
    shown = visible_lines(text)
    fence = "`" * max(3, _longest_run(shown) + 1)
    return [f"{fence}{language}", shown, fence, ""]


def _section(section: Section) -> Iterator[str]:
    yield from (f"## {prose(section.title)}", "")
    if section.text:
        yield from (prose(section.text), "")
    for table in section.tables:
        yield from table_lines(table)
    for example in section.examples:
        yield from _example(example)
    for pair in section.pairs:
        yield from _pair(pair)


def table_lines(table: Table) -> Iterator[str]:
    """Yield a table with its title and note, each line for itself."""
    if table.title:
        yield from (f"### {prose(table.title)}", "")
    yield "| " + " | ".join(prose(column.label) for column in table.columns) + " |"
    yield "| " + " | ".join("---" if column.kind in _WORDS else "---:" for column in table.columns) + " |"
    for row in table.rows:
        cells = (_cell(value, column.kind) for value, column in zip(row, table.columns, strict=True))
        yield "| " + " | ".join(cells) + " |"
    yield ""
    if table.note:
        yield from (prose(table.note), "")


def _cell(value: Cell, kind: Kind) -> str:
    text = written(value, kind)
    return code_cell(text) if kind == "name" and value is not None else prose(text)


def code_cell(text: str) -> str:
    """Return a code span for a cell of a table; a bar ends the cell even inside of one, unless escaped."""
    return code(text).replace("|", r"\|")


def _example(example: Example) -> Iterator[str]:
    place = [f"variant {code(example.variant)}", f"trial {example.trial}", f"turn {example.turn}"]
    yield from (f"### {code(example.case_id)}: {prose(in_words(example.outcome))}", "")
    yield from (f"Category {code(example.category)}, {', '.join(place)}.", "")
    if example.failure_detail:
        yield from ("What went wrong:", "", *_block(example.failure_detail))
    if off_contract(example):
        yield from (
            *(f"- Off the contract: {code(flaw)} {prose(why)}".rstrip() for flaw, why in off_contract(example)),
            "",
        )
    yield from (f"The answer {prose(repair_result(example))}.", "") if example.repairs else ()
    yield from _question(example)
    yield from _answer(example)


def _question(example: Example) -> Iterator[str]:
    for message in example.messages:
        yield from (f"**{prose(message.role)}**", "", *_block(message.text))
    if example.tools:
        yield from (f"Tools on offer: {', '.join(code(tool.name) for tool in example.tools)}", "")
    yield from (f"Wanted: {wanted(example)}.", "") if wanted(example) else ()


def _answer(example: Example) -> Iterator[str]:
    for call in example.calls:
        yield from _call(call)
    if example.answer is not None:
        yield from ("**answer**", "", *_block(example.answer, "json"))


def _pair(pair: Pair) -> Iterator[str]:
    """Yield the question once, then both answers."""
    moved = f"passed {written(pair.base_share, 'rate')}, then {written(pair.new_share, 'rate')}"
    yield from (f"### {code(pair.case_id)}: {prose(moved)}", "")
    sides = [(pair.base_name, pair.base), (pair.new_name, pair.new)]
    asked = next((example for _, example in sides if example), None)
    yield from _question(asked) if asked else ()
    for name, example in sides:
        yield from (f"#### {code(name)}: {prose(in_words(example.outcome) if example else NOT_KEPT)}", "")
        if example:
            yield from ("What went wrong:", "", *_block(example.failure_detail)) if example.failure_detail else ()
            yield from _answer(example)


def _call(call: ComparedCall) -> Iterator[str]:
    yield f"- Expected: {_call_text(call.expected_tool, call.expected_arguments)}"
    yield f"- Predicted: {_call_text(call.predicted_tool, call.predicted_arguments)}"
    yield from (f"- Verdict: {prose(verdict(call.fault, 'ignored' if call.ignored else None))}", "")
    if call.arguments:
        yield from ("| Argument | Expected | Predicted | Verdict |", "| --- | --- | --- | --- |")
        yield from (_argument(argument) for argument in call.arguments)
        yield ""


def _call_text(tool: str | None, arguments: str | None) -> str:
    return "no call" if tool is None else code(f"{tool} {arguments or ''}".rstrip())


def _argument(argument: ComparedArgument) -> str:
    told = verdict(argument.fault, argument.rule)
    where = f" at {code(argument.path)}" if argument.fault else ""
    values = (NO_VALUE if text is None else code(text) for text in (argument.expected, argument.predicted))
    cells = (code(argument.argument), *values, f"**{prose(told)}**{where}" if argument.fault else prose(told))
    return "| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |"


PLUGIN: Exporter = Markdown()
