"""An answer against its turn, as fact rows: one for the response, one a pair of calls, one an argument."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import cast

from fceval.records import Case, ExpectedCall, Json, Key, Parsed, Response, ToolCall, json_text
from fceval.rows import ArgumentFact, CallFact, ResponseFact
from fceval.scoring.align import align
from fceval.scoring.arguments import PairComparison, compare_calls
from fceval.scoring.bare_calls import bare_call
from fceval.scoring.rules import Rules
from fceval.toolschema import MISSING, compile_tools

_CUT_OFF = frozenset({"length", "max_output_tokens"})
"""The finish reasons that say that the token limit ended the answer."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of one response."""

    response: ResponseFact
    calls: tuple[CallFact, ...]
    """Empty where it was not measured."""
    arguments: tuple[ArgumentFact, ...]


@dataclass(frozen=True, slots=True)
class _Alignment:
    """A predicted call list held against one of the expected ones."""

    expected: tuple[ExpectedCall, ...]
    predicted: tuple[ToolCall, ...]
    pairs: tuple[tuple[int, int, PairComparison], ...]
    extra_allowed: bool
    """Predicted calls beyond the expected ones are no faults."""

    @property
    def merit(self) -> tuple[bool, bool, int, int, float]:
        """Greater is better: right, right without leniency, fewer faults, more tools right, more arguments right."""
        missing = len(self.expected) - len(self.pairs)
        extra = len(self.predicted) - len(self.pairs)
        faults = missing + (0 if self.extra_allowed else extra)
        faults += sum(pair.fault is not None for _, _, pair in self.pairs)
        right = faults == 0
        strict = right and all(pair.strict for _, _, pair in self.pairs)
        selected = sum(pair.selected for _, _, pair in self.pairs)
        return (right, strict, -faults, selected, sum(pair.arguments_right for _, _, pair in self.pairs))


def facts_of(case: Case, response: Response, parsed: Parsed | None, rules: Rules) -> Facts:
    """Return the facts of one response.

    Args:
        case: Its case.
        response: The final outcome of its request.
        parsed: The message as calls and text; None where it was not measured.
        rules: The run's settings; what the case says itself goes first.
    """
    if parsed is None:
        return Facts(_response_fact(case, response, None, "calls", 0, 0), (), ())
    rows = _Rows(case, response.key, rules.for_case(case))
    if not parsed.calls and not parsed.problems and (problem := bare_call(parsed.text, rows.schemas)):
        parsed = replace(parsed, problems=(problem,))
    expected = case.turns[response.key.turn].expected
    if expected == "any":
        for position, call in enumerate(parsed.calls):
            rows.lone(position, call, None)
        return rows.facts(response, parsed, "any", 0, 0)
    aligned = [rows.aligned(calls, parsed.calls) for calls in expected]
    best = 0 if len(aligned) == 1 else max(range(len(aligned)), key=lambda number: (aligned[number].merit, -number))
    wanted = "calls" if aligned[best].expected else "none"
    rows.add(aligned[best])
    return rows.facts(response, parsed, wanted, best, len(aligned[best].expected))


