"""Settings of scoring: what a run counts as right where a case does not say."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from fceval.records import Case


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """How strictly answers are held against what is expected."""

    name: Literal["native", "bfcl"] = "native"
    """`native`: fceval's own. `bfcl`: BFCL's verdict, bit for bit, for cases imported from BFCL; what follows
    then decides the figures about calls and arguments only."""
    strings: Literal["normalized", "exact"] = "normalized"
    """`normalized`: case and white space do not count in strings that the tool's schema leaves free.
    `exact`: they do. Either way strings are compared in Unicode NFC."""
    order: Literal["any", "strict"] = "any"
    """Whether calls must come in the order in which the case lists them."""
    extra_calls: Literal["forbid", "allow"] = "forbid"
    """Whether calls beyond the expected ones are faults. Where no call is wanted, any call is one."""
    repair: Literal["off", "report", "apply"] = "report"
    """What becomes of calls that are off the contract in a way that can be undone (double encoding, a leak into the
    text ...). `report`: they fail, and a second figure says what would have passed. `apply`: they are judged as
    repaired. `off`: they fail, and nothing more is said."""

    def for_case(self, case: Case) -> Rules:
        """Return the rules of one case: what it says itself goes first."""
        if case.strings is None and case.order is None and case.extra_calls is None:
            return self
        return replace(
            self,
            strings=case.strings or self.strings,
            order=case.order or self.order,
            extra_calls=case.extra_calls or self.extra_calls,
        )
