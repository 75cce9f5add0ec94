"""Calls that leaked into the text: found in every model's syntax, never in talk about it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fceval.dialects._leaks import leaked_text
from fceval.jsontext import read_json

_FILE = Path(__file__).parents[2] / "data" / "dialects" / "leaks.json"
_DATA: Any = read_json(_FILE.read_text(encoding="utf-8"))


@pytest.mark.parametrize("content", _DATA["leaked"].values(), ids=_DATA["leaked"])
def test_leak_is_found(content: str) -> None:
    """An attempt to call is found, from its beginning on."""
    leak = leaked_text(content)
    assert leak
    assert leak[:9] in content


@pytest.mark.parametrize("content", _DATA["clean"].values(), ids=_DATA["clean"])
def test_talk_is_clean(content: str) -> None:
    """Talk about calls is an answer in words."""
    assert leaked_text(content) == ""


_CALLS = {name: call for name, call in _DATA["leaked"].items() if not name.startswith(("after", "Qwen, after"))}


@pytest.mark.parametrize("content", _CALLS.values(), ids=_CALLS)
@pytest.mark.parametrize("shown", ["```\n{}\n```", "Like this:\n~~~xml\n{}\n~~~\nSee?", "```{}"])
def test_leak_in_a_code_block_is_clean(content: str, shown: str) -> None:
    """Every syntax may be shown in code."""
    assert leaked_text(shown.replace("{}", f"\n{content}", 1)) == ""


@pytest.mark.parametrize("content", _CALLS.values(), ids=_CALLS)
@pytest.mark.parametrize(
    "shown", ['"{}"', "“{}”", "「{}」", "`{}`", "> {}", "- {}", "Write {} to call.", "It sends {}"]
)
def test_leak_within_a_line_is_clean(content: str, shown: str) -> None:
    """Every syntax may be quoted, and stand in a sentence."""
    assert leaked_text(shown.replace("{}", " ".join(content.split()), 1)) == ""


@given(st.text())
def test_any_text_has_an_answer(text: str) -> None:
    """No text is too odd to be looked through."""
    assert isinstance(leaked_text(text), str)


@pytest.mark.parametrize(
    "text",
    [
        "<tool_call>" * 20_000,
        "<tool_call>" + "a" * 100_000,
        "<think>" * 20_000,
        "[TOOL_CALLS]" + "a[" * 50_000,
        "```\n" * 30_000,
        "<" * 100_000,
    ],
    ids=["tags", "name", "thoughts", "mistral", "fences", "brackets"],
)
def test_hostile_text_takes_no_time(text: str) -> None:
    """Looking through a text is linear."""
    started = time.thread_time()
    leaked_text(text)
    assert time.thread_time() - started < 5
