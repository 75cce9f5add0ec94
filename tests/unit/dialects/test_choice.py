"""What `tool_choice` means, in whatever form a case writes it."""

from __future__ import annotations

import pytest

from fceval.cases.rows import case_of
from fceval.dialects._choice import Choice, choice_of
from fceval.records import Json

F: Json = {"type": "function", "function": {"name": "f"}}
G: Json = {"type": "function", "function": {"name": "g"}}


@pytest.mark.parametrize(
    ("said", "choice"),
    [
        (None, Choice("auto", ("f", "g"))),
        ("auto", Choice("auto", ("f", "g"))),
        ("none", Choice("none", ())),
        ("required", Choice("required", ("f", "g"))),
        (F, Choice("required", ("f",), limited=True)),
        (
            {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [G, F]}},
            Choice("auto", ("g", "f"), limited=True),
        ),
        (
            {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [G, "x", {}]}},
            Choice("required", ("g",), limited=True),
        ),
        ({"type": "allowed_tools", "allowed_tools": {"tools": "f"}}, Choice("auto", (), limited=True)),
        ({"type": "function", "function": {"name": 5}}, Choice("auto", ("f", "g"))),
        ("any", Choice("auto", ("f", "g"))),
        (["f"], Choice("auto", ("f", "g"))),
    ],
)
def test_choice(said: Json, choice: Choice) -> None:
    """Known forms mean what OpenAI says; an unknown one leaves the model free."""
    message: Json = {"role": "user", "content": "Do it."}
    row = {"case_id": "c", "messages": [message], "tools": [F, G], "expected": "any", "tool_choice": said}
    assert choice_of(case_of(row, 1)) == choice
