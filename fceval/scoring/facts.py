"""An answer against its turn, as fact rows: one for the response, one a pair of calls, one an argument."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from fceval.records import Case, ExpectedCall, Key, Parsed, Response, ToolCall, json_text
from fceval.rows import ArgumentFact, CallFact, ResponseFact
from fceval.scoring.align import align
from fceval.scoring.arguments import PairComparison, compare_calls
from fceval.scoring.bare_calls import bare_call
from fceval.scoring.rules import Rules
from fceval.toolschema import compile_tools

_CUT_OFF = frozenset({"length", "max_output_tokens"})
"""The finish reasons that say that the token limit ended the answer."""


class Facts(NamedTuple):
    """What is known of one response."""

    response: ResponseFact
    calls: tuple[CallFact, ...]
    """Empty where it was not measured."""
    arguments: tuple[ArgumentFact, ...]


class _Alignment(NamedTuple):
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
        parsed = parsed._replace(problems=(problem,))
    expected = case.turns[response.key.turn].expected
    if expected == "any":
        for position, call in enumerate(parsed.calls):
            rows.lone(position, call, None)
        return rows.facts(response, parsed, "any", 0, 0)
    if len(expected) == 1 and len(expected[0]) == len(parsed.calls) == 1:  # as most are: there is nothing to choose
        rows.pair(expected[0][0], parsed.calls[0])
        return rows.facts(response, parsed, "calls", 0, 1)
    aligned = [rows.aligned(calls, parsed.calls) for calls in expected]
    best = 0 if len(aligned) == 1 else max(range(len(aligned)), key=lambda number: (aligned[number].merit, -number))
    wanted = "calls" if aligned[best].expected else "none"
    rows.add(aligned[best])
    return rows.facts(response, parsed, wanted, best, len(aligned[best].expected))


class _Rows:
    """Gathers the call and argument rows of one response."""

    def __init__(self, case: Case, key: Key, rules: Rules) -> None:
        self.case = case
        self.rules = rules
        self.labels = (key.case_id, key.variant, key.trial, key.turn, case.category)
        self.schemas = compile_tools(case.tools)
        self._extra_allowed = rules.extra_calls == "allow"
        self.calls: list[CallFact] = []
        self.arguments: list[ArgumentFact] = []

    def aligned(self, expected: tuple[ExpectedCall, ...], predicted: tuple[ToolCall, ...]) -> _Alignment:
        compared = [[self._compared(wanted, found) for found in predicted] for wanted in expected]
        likeness = [[pair.likeness for pair in row] for row in compared]
        pairs = align(likeness, ordered=self.rules.order == "strict")
        chosen = tuple((row, column, compared[row][column]) for row, column in pairs)
        return _Alignment(expected, predicted, chosen, self._extra_allowed and bool(expected))

    def _compared(self, wanted: ExpectedCall, found: ToolCall) -> PairComparison:
        return compare_calls(wanted, found, self.schemas.get(wanted.name), self.rules)

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

    def pair(self, wanted: ExpectedCall, found: ToolCall) -> None:
        """Add the rows of the only expected call and the only predicted one."""
        self._pair(0, wanted, 0, found, self._compared(wanted, found))

    def _pair(self, row: int, wanted: ExpectedCall, column: int, found: ToolCall, pair: PairComparison) -> None:
        fault = pair.fault
        if fault == "wrong_tool" and found.name not in self.schemas:
            fault = "unknown_tool"
        of_arguments = (*self.labels, len(self.calls), wanted.name)
        self._call(
            expected_index=row,
            predicted_index=column,
            tool=wanted.name,
            fault=fault,
            selected=pair.selected,
            arguments_ok=fault is None if pair.selected else None,
            strict_ok=pair.strict if pair.selected else None,
            credit=pair.arguments_right,
            wanted=wanted,
            found=found,
        )
        expected, predicted = wanted.arguments, found.value if isinstance(found.value, dict) else {}
        self.arguments += [
            ArgumentFact._make(  # in the order of the columns: half of the time that names take
                (
                    *of_arguments,
                    name,
                    comparison.path,
                    comparison.fault,
                    comparison.rule,
                    json_text(expected[name]) if name in expected else None,
                    json_text(predicted[name]) if name in predicted else None,
                )
            )
            for name, comparison in pair.arguments.items()
        ]

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
            CallFact._make(  # as above
                (
                    *self.labels,
                    len(self.calls),
                    expected_index,
                    predicted_index,
                    tool,
                    found.name if found else None,
                    fault,
                    selected,
                    arguments_ok,
                    strict_ok,
                    self._fits(found) if found else None,
                    ignored,
                    json_text(wanted.arguments) if wanted else None,
                    found.arguments if found else None,
                    credit,
                )
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
    calls: Sequence[ToolCall] = parsed.calls if parsed else ()
    problems = [call.problem for call in calls if call.problem is not None]
    if parsed:
        problems += parsed.problems
    else:
        expected = case.turns[response.key.turn].expected
        wanted = "any" if expected == "any" else "calls" if any(expected) else "none"
    key, usage, attempts = response.key, response.usage, response.attempts
    last = attempts[-1] if attempts else None
    return ResponseFact._make(  # in the order of the columns: half of the time that names take
        (
            *(key.case_id, key.variant, key.trial, key.turn, case.category),
            list(case.tags),
            case.content_hash,
            response.failure,
            "; ".join(problems) or (last.detail if last and not parsed else None),
            wanted,
            alternative,
            expected_calls,
            len(calls),
            len(problems),
            bool(parsed and parsed.refusal and not calls),
            response.finish_reason in _CUT_OFF,
            bool(parsed and parsed.text.strip()),
            last.latency_s if last else None,
            last.ttft_s if last else None,
            usage.prompt_tokens,
            usage.completion_tokens,
            None,  # what it cost: the run knows prices
            len(attempts),
            len([attempt for attempt in attempts if attempt.status == _TOO_MANY]),
            list(response.irregularities),
            response.served_model,
            response.finish_reason,
            None,  # BFCL's outcome and error type, by its rules alone
            None,
            last.first_call_s if last else None,
            1 if attempts else 0,
        )
    )


_TOO_MANY = 429
