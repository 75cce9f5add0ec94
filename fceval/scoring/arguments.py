"""One expected call against one predicted call: a comparison for each argument."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from fceval.records import ExpectedCall, ToolCall
from fceval.scoring.align import Likeness
from fceval.scoring.equality import Comparison, compare_members
from fceval.scoring.rules import Rules
from fceval.toolschema import ToolSchema

_FAULTS = ("missing_argument", "unexpected_argument", "wrong_type", "wrong_value")
_NOTHING_KNOWN = ToolSchema(None).node


class PairComparison(NamedTuple):
    """What holding one predicted call against one expected call came to."""

    selected: bool
    """Both name the same tool."""
    fault: str | None
    """The first fault, in the order of precedence; None where the pair agrees."""
    strict: bool
    """The pair agrees without any leniency."""
    arguments: Mapping[str, Comparison]
    """By argument name; empty unless `selected` and the predicted arguments are a JSON object."""
    arguments_right: float
    """Share of the arguments that are right, in [0, 1]; 0 unless `selected`."""

    @property
    def likeness(self) -> Likeness:
        """How well the two calls answer each other, for the alignment."""
        return Likeness(self.fault is None, self.selected, self.arguments_right)


def compare_calls(
    expected: ExpectedCall, predicted: ToolCall, schema: ToolSchema | None, rules: Rules
) -> PairComparison:
    """Compare two calls; arguments only where both name the same tool."""
    selected = expected.name == predicted.name
    if predicted.problem is not None or not isinstance(predicted.value, dict):
        return PairComparison(selected, "unparsable_call", strict=False, arguments={}, arguments_right=0.0)
    if not selected:
        return PairComparison(selected, "wrong_tool", strict=False, arguments={}, arguments_right=0.0)
    node = schema.node if schema else _NOTHING_KNOWN
    arguments = compare_members(expected.arguments, predicted.value, node, rules)
    faults = [comparison.fault for comparison in arguments.values() if comparison.fault is not None]
    if faults:
        first = min(faults, key=_FAULTS.index)
        right = (len(arguments) - len(faults)) / len(arguments)
        return PairComparison(selected, first, strict=False, arguments=arguments, arguments_right=right)
    strict = all(comparison.strict for comparison in arguments.values() if comparison.rules)
    return PairComparison(selected, None, strict, arguments, arguments_right=1.0)
