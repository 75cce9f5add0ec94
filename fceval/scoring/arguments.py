"""One expected call against one predicted call: a comparison for each argument."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fceval.records import ExpectedCall, JsonObject, ToolCall
from fceval.scoring.align import Likeness
from fceval.scoring.equality import Comparison, compare_members
from fceval.scoring.rules import Rules
from fceval.toolschema import ToolSchema

_FAULTS = ("missing_argument", "unexpected_argument", "wrong_type", "wrong_value")


@dataclass(frozen=True, slots=True)
class PairComparison:
    """What holding one predicted call against one expected call came to."""

    selected: bool
    """Both name the same tool."""
    arguments: Mapping[str, Comparison]
    """By argument name; empty unless `selected` and usable."""
    usable: bool
    """The predicted arguments are a JSON object."""

    @property
    def fault(self) -> str | None:
        """The first fault, in the order of precedence; None where the pair agrees."""
        if not self.usable:
            return "unparsable_call"
        if not self.selected:
            return "wrong_tool"
        found = {comparison.fault for comparison in self.arguments.values()}
        return next((fault for fault in _FAULTS if fault in found), None)

    @property
    def strict(self) -> bool:
        """The pair agrees without any leniency."""
        return self.fault is None and all(comparison.strict for comparison in self.arguments.values())

    @property
    def likeness(self) -> Likeness:
        """How well the two calls answer each other, for the alignment."""
        right = sum(comparison.fault is None for comparison in self.arguments.values())
        share = right / len(self.arguments) if self.arguments else float(self.fault is None)
        return Likeness(self.fault is None, self.selected, share if self.selected and self.usable else 0.0)


def compare_calls(
    expected: ExpectedCall, predicted: ToolCall, schema: ToolSchema | None, rules: Rules
) -> PairComparison:
    """Compare two calls; arguments only where both name the same tool."""
    selected = expected.name == predicted.name
    usable = predicted.problem is None
    if not selected or not usable:
        return PairComparison(selected, {}, usable)
    node = (schema or ToolSchema(None)).node
    value: JsonObject = predicted.value if isinstance(predicted.value, dict) else {}
    return PairComparison(selected, compare_members(expected.arguments, value, node, rules), usable)
