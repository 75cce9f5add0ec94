"""What hides from readers becomes visible; what shows itself stays."""

from __future__ import annotations

import json
import sys
import unicodedata

import pytest

from fceval.report.visible import json_safe, visible, visible_lines


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\x1b[2J", r"\x1b[2J"),
        ("\x1b]52;c;AAAA\x07", r"\x1b]52;c;AAAA\x07"),
        ("a\nb\tc\rd", r"a\nb\tc\rd"),
        ("\x00\x7f\x9b", r"\x00\x7f\x9b"),
        ("\u202egnp", r"\u202egnp"),
        ("zero\u200bwidth\ufeff", r"zero\u200bwidth\ufeff"),
        ("\u2028\u2066\u2069", r"\u2028\u2066\u2069"),
        ("\U000e0041", r"\U000e0041"),
        ("\ud800", r"\ud800"),
    ],
)
def test_hidden_characters_become_escapes(text: str, expected: str) -> None:
    """C0, DEL, C1, bidirectional, zero-width, tags and lone surrogates."""
    assert visible(text) == expected


@pytest.mark.parametrize("text", ["北京今天天气怎么样？", "naïve café", "किताब", "שלום", "🙂👍🏽", "a b", ""])
def test_ordinary_text_stays(text: str) -> None:
    """Letters of any script, spaces and emoji are untouched."""
    assert visible(text) == text


def test_nothing_that_controls_gets_through() -> None:
    """Of all of Unicode, no control, surrogate or line separator is left, and all output is UTF-8."""
    shown = visible("".join(map(chr, range(sys.maxunicode + 1))))
    assert not {unicodedata.category(character) for character in shown} & {"Cc", "Cs", "Zl", "Zp"}
    assert not [
        c
        for c in shown
        if unicodedata.bidirectional(c) in {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
    ]
    shown.encode()


def test_lines_keep_line_feeds_and_tabs_only() -> None:
    """A block of text keeps its shape; a carriage return could overwrite a line."""
    assert visible_lines("a\n\tb\r\x1b") == "a\n\tb\\r\\x1b"


@pytest.mark.parametrize("text", ["\x7f\x9b\u202e\ud800", "\U000e0041 北京 \x1b"])
def test_json_safe_keeps_the_value(text: str) -> None:
    """The JSON text shows no hidden character, and reads back as it was."""
    safe = json_safe(json.dumps(text, ensure_ascii=False))
    assert visible_lines(safe) == safe
    assert json.loads(safe) == text
