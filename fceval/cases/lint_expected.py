"""What is wrong with the expectations of a case: what no answer can satisfy, and what may not have been meant."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from fceval.cases.finding import Judgement, Remark
from fceval.errors import did_you_mean
from fceval.records import Case, Expectation, ExpectedCall, Json, Turn, json_text
from fceval.toolschema import Misfit, SchemaNode, ToolSchema, child_path, compile_tool

_FREE_TEXT = re.compile(r"(?<!\S)(\S++\s++){5}\S|[\u3040-\u30ff\u4e00-\u9fff]{20}")
"""Six words, or as much without spaces in a script that writes none; looked for from the beginning of a word only."""


def expectation_remarks(case: Case, judgement: Judgement) -> Iterator[Remark]:
    """Yield what is wrong with what a case expects."""
    schemas = {tool.name: compile_tool(tool) for tool in case.tools}
    for place, turn in _places(case):
        if turn.expected == "any" and not case.tools:
            problem = "no answer can pass: some call is wanted, but no tool is offered"
            yield Remark("error", "unpassable", f"{place}expected", problem)
        yield from _alternative_remarks(case, place, turn, judgement)
    for place, call in _expected_calls(case):
        yield from _call_remarks(case, call, place, schemas[call.name], judgement)
    if found := judgement.why_unpassable(case):
        field, why = found
        yield Remark("error", "unpassable-by-source", field, f"by the rules it was made for, no answer can pass: {why}")


def _places(case: Case) -> Iterator[tuple[str, Turn]]:
    for number, turn in enumerate(case.turns):
        yield f"turns[{number}]." if case.fields.get("turns") is not None else "", turn


def _expected_calls(case: Case) -> Iterator[tuple[str, ExpectedCall]]:
    several: Any = case.fields.get("turns")
    for (place, turn), fields in zip(_places(case), several or [case.fields], strict=True):
        if turn.expected == "any":
            continue
        for alternative, calls in enumerate(turn.expected):
            listed = f"expected_any_of[{alternative}]" if fields.get("expected") is None else "expected"
            for position, call in enumerate(calls):
                yield f"{place}{listed}[{position}]", call


def _alternative_remarks(case: Case, place: str, turn: Turn, judgement: Judgement) -> Iterator[Remark]:
    """Yield which alternative adds nothing: the answer it spells out passes by an earlier one."""
    if turn.expected == "any" or len(turn.expected) == 1:
        return
    schemas = {tool.name: compile_tool(tool) for tool in case.tools}
    for number, calls in enumerate(turn.expected):
        answer = [(call.name, _plainest_answer(call, schemas[call.name], judgement)) for call in calls]
        for earlier in range(number):
            if judgement.passes(case, turn.expected[earlier], answer):
                problem = f"the answer that it spells out passes by alternative {earlier} already: drop or change one"
                yield Remark("warning", "overlapping-alternatives", f"{place}expected_any_of[{number}]", problem)
                break


def _call_remarks(
    case: Case, call: ExpectedCall, place: str, schema: ToolSchema, judgement: Judgement
) -> Iterator[Remark]:
    """Yield remarks on one expected call: as written down, it must itself be a call that the tool takes."""
    declared = schema.node.properties
    answer = _plainest_answer(call, schema, judgement)
    free = [at for name, wanted in call.arguments.items() for at in _free(wanted, child_path("$", name))]
    misfits = _known(schema.misfits(answer), free)
    for misfit in misfits:
        problem = f"no answer can pass: the tool's schema refuses what is expected ({misfit.path}: {misfit.problem})"
        yield Remark("error", "unpassable", f"{place}.arguments", problem)
    for name, wanted in call.arguments.items():
        field = f"{place}.arguments.{name}"
        node = schema.node.member(name)
        if node.schema is None and not misfits:
            problem = f"tool `{call.name}` declares no argument `{name}`{did_you_mean(name, declared)}"
            yield Remark("warning", "undeclared-argument", field, problem)
        for value in () if misfits else judgement.acceptable(wanted, node):
            if refused := _known(schema.misfits({**answer, name: value}), free):
                problem = f"{json_text(value)} is accepted, but the tool's schema refuses it: {refused[0].problem}"
                yield Remark("warning", "unreachable-value", field, problem)
        yield from _value_remarks(case, wanted, node, field, judgement)


def _value_remarks(
    case: Case, wanted: Expectation, node: SchemaNode, field: str, judgement: Judgement
) -> Iterator[Remark]:
    """Yield remarks on what is accepted for one argument, at any depth."""
    if isinstance(wanted, Mapping) and wanted.get("$match") == "one_of":
        values: Any = wanted.get("values", ())
        for position, value in enumerate(values):
            if any(judgement.is_equal(earlier, value, node) for earlier in values[:position]):
                problem = f"{json_text(value)} equals an earlier value of the list: drop it"
                yield Remark("warning", "overlapping-values", field, problem)
    elif isinstance(wanted, Mapping) and "$match" not in wanted:
        for name, value in wanted.items():
            yield from _value_remarks(case, value, node.member(name), f"{field}.{name}", judgement)
    elif isinstance(wanted, list):
        for position, value in enumerate(wanted):
            yield from _value_remarks(case, value, node.element(position), f"{field}[{position}]", judgement)
    elif isinstance(wanted, str) and not node.constrains_strings and not _is_dictated(case, wanted):
        yield from _free_text_remarks(case, wanted, field)


def _free_text_remarks(case: Case, wanted: str, field: str) -> Iterator[Remark]:
    if _FREE_TEXT.search(wanted):
        problem = "free text is compared as a whole: accept other wordings (`one_of`, `contains`, `any`)"
        yield Remark("warning", "free-text", field, problem)
    elif case.strings == "exact":
        problem = "exact match on free text that no message spells out: case and white space must be guessed"
        yield Remark("warning", "free-text", field, problem)


def _is_dictated(case: Case, text: str) -> bool:
    """Whether a message holds the text word for word: then one wording is fair."""
    said = "\n".join(_said(message.get("content")) for turn in case.turns for message in turn.messages)
    if case.strings == "exact":
        return text in said
    return "".join(text.split()).casefold() in "".join(said.split()).casefold()


def _said(content: Json) -> str:
    """Return the text of a message's content, which may be in parts."""
    if isinstance(content, list):
        return "\n".join(str(part.get("text", "")) for part in content if isinstance(part, Mapping))
    return content if isinstance(content, str) else ""


