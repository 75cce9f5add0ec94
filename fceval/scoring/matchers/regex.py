"""`{"$match": "regex", "pattern": P}`: a string that P matches from its first to its last character.

The syntax is RE2's (https://github.com/google/re2/wiki/Syntax), which takes linear time on every input; it has no
look-around, back-references, atomic groups or possessive quantifiers. `(?i)`, `(?s)` and `(?m)` switch as usual, and
`.*P.*` finds P anywhere.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from pydantic import StrictStr

from fceval.records import Json
from fceval.scoring.matchers import Matcher, Needed, Place
from fceval.scoring.matchers._regex_examples import plainest
from fceval.scoring.strings import composed
from fceval.toolschema import SchemaNode, sample_value

_FOREIGN = {
    "(?=": "look-ahead",
    "(?!": "negative look-ahead",
    "(?<=": "look-behind",
    "(?<!": "negative look-behind",
    "(?>": "atomic groups",
    "(?(": "conditional groups",
    "(?#": "comments",
    "(?P": "back-references by name",
    "\\k": "back-references by name",
    "\\Z": "`\\Z`: the end of the text is `\\z`",
}


@dataclass(frozen=True, slots=True)
class Regex:
    """Accepts the strings that a pattern matches as a whole."""

    pattern: StrictStr

    def __post_init__(self) -> None:
        _compiled(self.pattern)

    def accepts(self, place: Place) -> Needed:
        """Accept a string that matches."""
        return () if isinstance(place.predicted, str) and _matches(self.pattern, place.predicted) else None

    def examples(self, node: SchemaNode) -> Iterable[Json]:
        """Yield strings that match: what the schema suggests, or a short one made from the pattern."""
        for value in (sample_value(node), plainest(self.pattern, _matches)):
            if isinstance(value, str) and _matches(self.pattern, value):
                yield value


def _matches(pattern: str, text: str) -> bool:
    try:
        return _compiled(pattern).fullmatch(composed(text)) is not None
    except ValueError:  # a lone surrogate is no character (UnicodeEncodeError), nor is it a pattern
        return False


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> Any:  # noqa: ANN401 -- re2 ships no types
    import re2  # noqa: PLC0415 -- few datasets have patterns

    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(composed(pattern), options)
    except UnicodeEncodeError:
        msg = "a lone surrogate is no character"
        raise ValueError(msg) from None
    except re2.error as error:
        detail = error.args[0].decode(errors="replace") if error.args else "not a pattern"
        raise ValueError(_explained(detail)) from None


def _explained(detail: str) -> str:
    """Return RE2's message, with the construct in words where it is one that other engines have."""
    kind, _, construct = detail.partition(": ")
    name = _FOREIGN.get(construct)
    if kind == "invalid escape sequence" and construct[1:].isdigit():
        name = "back-references"
    if kind == "bad repetition operator" and construct.endswith("+"):
        name = "possessive quantifiers"
    if name:
        return f"RE2 has no {name} (`{construct}`)"
    return f"{kind} `{construct}`" if construct else detail


PLUGIN: type[Matcher] = Regex
