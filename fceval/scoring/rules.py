"""Settings of scoring: what a run counts as right where a case does not say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """How strictly answers are held against what is expected."""

    strings: Literal["normalized", "exact"] = "normalized"
    """`normalized`: case and white space do not count in strings that the tool's schema leaves free.
    `exact`: they do. Either way strings are compared in Unicode NFC."""
    order: Literal["any", "strict"] = "any"
    """Whether calls must come in the order in which the case lists them."""
    extra_calls: Literal["forbid", "allow"] = "forbid"
    """Whether calls beyond the expected ones are faults."""
