"""What reading Java and JavaScript source text has in common: patterns of linear cost, and guessing a type."""

from __future__ import annotations

from typing import Any

import re2

from fceval.scoring.bfcl.values import Value

_SPACE = r"[\s\v\x1c-\x1f\x{85}\p{Z}]"
"""White space as Python's `re` understands it; RE2's own class is ASCII only."""


def pattern(text: str, *, across_lines: bool = False) -> Any:  # noqa: ANN401 -- re2 has no types
    r"""Return a compiled pattern: BFCL's `re` syntax, run by RE2.

    BFCL's patterns are ambiguous: on texts that nearly fit, backtracking through them can take exponential time, and
    the texts are the model's.

    Args:
        text: `\s` in it means Python's white space.
        across_lines: A dot matches a line break too.
    """
    return re2.compile(("(?s)" if across_lines else "") + text.replace(r"\s", _SPACE))


def guessed_number(text: str) -> Value:
    """Return the number that Python reads in a text; the text itself where it is none."""
    for number in (int, float):
        try:
            return number(text)
        except ValueError:
            continue
    return text
