"""What BFCL's rules need of a case: BFCL's category, and the raw function docs and possible answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, cast

from fceval.errors import FieldError
from fceval.records import Case
from fceval.scoring.bfcl.values import Value

Checker: TypeAlias = Literal["simple", "multiple", "parallel"]
Language: TypeAlias = Literal["python", "java", "javascript"]

_LANGUAGES: tuple[Language, ...] = ("python", "java", "javascript")
_ADVICE = "BFCL's rules need it: make the dataset with `fceval dataset import bfcl`"


@dataclass(frozen=True, slots=True)
class Question:
    """One case, in BFCL's terms."""

    checker: Checker
    """How calls are held against the possible answers."""
    any_call: bool | None
    """Where no more is asked than whether any call is made: whether one is wanted. None where calls are compared."""
    language: Language
    """The language whose source text the arguments hold; Python's are plain JSON."""
    function: Sequence[Value]
    """The raw function docs, before they became `tools`."""
    ground_truth: Sequence[Value]
    """Possible answers, one a call; empty for relevance and irrelevance."""


def question(
    category: str, function: Sequence[Value], ground_truth: Sequence[Value], language: Language | None = None
) -> Question:
    """Return a case in BFCL's terms.

    Args:
        category: As `live_parallel_multiple`: by its words BFCL chooses what it checks.
        function: The raw function docs.
        ground_truth: Possible answers, one a call.
        language: Of the arguments; None: as the category says.
    """
    return Question(
        checker="parallel" if "parallel" in category else "multiple" if "multiple" in category else "simple",
        any_call="irrelevance" not in category if "relevance" in category else None,
        language=language or _language(category),
        function=function,
        ground_truth=ground_truth,
    )


def _language(category: str) -> Language:
    if "javascript" in category:
        return "javascript"
    return "java" if "java" in category else "python"


def question_of(case: Case) -> Question:
    """Return what BFCL's rules need of a case, from its `source`.

    Raises:
        FieldError: The case was not imported from BFCL, or its `source` was changed.
    """
    source = case.fields.get("source")
    if not isinstance(source, Mapping) or source.get("dataset") != "bfcl":
        msg = f"does not say that the case comes from BFCL; {_ADVICE}"
        raise FieldError(msg, "source")
    # The case's own category is a label that its owner may change; the source keeps BFCL's.
    category = source.get("category", case.category)
    if not isinstance(category, str):
        msg = f"no text; {_ADVICE}"
        raise FieldError(msg, "source.category")
    language = source.get("language", _language(category))
    if language not in _LANGUAGES:
        msg = f"none of {', '.join(_LANGUAGES)}; {_ADVICE}"
        raise FieldError(msg, "source.language")
    function, ground_truth = _objects(source, "function"), _objects(source, "ground_truth")
    return question(category, function, ground_truth, language)


def _objects(source: Mapping[str, Any], name: str) -> Sequence[Value]:
    listed = source.get(name)
    if not isinstance(listed, list) or not all(isinstance(entry, dict) for entry in listed):
        msg = f"no list of objects; {_ADVICE}"
        raise FieldError(msg, f"source.{name}")
    return cast("Sequence[Value]", listed)
