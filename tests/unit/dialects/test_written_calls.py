"""Calls in text: where they may stand, and that looking for them is linear."""

from __future__ import annotations

import time

import pytest

from fceval.dialects import load
from fceval.dialects._written_calls import Passage, Written, json_passage, written_calls
from fceval.records import ToolCall

CALL = ToolCall(None, "f", "{}", {})
SYNTAXES = ("prompt_json", "prompt_python", "prompt_xml")


def take(_: str, __: int, end: int) -> Passage:
    """Read `CALL` as a call and everything else as none."""
    return Passage(end, (CALL,))


def found(text: str, *, ends_line: bool = True) -> Written:
    """Look for the word `CALL`."""
    return written_calls(text, "CALL", take, ends_line=ends_line)


@pytest.mark.parametrize(
    ("text", "beside"),
    [
        ("CALL", ""),
        ("  CALL  \n", ""),
        ("Text.\nCALL", "Text.\n"),
        ("Text.\n\nCALL", "Text."),
        ("Text. CALL", "Text."),
        ("Text: CALL\nMore.", "Text:\nMore."),
        ("`CALL`", ""),
        ("CALL.", ""),
        ("CALL<|im_end|>", ""),
        ("CALL <|eot_id|> <|end|>", ""),
        ("```\nCALL\n```", ""),
        ("A\n~~~json\nCALL\n~~~\nB", "A\nB"),
    ],
)
def test_call_stands_for_itself(text: str, beside: str) -> None:
    """At the beginning of a line or after a sentence; what is beside it is text, empty fences apart."""
    assert found(text) == Written((CALL,), beside)


@pytest.mark.parametrize("text", ["A CALL", "- CALL", "> CALL", '"CALL"', "(CALL)", "CALL is said.", "the `CALL`"])
def test_talk_is_text(text: str) -> None:
    """Within a line, in quotes, as an item of a list, or with a sentence that goes on."""
    assert found(text) == Written((), text)


def test_text_after_a_call() -> None:
    """Where a syntax says itself where a call ends, text may follow on the line."""
    assert found("CALL is said.", ends_line=False) == Written((CALL,), " is said.")


def test_calls_follow_each_other() -> None:
    """After a call the next one may begin at once, or after a comma."""
    assert written_calls("[CALL], [CALL];[CALL]\n\n[CALL]", r"\[CALL\]", take) == Written((CALL,) * 4, "")


def test_debris_is_a_problem() -> None:
    """Brackets that are left over make the call one that nobody can be sure of."""
    problem = "what follows a call is neither text nor a call: CALL]}"
    assert found("CALL]}") == Written((), "CALL]}", (problem,))


def test_calls_before_a_broken_one_stay() -> None:
    """They are calls, and the broken one is a problem."""
    text = '[{"name": "f"}]\n[{"name": '
    written = written_calls(text, r"\[\{", lambda text, start, _: json_passage(text, start))
    assert written == Written((CALL_WITHOUT_ARGUMENTS,), text, ('the JSON of a call is broken or cut off: [{"name": ',))


CALL_WITHOUT_ARGUMENTS = ToolCall(None, "f", "", {})


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize(
    "text",
    [
        "\n" * 100_000,
        "[f()" + " " * 100_000,
        "[f()]" + " " * 100_000 + "x",
        "[a" * 50_000,
        "`" * 100_000,
        "```\n" * 30_000,
        '{"name": 1}\n' * 20_000,
        '{"name":' * 20_000,
        '[{"name": "f", "arguments":' + "[" * 100_000,
        "[f(a=1)]\n" * 5_000,
        "[f(a=" + "-" * 100_000 + "1)]",
        '[f(a="""' * 10_000,
        "f(a=1)\n" * 5_000 + "x",
        "<tool_call>" * 20_000,
        "<tool_call>" + " " * 100_000,
        "<think>" * 20_000,
        ".[" * 50_000,
    ],
    ids=lambda text: repr(text[:12]),
)
def test_hostile_text_takes_no_time(syntax: str, text: str) -> None:
    """Looking through a text is linear."""
    dialect = load(syntax)
    started = time.thread_time()
    dialect.parse({"role": "assistant", "content": text})
    assert time.thread_time() - started < 5
