"""Wrong answers on purpose: one of each of the model's outcomes, made from a case's right calls. Pure.

A mistake is made only where fair scoring must read it as that outcome and no other: the arguments that are spoilt
are those whose expectation is a literal or a `one_of`, and of a case with several acceptable call lists only what is
wrong against each of them is spoilt.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import cast

from fceval.endpoints._answers import TEXT, Answer, Call, PlannedCall, calling, plain_call, right_calls
from fceval.endpoints._rates import chance, drawn, pick
from fceval.endpoints._values import mistyped, others, same
from fceval.records import Case, Expectation, Json
from fceval.scoring.matchers import MATCH_KEY
from fceval.toolschema import MISSING, ToolSchema, compile_tool

REFUSAL = "I'm sorry, but I can't help with that."
_UNKNOWN_ARGUMENT = "note"


def planned_mistake(case: Case, turn: int, rates: Mapping[str, float], seed: int) -> str | None:
    """Return the mistake that the mock makes in a turn; None where it answers right.

    It depends on nothing but the arguments. A kind that is drawn but impossible for the case is not made.

    Args:
        case: Where the turn is from.
        turn: From 0.
        rates: Share of the answers for each of `MISTAKES`; at most 1 in all.
        seed: Another seed draws other cases.
    """
    kind = drawn(rates, MISTAKES, chance(seed, "mistake", case.case_id, turn))
    return kind if kind and mistaken(kind, case, turn, seed) else None


def answer(case: Case, turn: int, rates: Mapping[str, float], seed: int) -> Answer:
    """Return what the mock answers in a turn: the right calls, or the planned mistake."""
    kind = drawn(rates, MISTAKES, chance(seed, "mistake", case.case_id, turn))
    wrong = mistaken(kind, case, turn, seed) if kind else None
    return wrong or calling(right_calls(case, turn))


def mistaken(kind: str, case: Case, turn: int, seed: int = 0) -> Answer | None:
    """Return an answer with one mistake, or None where the case does not admit it.

    Args:
        kind: One of `MISTAKES`.
        case: Where the turn is from.
        turn: From 0.
        seed: Which call or argument is spoilt, where there is a choice.
    """
    return MISTAKES[kind](_Turn(case, turn, pick(seed, "place", case.case_id, turn)))


@dataclass(frozen=True)
class _Turn:
    """One turn of a case, and what can be spoilt in it."""

    case: Case
    turn: int
    choice: int
    """A number that chooses among the places where a mistake can be made."""

    @cached_property
    def calls(self) -> tuple[PlannedCall, ...]:
        return right_calls(self.case, self.turn)

    @cached_property
    def position(self) -> int:
        """Which call is spoilt."""
        return self.choice % len(self.calls)

    @property
    def any_call(self) -> bool:
        return self.case.turns[self.turn].expected == "any"

    @property
    def none_wanted(self) -> bool:
        """No call is wanted, though one could be made."""
        expected = self.case.turns[self.turn].expected
        return expected == ((),) and bool(self.case.tools) and self.case.tool_choice != "none"

    @cached_property
    def all_want_calls(self) -> bool:
        """Whether calling nothing is wrong by each alternative."""
        expected = self.case.turns[self.turn].expected
        return bool(self.calls) and (expected == "any" or all(expected))

    @cached_property
    def alike(self) -> bool:
        """Whether a spoilt call meets no other alternative: there is one, or all of them want a single call."""
        expected = self.case.turns[self.turn].expected
        if expected == "any" or not self.calls:
            return False
        return len(expected) == 1 or all(len(calls) == 1 for calls in expected)

    @cached_property
    def expected_names(self) -> frozenset[str]:
        expected = self.case.turns[self.turn].expected
        return frozenset(call.name for calls in expected for call in calls) if expected != "any" else frozenset()

    @cached_property
    def other_call(self) -> PlannedCall | None:
        """A call of a tool that is offered but by no alternative expected."""
        spare = [tool for tool in self.case.tools if tool.name not in self.expected_names]
        return plain_call(spare[self.choice % len(spare)]) if spare else None

    def schema(self, name: str) -> ToolSchema:
        return next((compile_tool(tool) for tool in self.case.tools if tool.name == name), ToolSchema(None))

    def expectations(self, tool: str, argument: str) -> list[Expectation]:
        """Return what each expected call of a tool, in any alternative, says of an argument; MISSING is left out."""
        expected = self.case.turns[self.turn].expected
        calls = [call for calls in expected for call in calls if call.name == tool] if expected != "any" else []
        return [call.arguments[argument] for call in calls if argument in call.arguments]

    def everywhere(self, tool: str, argument: str) -> bool:
        """Whether each expected call of a tool speaks of an argument."""
        expected = self.case.turns[self.turn].expected
        calls = [call for calls in expected for call in calls if call.name == tool] if expected != "any" else []
        return all(argument in call.arguments for call in calls)

    def spoilt(self, position: int, call: PlannedCall | Call) -> Answer:
        """Return the answer with one call exchanged."""
        written = [right.written() for right in self.calls]
        written[position] = call if isinstance(call, Call) else call.written()
        return Answer(calls=tuple(written), finish_reason="tool_calls")

    def first_spoilt(self, ways: Callable[[PlannedCall, str], Iterator[dict[str, Json]]]) -> Answer | None:
        """Return the answer with one argument spoilt, starting at the chosen one; None where none can be."""
        if not self.alike:
            return None
        places = [(index, name) for index, call in enumerate(self.calls) for name in call.arguments]
        start = self.choice % len(places) if places else 0
        for index, name in places[start:] + places[:start]:
            for arguments in ways(self.calls[index], name):
                return self.spoilt(index, PlannedCall(self.calls[index].name, arguments))
        return None


def _truncated(turn: _Turn) -> Answer | None:
    if not turn.calls:
        return None
    *whole, last = (call.written() for call in turn.calls)
    cut = Call(last.name, last.arguments[: max(1, len(last.arguments) // 2)])
    return Answer(calls=(*whole, cut), finish_reason="length")


def _refused(turn: _Turn) -> Answer | None:
    return Answer(refusal=REFUSAL) if turn.all_want_calls else None


def _unparsable_call(turn: _Turn) -> Answer | None:
    if turn.calls:
        call = turn.calls[turn.position].written()
        return turn.spoilt(turn.position, replace(call, arguments=call.arguments[:-1]))
    if not turn.none_wanted:
        return None
    call = plain_call(turn.case.tools[0]).written()
    return Answer(calls=(replace(call, arguments=call.arguments[:-1]),), finish_reason="tool_calls")


def _unexpected_call(turn: _Turn) -> Answer | None:
    return calling((plain_call(turn.case.tools[0]),)) if turn.none_wanted else None


def _missing_call(turn: _Turn) -> Answer | None:
    if not turn.all_want_calls:
        return None
    expected = turn.case.turns[turn.turn].expected
    if len(turn.calls) == 1 or len(expected) > 1:
        return TEXT
    return calling((*turn.calls[: turn.position], *turn.calls[turn.position + 1 :]))


def _extra_call(turn: _Turn) -> Answer | None:
    expected = turn.case.turns[turn.turn].expected
    if turn.any_call or not turn.calls or len(expected) > 1 or turn.case.extra_calls == "allow":
        return None
    return calling((*turn.calls, turn.other_call or turn.calls[-1]))


def _unknown_tool(turn: _Turn) -> Answer | None:
    if not turn.alike:
        return None
    call = turn.calls[turn.position]
    name, offered = f"{call.name}_v2", {tool.name for tool in turn.case.tools}
    while name in offered:
        name += "_v2"
    return turn.spoilt(turn.position, replace(call, name=name))


def _wrong_tool(turn: _Turn) -> Answer | None:
    return turn.spoilt(turn.position, turn.other_call) if turn.alike and turn.other_call else None


def _missing_argument(turn: _Turn) -> Answer | None:
    def ways(call: PlannedCall, name: str) -> Iterator[dict[str, Json]]:
        member = turn.schema(call.name).node.member(name)
        wanted = turn.expectations(call.name, name)
        if member.default is MISSING and turn.everywhere(call.name, name) and None not in map(_spoilable, wanted):
            yield {other: value for other, value in call.arguments.items() if other != name}

    return turn.first_spoilt(ways)


def _unexpected_argument(turn: _Turn) -> Answer | None:
    if not turn.alike:
        return None
    call = turn.calls[turn.position]
    declared = turn.schema(call.name).node.properties
    name = _UNKNOWN_ARGUMENT
    while name in declared or turn.expectations(call.name, name):
        name += "_2"
    return turn.spoilt(turn.position, PlannedCall(call.name, {**call.arguments, name: "as discussed"}))


def _wrong_type(turn: _Turn) -> Answer | None:
    def ways(call: PlannedCall, name: str) -> Iterator[dict[str, Json]]:
        dressed = mistyped(call.arguments[name], turn.schema(call.name).node.member(name))
        if dressed is not MISSING and None not in map(_spoilable, turn.expectations(call.name, name)):
            yield {**call.arguments, name: cast("Json", dressed)}

    return turn.first_spoilt(ways)


def _wrong_value(turn: _Turn) -> Answer | None:
    def ways(call: PlannedCall, name: str) -> Iterator[dict[str, Json]]:
        schema = turn.schema(call.name)
        lists = [_spoilable(expectation) for expectation in turn.expectations(call.name, name)]
        member = schema.node.member(name)
        if not turn.everywhere(call.name, name) or member.allows_type(call.arguments[name]) is False:
            return
        right = [value for values in lists for value in values or ()]
        for other in others(call.arguments[name], member) if None not in lists else ():
            arguments = {**call.arguments, name: other}
            fits = schema.fits(arguments) is not False or schema.fits(call.arguments) is False
            if fits and not any(same(other, value) for value in right):
                yield arguments

    return turn.first_spoilt(ways)


def _spoilable(expectation: Expectation) -> list[Json] | None:
    """Return all that an argument may be; None where that cannot be listed, or it may be left out."""
    if isinstance(expectation, Mapping) and MATCH_KEY in expectation:
        if expectation[MATCH_KEY] != "one_of" or expectation.get("optional"):
            return None
        values = expectation.get("values")
        lists = [_spoilable(value) for value in values] if isinstance(values, list | tuple) else [None]
        return None if None in lists else [value for listed in lists for value in listed or ()]
    return None if expectation is None or _has_matcher(expectation) else [expectation]


def _has_matcher(value: Expectation) -> bool:
    if isinstance(value, Mapping):
        return MATCH_KEY in value or any(map(_has_matcher, value.values()))
    return isinstance(value, list | tuple) and any(map(_has_matcher, value))


MISTAKES: Mapping[str, Callable[[_Turn], Answer | None]] = {
    "truncated": _truncated,
    "refused": _refused,
    "unparsable_call": _unparsable_call,
    "unexpected_call": _unexpected_call,
    "missing_call": _missing_call,
    "extra_call": _extra_call,
    "unknown_tool": _unknown_tool,
    "wrong_tool": _wrong_tool,
    "missing_argument": _missing_argument,
    "unexpected_argument": _unexpected_argument,
    "wrong_type": _wrong_type,
    "wrong_value": _wrong_value,
}
"""Every kind of mistake, by the outcome it leads to, in the outcomes' order."""