def _plainest_answer(call: ExpectedCall, schema: ToolSchema, judgement: Judgement) -> dict[str, Json]:
    """Return one acceptable call: of each argument the first value that the schema takes, else the first.

    An argument that may be left out, and that no accepted value fits, is left out.
    """
    accepted = {name: judgement.acceptable(wanted, schema.node.member(name)) for name, wanted in call.arguments.items()}
    answer = {name: values[0] for name, values in accepted.items() if values}
    for name in tuple(answer):
        at = child_path("$", name)
        fitting = (
            value
            for value in accepted[name]
            if not any(_is_within(misfit.path, at) for misfit in schema.misfits({**answer, name: value}))
        )
        found = next(fitting, _NONE)
        if found is not _NONE:
            answer[name] = found  # type: ignore[assignment]  # a value, as it is not _NONE
        elif judgement.may_be_left_out(call.arguments[name]):
            del answer[name]
    return answer


_NONE = object()


def _known(misfits: Iterable[Misfit], free: Sequence[str]) -> list[Misfit]:
    """Leave out what a stand-in for "any value" does not fit: that proves nothing."""
    return [misfit for misfit in misfits if not any(_is_within(misfit.path, place) for place in free)]


def _free(wanted: Expectation, place: str) -> Iterator[str]:
    """Yield the places where every value is accepted: the one that stands for them there proves nothing."""
    if isinstance(wanted, Mapping) and wanted.get("$match") == "any":
        yield place
    elif isinstance(wanted, Mapping):
        for name, value in wanted.items():
            yield from _free(value, child_path(place, name))
    elif isinstance(wanted, list):
        for position, value in enumerate(wanted):
            yield from _free(value, child_path(place, position))


def _is_within(path: str, place: str) -> bool:
    return path == place or path.startswith((f"{place}.", f"{place}["))
