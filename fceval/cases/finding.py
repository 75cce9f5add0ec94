"""What linting finds, and what it has to be told about expectations (which the stage after this one reads)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from fceval.records import Case, Expectation, ExpectedCall, Json, JsonObject
from fceval.toolschema import SchemaNode

Severity: TypeAlias = Literal["error", "warning"]
"""An error makes the case unusable or unpassable; a warning may be meant."""


@dataclass(frozen=True, slots=True)
class Remark:
    """One thing about a case that is wrong, or looks so."""

    severity: Severity
    rule: str
    """A short name of the check."""
    field: str | None
    """As `expected[0].arguments.city`; None for the row."""
    problem: str
    """What was found, and what to do."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A remark, and the row that it is about."""

    row: int
    """1-based."""
    case_id: str | None
    """None where the row has none."""
    field: str | None
    severity: Severity
    rule: str
    problem: str


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the scoring stage knows of expectations, handed in because linting comes before it."""

    check: Callable[[Case], None]
    """Raises `FieldError` for a case whose expectations cannot be read."""
    acceptable: Callable[[Expectation, SchemaNode], Sequence[Json]]
    """Lists values that an expectation accepts, plainest first; none where it is accepted only that there is none."""
    may_be_left_out: Callable[[Expectation], bool]
    """Whether an expectation also accepts that the argument is left out."""
    is_equal: Callable[[Expectation, Json, SchemaNode], bool]
    """Whether a value is what an expectation accepts."""
    passes: Callable[[Case, tuple[ExpectedCall, ...], Sequence[tuple[str, JsonObject]]], bool]
    """Whether calls, as (tool, arguments), pass as an answer to a case that expects just these calls."""
    why_unpassable: Callable[[Case], tuple[str, str] | None]
    """By the foreign rules that a case was made for: field and reason why no answer passes; None where one does."""