class _Rows:
    """Gathers the call and argument rows of one response."""

    def __init__(self, case: Case, key: Key, rules: Rules) -> None:
        self.case = case
        self.key = key
        self.rules = rules
        self.schemas = compile_tools(case.tools)
        self._extra_allowed = rules.extra_calls == "allow"
        self.calls: list[CallFact] = []
        self.arguments: list[ArgumentFact] = []

    def aligned(self, expected: tuple[ExpectedCall, ...], predicted: tuple[ToolCall, ...]) -> _Alignment:
        compared = [
            [compare_calls(wanted, found, self.schemas.get(wanted.name), self.rules) for found in predicted]
            for wanted in expected
        ]
        if len(expected) == len(predicted) == 1:
            pairs = [(0, 0)]
        else:
            likeness = [[pair.likeness for pair in row] for row in compared]
            pairs = align(likeness, ordered=self.rules.order == "strict")
        chosen = tuple((row, column, compared[row][column]) for row, column in pairs)
        return _Alignment(expected, predicted, chosen, extra_allowed=self._extra_allowed and bool(expected))

    def add(self, alignment: _Alignment) -> None:
        """Add the rows of an alignment: expected calls in their order, then the calls that are left."""
        partners = {row: (column, pair) for row, column, pair in alignment.pairs}
        for row, wanted in enumerate(alignment.expected):
            if row in partners:
                column, pair = partners[row]
                self._pair(row, wanted, column, alignment.predicted[column], pair)
            else:
                self._missing(row, wanted)
        taken = {column for column, _ in partners.values()}
        for position, call in enumerate(alignment.predicted):
            if position not in taken:
                self.lone(position, call, "extra_call" if alignment.expected else "unexpected_call")

    def _pair(self, row: int, wanted: ExpectedCall, column: int, found: ToolCall, pair: PairComparison) -> None:
        fault = pair.fault
        if fault == "wrong_tool" and found.name not in self.schemas:
            fault = "unknown_tool"
        number = len(self.calls)
        self._call(
            expected_index=row,
            predicted_index=column,
            tool=wanted.name,
            fault=fault,
            selected=pair.selected,
            arguments_ok=fault is None if pair.selected else None,
            strict_ok=pair.strict if pair.selected else None,
            credit=pair.likeness.arguments_right,
            wanted=wanted,
            found=found,
        )
        value = found.value if isinstance(found.value, dict) else {}
        for name, comparison in pair.arguments.items():
            self.arguments.append(
                ArgumentFact(
                    case_id=self.key.case_id,
                    variant=self.key.variant,
                    trial=self.key.trial,
                    turn=self.key.turn,
                    category=self.case.category,
                    pair=number,
                    tool=wanted.name,
                    argument=name,
                    path=comparison.path,
                    fault=comparison.fault,
                    rule=comparison.rule,
                    expected=_text(wanted.arguments.get(name, MISSING)),
                    predicted=_text(value.get(name, MISSING)),
                )
            )

    def _missing(self, row: int, wanted: ExpectedCall) -> None:
        self._call(expected_index=row, tool=wanted.name, fault="missing_call", wanted=wanted)

    def lone(self, position: int, call: ToolCall, fault: str | None) -> None:
        """Add the row of a predicted call that has no partner; a broken one is a fault where others are not."""
        offered = call.name in self.schemas
        selected = fault is None and offered
        ignored = fault == "extra_call" and self._extra_allowed and call.problem is None
        if call.problem is not None:
            fault = "unparsable_call"
        elif ignored:
            fault = None
        elif fault is None and not offered:
            fault = "unknown_tool"
        self._call(
            predicted_index=position, tool=call.name, fault=fault, selected=selected, ignored=ignored, found=call
        )

    def _call(  # noqa: PLR0913 -- one keyword a column
        self,
        *,
        tool: str,
        fault: str | None,
        expected_index: int | None = None,
        predicted_index: int | None = None,
        selected: bool = False,
        arguments_ok: bool | None = None,
        strict_ok: bool | None = None,
        credit: float = 0.0,
        ignored: bool = False,
        wanted: ExpectedCall | None = None,
        found: ToolCall | None = None,
    ) -> None:
        self.calls.append(
            CallFact(
                case_id=self.key.case_id,
                variant=self.key.variant,
                trial=self.key.trial,
                turn=self.key.turn,
                category=self.case.category,
                pair=len(self.calls),
                expected_index=expected_index,
                predicted_index=predicted_index,
                tool=tool,
                predicted_tool=found.name if found else None,
                fault=fault,
                selected=selected,
                arguments_ok=arguments_ok,
                strict_ok=strict_ok,
                schema_valid=self._fits(found) if found else None,
                ignored=ignored,
                expected_arguments=json_text(dict(wanted.arguments)) if wanted else None,
                predicted_arguments=found.arguments if found else None,
                credit=credit,
            )
        )

    def _fits(self, call: ToolCall) -> bool | None:
        schema = self.schemas.get(call.name)
        if schema is None:
            return None
        return False if call.problem is not None else schema.fits(call.value)

    def facts(self, response: Response, parsed: Parsed, wanted: str, alternative: int, expected_calls: int) -> Facts:
        fact = _response_fact(self.case, response, parsed, wanted, alternative, expected_calls)
        return Facts(fact, tuple(self.calls), tuple(self.arguments))


def _response_fact(  # noqa: PLR0913, PLR0917 -- what the comparison decided, in the order of the columns
    case: Case, response: Response, parsed: Parsed | None, wanted: str, alternative: int, expected_calls: int
) -> ResponseFact:
    last = response.attempts[-1] if response.attempts else None
    calls: Sequence[ToolCall] = parsed.calls if parsed else ()
    unusable = sum(call.problem is not None for call in calls) + (len(parsed.problems) if parsed else 0)
    if parsed is None:
        expected = case.turns[response.key.turn].expected
        wanted = "any" if expected == "any" else "calls" if any(expected) else "none"
    return ResponseFact(
        case_id=response.key.case_id,
        variant=response.key.variant,
        trial=response.key.trial,
        turn=response.key.turn,
        category=case.category,
        tags=list(case.tags),
        content_hash=case.content_hash,
        failure=response.failure,
        failure_detail=_detail(response, parsed),
        wanted=wanted,
        alternative=alternative,
        expected_calls=expected_calls,
        predicted_calls=len(calls),
        unusable_calls=unusable,
        refused=bool(parsed and parsed.refusal and not calls),
        cut_off=response.finish_reason in _CUT_OFF,
        has_text=bool(parsed and parsed.text.strip()),
        latency_s=last.latency_s if last else None,
        ttft_s=last.ttft_s if last else None,
        first_call_s=last.first_call_s if last else None,
        prompt_tokens=response.usage.prompt_tokens,
        completion_tokens=response.usage.completion_tokens,
        cost_usd=None,
        attempts=len(response.attempts),
        retried_429=sum(attempt.status == _TOO_MANY for attempt in response.attempts),
        requests=1 if response.attempts else 0,
        irregularities=list(response.irregularities),
        served_model=response.served_model,
        finish_reason=response.finish_reason,
    )


def _detail(response: Response, parsed: Parsed | None) -> str | None:
    """Return what went wrong on the wire, or else why attempted calls are unusable."""
    if parsed is None:
        return response.attempts[-1].detail if response.attempts else None
    problems = [call.problem for call in parsed.calls if call.problem is not None]
    return "; ".join([*problems, *parsed.problems]) or None


_TOO_MANY = 429


def _text(value: object) -> str | None:
    return None if value is MISSING else json_text(cast("Json", value))
