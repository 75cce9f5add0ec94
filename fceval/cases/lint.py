"""What is wrong with a dataset before money is spent on it.

Unlike reading, which stops at the first row that is no case, linting goes on and reports every finding.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from fceval.cases.rows import case_of
from fceval.errors import FieldError, did_you_mean
from fceval.records import Case, Expectation, ExpectedCall, Json, JsonObject, Turn, json_text
from fceval.toolschema import Misfit, SchemaNode, ToolSchema, child_path, compile_tool

Severity: TypeAlias = Literal["error", "warning"]
Acceptable: TypeAlias = Callable[[Expectation, SchemaNode], Iterable[Json]]
"""Lists values that an expectation accepts for a place of a schema; none where the argument may only be left out."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, or looks so."""

    row: int
    """1-based."""
    case_id: str | None
    """None where the row has none."""
    field: str | None
    """As `expected[0].arguments.city`; None for the row."""
    severity: Severity
    """An error makes the case unusable or unpassable; a warning may be meant."""
    rule: str
    """A short name of the check."""
    problem: str
    """What was found, and what to do."""


def lint(
    rows: Iterable[tuple[int, JsonObject]], check: Callable[[Case], None], acceptable: Acceptable
) -> Iterator[Finding]:
    """Yield the findings of a dataset, in the order of its rows.

    Args:
        rows: Row numbers and decoded rows.
        check: Raises `FieldError` for a case whose expectations cannot be read.
        acceptable: Lists what an expectation accepts.
    """
    first_rows: dict[str, int] = {}
    for row, fields in rows:
        try:
            case = case_of(fields, row)
            check(case)
        except FieldError as error:
            name = fields.get("case_id")
            case_id = name if isinstance(name, str) else None
            yield Finding(row, case_id, error.field, "error", "not-a-case", str(error))
            continue
        if (first := first_rows.setdefault(case.case_id, row)) != row:
            problem = f"`{case.case_id}` stands in row {first} already: ids must be unique"
            yield Finding(row, case.case_id, "case_id", "error", "duplicate-id", problem)
        yield from _schema_findings(case)
        yield from _expectation_findings(case, acceptable)


def _schema_findings(case: Case) -> Iterator[Finding]:
    for position, tool in enumerate(case.tools):
        if problem := compile_tool(tool).problem:
            place = f"tools[{position}].function.parameters"
            advice = f"no JSON Schema that can be used: {problem}"
            yield Finding(case.row, case.case_id, place, "error", "invalid-schema", advice)


def _expectation_findings(case: Case, acceptable: Acceptable) -> Iterator[Finding]:
    schemas = {tool.name: compile_tool(tool) for tool in case.tools}
    for place, turn in _places(case):
        if turn.expected == "any" and not case.tools:
            problem = "no answer can pass: some call is wanted, but no tool is offered"
            yield Finding(case.row, case.case_id, f"{place}expected", "error", "unpassable", problem)
    for place, call in _expected_calls(case):
        for severity, rule, field, problem in _call_findings(call, schemas[call.name], acceptable):
            yield Finding(case.row, case.case_id, f"{place}{field}", severity, rule, problem)


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


def _call_findings(
    call: ExpectedCall, schema: ToolSchema, acceptable: Acceptable
) -> Iterator[tuple[Severity, str, str, str]]:
    """Yield (severity, rule, field, problem): the call as written down must itself be a call the tool takes."""
    declared = schema.node.properties
    accepted = {name: list(acceptable(wanted, schema.node.member(name))) for name, wanted in call.arguments.items()}
    answer = _plainest_answer(accepted, schema)
    free = [place for name, wanted in call.arguments.items() for place in _free(wanted, child_path("$", name))]

    def known(misfits: Iterable[Misfit]) -> list[Misfit]:
        return [misfit for misfit in misfits if not any(_is_within(misfit.path, place) for place in free)]

    misfits = known(schema.misfits(answer))
    for misfit in misfits:
        problem = f"no answer can pass: the tool's schema refuses what is expected ({misfit.path}: {misfit.problem})"
        yield "error", "unpassable", ".arguments", problem
    for name in call.arguments:
        if schema.node.member(name).schema is None and not misfits:
            problem = f"tool `{call.name}` declares no argument `{name}`{did_you_mean(name, declared)}"
            yield "warning", "undeclared-argument", f".arguments.{name}", problem
        for value in accepted[name]:
            if not misfits and (refused := known(schema.misfits({**answer, name: value}))):
                problem = f"{json_text(value)} is accepted, but the tool's schema refuses it: {refused[0].problem}"
                yield "warning", "unreachable-value", f".arguments.{name}", problem


def _plainest_answer(accepted: Mapping[str, Sequence[Json]], schema: ToolSchema) -> dict[str, Json]:
    """Return one acceptable call: of each argument the first value that the schema takes, else the first."""
    answer = {name: values[0] for name, values in accepted.items() if values}
    for name in answer:
        place = child_path("$", name)
        for value in accepted[name]:
            if not any(_is_within(misfit.path, place) for misfit in schema.misfits({**answer, name: value})):
                answer[name] = value
                break
    return answer


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
