"""What is wrong with a dataset before money is spent on it.

Unlike reading, which stops at the first row that is no case, linting goes on and reports every finding. A row that is
no JSON object still ends it: what follows could not be told apart from it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from typing import Any

from fceval.cases.finding import Finding, Judgement, Remark
from fceval.cases.lint_expected import expectation_remarks
from fceval.cases.lint_tools import tool_remarks
from fceval.cases.rows import case_of
from fceval.errors import FieldError
from fceval.records import Case, JsonObject, canonical_json

_QUESTION = ("messages", "tools", "tool_choice", "parallel_tool_calls", "request")
_EXPECTED = ("expected", "expected_any_of", "turns", "order", "extra_calls")


def lint(rows: Iterable[tuple[int, JsonObject]], judgement: Judgement) -> Iterator[Finding]:
    """Yield the findings of a dataset, in the order of its rows.

    Args:
        rows: Row numbers and decoded rows.
        judgement: What is known of expectations.
    """
    ids: dict[str, int] = {}
    questions: dict[bytes, tuple[int, bytes]] = {}
    for row, fields in rows:
        try:
            case = case_of(fields, row)
            judgement.check(case)
        except FieldError as error:
            name = fields.get("case_id")
            case_id = name if isinstance(name, str) else None
            yield Finding(row, case_id, error.field, "error", "not-a-case", str(error))
            continue
        for remark in (*_repetitions(case, ids, questions), *tool_remarks(case), *expectation_remarks(case, judgement)):
            yield Finding(row, case.case_id, remark.field, remark.severity, remark.rule, remark.problem)


def _repetitions(case: Case, ids: dict[str, int], questions: dict[bytes, tuple[int, bytes]]) -> Iterator[Remark]:
    """Yield what a case repeats of the rows before it: its id, or its question with another answer."""
    if (first := ids.setdefault(case.case_id, case.row)) != case.row:
        problem = f"`{case.case_id}` stands in row {first} already: ids must be unique"
        yield Remark("error", "duplicate-id", "case_id", problem)
    answer = _digest({name: case.fields.get(name) for name in _EXPECTED})
    earlier, other = questions.setdefault(_digest(_question(case)), (case.row, answer))
    if other != answer:
        problem = f"row {earlier} asks the very same and expects something else: a model that is right there fails here"
        field = next(name for name in ("turns", "expected_any_of", "expected") if case.fields.get(name) is not None)
        yield Remark("warning", "contradiction", field, problem)


def _question(case: Case) -> JsonObject:
    """Return what a model is asked; of turns, what is expected of each is left out."""
    asked: dict[str, Any] = {name: case.fields.get(name) for name in _QUESTION}
    turns: Any = case.fields.get("turns") or ()
    asked["turns"] = [{name: value for name, value in turn.items() if name not in _EXPECTED} for turn in turns]
    return asked


def _digest(chosen: JsonObject) -> bytes:
    return hashlib.blake2b(canonical_json(chosen).encode(), digest_size=16).digest()
