"""A case in BFCL's terms."""

from __future__ import annotations

from typing import Any

import pytest

from fceval.cases.rows import case_of
from fceval.errors import FieldError
from fceval.scoring.bfcl.question import question, question_of

ROW: dict[str, Any] = {
    "case_id": "a",
    "messages": [{"role": "user", "content": "Hello"}],
    "tools": [],
    "expected": [],
}
SOURCE: dict[str, Any] = {
    "dataset": "bfcl",
    "category": "live_parallel_multiple",
    "language": "python",
    "function": [{"name": "f"}],
    "ground_truth": [{"f": {}}],
}


@pytest.mark.parametrize(
    ("category", "checker", "any_call", "language"),
    [
        ("simple_python", "simple", None, "python"),
        ("simple_java", "simple", None, "java"),
        ("simple_javascript", "simple", None, "javascript"),
        ("live_multiple", "multiple", None, "python"),
        ("live_parallel_multiple", "parallel", None, "python"),
        ("live_irrelevance", "simple", False, "python"),
        ("live_relevance", "simple", True, "python"),
    ],
)
def test_words_of_the_category_choose_the_rules(
    category: str, checker: str, *, any_call: bool | None, language: str
) -> None:
    """BFCL finds checker and language in the category's name."""
    asked = question(category, [], [])
    assert (asked.checker, asked.any_call, asked.language) == (checker, any_call, language)


def test_source_counts_not_the_label() -> None:
    """The owner of a case may give it another category; BFCL's stays in `source`."""
    asked = question_of(case_of(ROW | {"category": "weather", "source": SOURCE}, 1))
    assert (asked.checker, asked.function, asked.ground_truth) == ("parallel", [{"name": "f"}], [{"f": {}}])


@pytest.mark.parametrize(
    ("source", "field"),
    [
        (None, "source"),
        ({"dataset": "other"}, "source"),
        (SOURCE | {"category": 1}, "source.category"),
        (SOURCE | {"language": "rust"}, "source.language"),
        (SOURCE | {"function": None}, "source.function"),
        (SOURCE | {"ground_truth": ["f()"]}, "source.ground_truth"),
    ],
)
def test_case_that_is_not_from_bfcl_is_refused(source: object, field: str) -> None:
    """The message names the field and the command that makes it right."""
    with pytest.raises(FieldError, match="dataset import bfcl") as refused:
        question_of(case_of(ROW | {"source": source}, 1))
    assert refused.value.field == field
