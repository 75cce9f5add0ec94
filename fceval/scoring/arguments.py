"""One expected call against one predicted call: a comparison for each argument."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fceval.records import ExpectedCall, ToolCall
from fceval.scoring.align import Likeness
from fceval.scoring.equality import Comparison, compare_members
from fceval.scoring.rules import Rules
from fceval.toolschema import ToolSchema

_FAULTS = ("missing_argument", "unexpected_argument", "wrong_type", "wrong_value")
_NOTHING_KNOWN = ToolSchema(None).node


@dataclass(frozen=True, slots=True)
class PairComparison:
    """What holding one predicted call against one expected call came to."""

    selected: bool
    """Both name the same tool."""
    fault: str | None
    """The first fault, in the order of precedence; None where the pair agrees."""
    strict: bool
    """The pair agrees without any leniency."""
    arguments: Mapping[str, Comparison]
    """By argument name; empty unless `selected` and the predicted arguments are a JSON object."""

    @property
    def arguments_right(self) -> float:
        """Share of the arguments that are right, in [0, 1]; 0 unless `selected`."""
        if not self.arguments:
            return float(self.fault is None)
        return sum(comparison.fault is None for comparison in self.arguments.values()) / len(self.arguments)

    @property
    def likeness(self) -> Likeness:
        """How well the two calls answer each other, for the alignment."""
        return Likeness(self.fault is None, self.selected, self.arguments_right)


def compare_calls(
    expected: ExpectedCall, predicted: ToolCall, schema: ToolSchema | None, rules: Rules
) -> PairComparison:
    """Compare two calls; arguments only where both name the same tool."""
    selected = expected.name == predicted.name
    if predicted.problem is not None or not isinstance(predicted.value, Mapping):
        return PairComparison(selected, "unparsable_call", strict=False, arguments={})
    if not selected:
        return PairComparison(selected, "wrong_tool", strict=False, arguments={})
    node = schema.node if schema else _NOTHING_KNOWN
    arguments = compare_members(expected.arguments, predicted.value, node, rules)
    found = {comparison.fault for comparison in arguments.values()}
    fault = next((fault for fault in _FAULTS if fault in found), None)
    strict = fault is None and all(comparison.strict for comparison in arguments.values())
    return PairComparison(selected, fault, strict, arguments)
