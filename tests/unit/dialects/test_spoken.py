"""What a message says besides its calls: thoughts apart, leaks noted."""

from __future__ import annotations

from typing import Any

import pytest

from fceval.dialects._spoken import content_text, spoken

LEAK = '<tool_call>{"name": "f", "arguments": {}}</tool_call>'


@pytest.mark.parametrize(
    ("message", "content", "text", "notes"),
    [
        ({}, "Hello.", "Hello.", ()),
        ({}, "<think>Hm.</think>\n\nHello.", "Hello.", ("reasoning_field_variants",)),
        ({}, "Hm.</think>Hello.", "Hello.", ("reasoning_field_variants",)),
        ({}, "<think>Hm.", "", ("reasoning_field_variants",)),
        ({}, "Do you think> so?", "Do you think> so?", ()),
        ({"reasoning_content": "Hm."}, "Hello.", "Hello.", ("reasoning_field_variants",)),
        ({"reasoning": "Hm."}, "Hello.", "Hello.", ("reasoning_field_variants",)),
        ({"reasoning_content": "", "reasoning": None}, "Hello.", "Hello.", ()),
        ({}, LEAK, LEAK, ("call_in_content",)),
        ({"reasoning": "Hm."}, LEAK, LEAK, ("reasoning_field_variants", "call_in_content")),
        ({"reasoning": LEAK}, "", "", ("call_in_reasoning",)),
        ({}, f"<think>\n{LEAK}\n</think>", "", ("call_in_reasoning",)),
        ({"reasoning": f"It would be `{LEAK}`, I think."}, "No.", "No.", ("reasoning_field_variants",)),
        ({}, f"```\n{LEAK}\n```", f"```\n{LEAK}\n```", ()),
    ],
)
def test_spoken(message: Any, content: str, text: str, notes: tuple[str, ...]) -> None:  # noqa: ANN401 -- JSON
    """Text for the user, and a code for all that is odd; only a leak into the text is a problem."""
    said = spoken(message, content, called=False)
    assert (said.text, said.notes) == (text, notes)
    assert bool(said.problems) == ("call_in_content" in notes) == bool(said.leaked)


def test_calls_as_they_should_be_leave_no_leak() -> None:
    """A message that calls may say in its text and its thoughts what it likes."""
    said = spoken({"reasoning": LEAK}, LEAK, called=True)
    assert (said.problems, said.notes, said.leaked) == ((), ("reasoning_field_variants",), ())


@pytest.mark.parametrize(
    ("content", "text"), [("a", "a"), (None, ""), ([{"text": "a"}, {"text": None}, 5, {"text": "b"}], "ab"), (5, "")]
)
def test_content_text(content: Any, text: str) -> None:  # noqa: ANN401 -- JSON
    """A text, or the texts of parts."""
    assert content_text(content) == text
