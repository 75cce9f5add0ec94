"""`{"$match": "text", "value": TEXT}`: a text, with switches for what does not count in it.

Without a switch it is exact, whatever the run's string rule. The switches hold even where the schema constrains the
string. Unicode is compared in NFC.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pydantic import StrictBool, StrictStr

from fceval.records import Json
from fceval.scoring.matchers import Matcher, Needed, Place
from fceval.scoring.strings import composed, without_case, without_punctuation, without_space
from fceval.toolschema import SchemaNode


@dataclass(frozen=True, slots=True)
class Text:
    """Accepts one text."""

    value: StrictStr
    ignore_case: StrictBool = False
    ignore_space: StrictBool = False
    """No white space counts, of any script."""
    ignore_punctuation: StrictBool = False
    """No punctuation counts, and no symbol (Unicode categories P and S)."""

    def accepts(self, place: Place) -> Needed:
        """Accept a string in which everything that counts is equal."""
        found = place.predicted
        return () if isinstance(found, str) and self._what_counts(found) == self._what_counts(self.value) else None

    def _what_counts(self, text: str) -> str:
        text = composed(text)
        if self.ignore_case:
            text = without_case(text)
        if self.ignore_punctuation:
            text = without_punctuation(text)
        return without_space(text) if self.ignore_space else text

    def examples(self, node: SchemaNode) -> Iterable[Json]:
        """Yield the text."""
        del node
        return (self.value,)


PLUGIN: type[Matcher] = Text
